//! Saved views of the memory list, and the choices of its filters.

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
pub async fn memory_view_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<MemoryView>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryViewList).await?;
    Ok(store::memory::memory_view_list(&mut act.tx).await?)
}

/// Saves a search text and filters under a name.
///
/// # Errors
/// [`AppError::Invalid`] also for a name that is taken, and when the maximum
/// number of views is reached.
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
    // A search text can be as private as the memories that it finds, so it is
    // not audited.
    let changes = json!({ "after": { "has_question": !query.query.trim().is_empty() } });
    act.commit(AuditTarget::memory_view(id).with_changes(changes))
        .await?;
    Ok(id)
}

/// Renames one of the actor's views.
///
/// # Errors
/// [`AppError::Invalid`] also for a name that is taken.
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

pub async fn memory_view_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryViewId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryViewDelete).await?;
    store::memory::memory_view_delete(&mut act.tx, id).await?;
    act.commit(AuditTarget::memory_view(id)).await
}

/// The names that lists and searches can be filtered by, including those that
/// `filter` uses now.
pub async fn memory_filter_choices(
    ctx: &Ctx,
    actor: &Actor,
    filter: &MemoryFilter,
) -> Result<FilterChoices, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryList).await?;
    // An invalid filter has no names; the list itself reports the error.
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
