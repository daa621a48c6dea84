//! Personas: contexts of a member that memories can belong to.

use domain::{
    Action, Actor, AppError, PersonaId,
    persona::{MAX_PERSONAS, ParsedPersona, Persona, PersonaDraft},
};
use serde_json::json;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// The actor's personas, by name.
pub async fn persona_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Persona>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::PersonaList).await?;
    Ok(store::persona::persona_list(&mut act.tx).await?)
}

pub async fn persona_get(ctx: &Ctx, actor: &Actor, id: PersonaId) -> Result<Persona, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::PersonaList).await?;
    Ok(store::persona::persona_get(&mut act.tx, id).await?)
}

pub async fn persona_create(
    ctx: &Ctx,
    actor: &Actor,
    draft: &PersonaDraft,
) -> Result<PersonaId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::PersonaCreate).await?;
    let text = ParsedPersona::parse(draft)?;
    if store::persona::persona_list(&mut act.tx).await?.len() >= MAX_PERSONAS {
        return Err(AppError::field(
            "name",
            format!("You have {MAX_PERSONAS} personas, the most there can be. Delete one first."),
        ));
    }
    let id: PersonaId = ctx.ids.id();
    store::persona::persona_create(&mut act.tx, id, &text, ctx.clock.now()).await?;
    act.commit(AuditTarget::persona(id)).await?;
    Ok(id)
}

pub async fn persona_update(
    ctx: &Ctx,
    actor: &Actor,
    id: PersonaId,
    draft: &PersonaDraft,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::PersonaUpdate).await?;
    let text = ParsedPersona::parse(draft)?;
    store::persona::persona_update(&mut act.tx, id, &text, ctx.clock.now()).await?;
    act.commit(AuditTarget::persona(id)).await
}

/// Deletes one of the actor's personas; its memories then have none.
pub async fn persona_delete(ctx: &Ctx, actor: &Actor, id: PersonaId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::PersonaDelete).await?;
    let left = store::persona::persona_delete(&mut act.tx, id).await?;
    // The persona's name and text are private, so only the count is audited.
    act.commit(AuditTarget::persona(id).with_changes(json!({ "memories": left })))
        .await
}
