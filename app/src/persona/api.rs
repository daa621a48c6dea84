//! Server functions of personas.

use domain::{
    AppError, NoInput, PersonaId, WithId,
    persona::Persona,
    persona::{PersonaInput, PersonaPath},
};
use leptos::prelude::*;

use crate::{Flash, api};

/// The caller's personas, by name.
pub(crate) async fn persona_list() -> Result<Vec<Persona>, AppError> {
    let (ctx, actor) = api::caller()?;
    let page = service::call::<service::PersonaList>(&ctx, &actor, NoInput {}).await?;
    Ok(page.items)
}

#[server(endpoint = "persona_create")]
pub(crate) async fn persona_create(
    #[server(default)] name: String,
    #[server(default)] description: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = PersonaInput { name, description };
    service::call::<service::PersonaCreate>(&ctx, &actor, input).await?;
    api::redirect_with_flash("/memories/personas", Flash::PERSONA_SAVED);
    Ok(())
}

#[server(endpoint = "persona_update")]
pub(crate) async fn persona_update(
    id: PersonaId,
    #[server(default)] name: String,
    #[server(default)] description: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = PersonaInput { name, description };
    let input = WithId { id, input };
    service::call::<service::PersonaUpdate>(&ctx, &actor, input).await?;
    api::redirect_with_flash("/memories/personas", Flash::PERSONA_SAVED);
    Ok(())
}

/// Deletes a persona; its memories stay.
#[server(endpoint = "persona_delete")]
pub(crate) async fn persona_delete(id: PersonaId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::PersonaDelete>(&ctx, &actor, PersonaPath { id }).await?;
    api::redirect_with_flash("/memories/personas", Flash::PERSONA_DELETED);
    Ok(())
}
