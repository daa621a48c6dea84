//! The member's own contexts, which memories may belong to.

use axum::{Extension, Json};
use domain::{PersonaId, persona::Persona};
use serde::Serialize;
use service::Ctx;
use utoipa::ToSchema;

use super::{input::Authenticated, paged::Paged, problem::ApiError};

/// A context of the member, such as work or home.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PersonaRow {
    /// Its id: a memory's `persona_id`, and `persona` of a list or a search.
    #[schema(value_type = Uuid)]
    id: PersonaId,
    /// Its name.
    name: String,
    /// What it is about; may be empty.
    description: String,
    /// Memories of it outside the trash.
    memories: i64,
}

impl From<Persona> for PersonaRow {
    fn from(persona: Persona) -> Self {
        Self {
            id: persona.id,
            name: persona.name,
            description: persona.description,
            memories: persona.memories,
        }
    }
}

/// List personas
///
/// The member's own, by name.
#[utoipa::path(
    get, path = "/personas", tag = "Memories",
    security(("key" = ["memory.read"])),
    responses((status = 200, description = "The personas", body = Paged<PersonaRow>)),
)]
pub(super) async fn personas_list(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
) -> Result<Json<Paged<PersonaRow>>, ApiError> {
    let personas = service::persona_list(&ctx, &actor).await?;
    Ok(Json(Paged::whole(personas)))
}
