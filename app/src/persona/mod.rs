//! Personas: the own contexts that memories may belong to.

mod api;
mod page;

pub(crate) use api::persona_list;
pub(crate) use page::{PersonaListPage, PersonaPage};

/// The forms of these pages.
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
