//! Saved views of the memory list, and the choices of its filters.

use domain::{
    Action, Actor, AppError, MemoryViewId, NoInput, Page,
    memory::{FilterChoices, MemoryCriteria, MemoryFilter, MemoryOwner},
    memory_view::{
        MemoryView, MemoryViewInput, MemoryViewPath, MemoryViewRef, MemoryViewRenameInput, ViewName,
    },
};
use serde_json::json;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    MemoryViewList,
    MemoryViewCreate,
    MemoryViewRename,
    MemoryViewDelete,
}

pub struct MemoryViewList;

impl Operation for MemoryViewList {
    const ACTION: Action = Action::MemoryViewList;
    const ROUTE: Route = Route::get("/memory-views");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "List saved views";
    const DESCRIPTION: &'static str = "The caller's own, all at once, by name.";
    type Input = NoInput;
    type Output = Page<MemoryView>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        _: NoInput,
    ) -> Result<Done<Page<MemoryView>>, AppError> {
        let items = store::memory::memory_view_list(tx).await?;
        Ok(Done::read(Page::whole(items)))
    }
}

pub struct MemoryViewCreate;

impl Operation for MemoryViewCreate {
    const ACTION: Action = Action::MemoryViewCreate;
    const ROUTE: Route = Route::create("/memory-views");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Save a search text and filters under a name";
    type Input = MemoryViewInput;
    type Output = MemoryViewRef;

    /// # Errors
    /// [`AppError::Invalid`] also for a name that is taken, and when the
    /// maximum number of views is reached.
    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemoryViewInput { name, query }: MemoryViewInput,
    ) -> Result<Done<MemoryViewRef>, AppError> {
        let name = ViewName::parse(&name)?;
        query.check()?;
        let (id, now): (MemoryViewId, _) = (tx.ctx.ids.id(), tx.now());
        store::memory::memory_view_create(tx, id, &name, &query, now).await?;
        // A search text can be as private as the memories that it finds, so it
        // is not audited.
        let changes = json!({ "after": { "has_question": !query.query.trim().is_empty() } });
        let target = AuditTarget::of(id).with_changes(changes);
        Ok(Done::audited(name.with_id(id), target))
    }
}

pub struct MemoryViewRename;

impl Operation for MemoryViewRename {
    const ACTION: Action = Action::MemoryViewRename;
    const ROUTE: Route = Route::patch("/memory-views/{id}");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Rename a saved view";
    type Input = MemoryViewRenameInput;
    type Output = MemoryViewRef;

    /// # Errors
    /// [`AppError::Invalid`] also for a name that is taken.
    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemoryViewRenameInput { id, name }: MemoryViewRenameInput,
    ) -> Result<Done<MemoryViewRef>, AppError> {
        let name = ViewName::parse(&name)?;
        let now = tx.now();
        store::memory::memory_view_rename(tx, id, &name, now).await?;
        Ok(Done::audited(name.with_id(id), AuditTarget::of(id)))
    }
}

pub struct MemoryViewDelete;

impl Operation for MemoryViewDelete {
    const ACTION: Action = Action::MemoryViewDelete;
    const ROUTE: Route = Route::delete("/memory-views/{id}");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Delete a saved view";
    type Input = MemoryViewPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemoryViewPath { id }: MemoryViewPath,
    ) -> Result<Done<()>, AppError> {
        store::memory::memory_view_delete(tx, id).await?;
        Ok(Done::audited((), AuditTarget::of(id)))
    }
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
