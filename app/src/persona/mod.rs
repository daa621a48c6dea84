//! Personas: the own contexts that memories may belong to.

mod api;
mod page;

pub(crate) use api::persona_list;
pub(crate) use page::{PersonaListPage, PersonaPage};
