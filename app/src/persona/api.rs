//! Server functions of personas.

use domain::{AppError, PersonaId, persona::Persona};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use {
    crate::{Flash, api},
    domain::persona::PersonaDraft,
};

/// The caller's personas, by name.
#[server(endpoint = "persona_list")]
pub(crate) async fn persona_list() -> Result<Vec<Persona>, AppError> {
    let (ctx, actor) = api::caller()?;
    service::persona_list(&ctx, &actor).await
}

#[server(endpoint = "persona_get")]
pub(crate) async fn persona_get(id: PersonaId) -> Result<Persona, AppError> {
    let (ctx, actor) = api::caller()?;
    service::persona_get(&ctx, &actor, id).await
}

#[server(endpoint = "persona_create")]
pub(crate) async fn persona_create(
    #[server(default)] name: String,
    #[server(default)] description: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = PersonaDraft { name, description };
    service::persona_create(&ctx, &actor, &draft).await?;
    api::redirect_with_flash("/memories/personas", Flash::PersonaSaved);
    Ok(())
}

#[server(endpoint = "persona_update")]
pub(crate) async fn persona_update(
    id: PersonaId,
    #[server(default)] name: String,
    #[server(default)] description: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = PersonaDraft { name, description };
    service::persona_update(&ctx, &actor, id, &draft).await?;
    api::redirect_with_flash("/memories/personas", Flash::PersonaSaved);
    Ok(())
}

/// Deletes a persona; its memories stay.
#[server(endpoint = "persona_delete")]
pub(crate) async fn persona_delete(id: PersonaId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::persona_delete(&ctx, &actor, id).await?;
    api::redirect_with_flash("/memories/personas", Flash::PersonaDeleted);
    Ok(())
}
