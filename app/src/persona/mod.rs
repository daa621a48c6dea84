//! Personas: a member's own contexts, to which memories may belong.

mod api;
mod page;

use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
};

pub(crate) use api::persona_list;

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/memories/personas"), page::PersonaListPage),
            page(path!("/memories/personas/:id"), page::PersonaPage),
        ]
    },
    forms: &[
        ("/memories/personas", &[api::PersonaCreate::PATH]),
        (
            "/memories/personas/:id",
            &[api::PersonaUpdate::PATH, api::PersonaDelete::PATH],
        ),
    ],
    flashes: FLASHES,
};

flashes! {
    /// Created or changed.
    PERSONA_SAVED = "persona_saved", "Persona saved.";
    PERSONA_DELETED = "persona_deleted", "Persona deleted. Its memories are kept.";
}
