//! Saved views, and what filters offer by name.

use domain::{
    Action, Actor, AppError, MemoryViewId,
    memory::{FilterChoices, MemoryCriteria, MemoryFilter, MemoryOwner},
    memory_view::{MemoryView, MemoryViewQuery, ViewName},
};
use serde_json::json;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// The actor's saved views, by name.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn memory_view_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<MemoryView>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryViewList).await?;
    Ok(store::memory::memory_view_list(&mut act.tx).await?)
}

/// Saves a question and filters under a name.
///
/// # Errors
/// [`AppError::Invalid`] for a name that is taken or not acceptable, when
/// there are as many views as there may be, and for what no page could show.
pub async fn memory_view_create(
    ctx: &Ctx,
    actor: &Actor,
    name: &str,
    query: &MemoryViewQuery,
) -> Result<MemoryViewId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryViewCreate).await?;
    let name = ViewName::parse(name)?;
    query.check()?;
    let id: MemoryViewId = ctx.ids.id();
    store::memory::memory_view_create(&mut act.tx, id, &name, query, ctx.clock.now()).await?;
    // What somebody looks for may be as private as what they find.
    let changes = json!({ "after": { "has_question": !query.query.trim().is_empty() } });
    act.commit(AuditTarget::memory_view(id).changed(changes))
        .await?;
    Ok(id)
}

/// Gives an own view another name.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Invalid`] for a name that is taken or
/// not acceptable.
pub async fn memory_view_rename(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryViewId,
    name: &str,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryViewRename).await?;
    let name = ViewName::parse(name)?;
    store::memory::memory_view_rename(&mut act.tx, id, &name, ctx.clock.now()).await?;
    act.commit(AuditTarget::memory_view(id)).await
}

/// Deletes an own view.
///
/// # Errors
/// [`AppError::NotFound`].
pub async fn memory_view_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryViewId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryViewDelete).await?;
    store::memory::memory_view_delete(&mut act.tx, id).await?;
    act.commit(AuditTarget::memory_view(id)).await
}

/// What lists and searches can be narrowed to by name, with the names of what
/// `filter` is narrowed to now.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn memory_filter_choices(
    ctx: &Ctx,
    actor: &Actor,
    filter: &MemoryFilter,
) -> Result<FilterChoices, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryList).await?;
    // One that can't be has no names; the list itself says what is wrong.
    let criteria = MemoryCriteria::parse(filter).unwrap_or_default();
    let owner = match criteria.owner {
        Some(MemoryOwner::Member(id)) => Some(id),
        _ => None,
    };
    let teams = &actor.team_ids;
    let choices =
        store::memory::memory_filter_choices(&mut act.tx, teams, owner, criteria.team_id).await?;
    Ok(choices)
}
