//! Personas: a member's own contexts, to which memories may belong.

mod api;
mod page;

pub(crate) use api::persona_list;
pub(crate) use page::{PersonaListPage, PersonaPage};

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
        ("/memories/personas", &[api::PersonaCreate::PATH]),
        (
            "/memories/personas/:id",
            &[api::PersonaUpdate::PATH, api::PersonaDelete::PATH],
        ),
    ]
};
