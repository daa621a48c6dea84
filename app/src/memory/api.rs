//! Server functions of memories.

use domain::{
    Action, Actor, AppError, MemoryId, MemoryViewId, NoInput, Page, Timestamp,
    live::StreamCursor,
    memory::{
        Expiry, MAX_HITS, MemoryListInput, MemoryPath, MemorySort, SearchInput, SearchMode,
        SimilarInput,
    },
    memory::{
        FilterChoices, Memory, MemoryFilter, MemoryForm, MemoryReply, MemorySummary, MemoryVersion,
        SearchResults,
    },
    memory_view::MemoryView,
    memory_view::{MemoryViewInput, MemoryViewPath, MemoryViewQuery, MemoryViewRenameInput},
    persona::Persona,
    proposal::PendingProposal,
    proposal::ProposalPath,
    share::MemorySharing,
};
use leptos::prelude::*;

use super::{parts::display_title, query::MemoryQuery};
use crate::{Flash, api, ui::Query};

/// Result of the list page.
#[derive(Clone, Debug)]
pub(crate) enum MemoryListing {
    /// Without a search text: newest first.
    List(Page<MemorySummary>),
    /// With a search text: best first.
    Hits(SearchResults),
    /// The memories most similar to one memory, with the title of that one.
    Like(String, SearchResults),
}

/// Result of the list page, and the time as of which it was read.
#[derive(Clone, Debug)]
pub(crate) struct MemoryListData {
    pub(crate) found: MemoryListing,
    /// Later changes are not included.
    pub(crate) as_of: StreamCursor,
}

/// Lists memories, or searches if the query has a search text.
pub(crate) async fn memory_find(list: MemoryQuery) -> Result<MemoryListData, AppError> {
    let (ctx, actor) = api::caller()?;
    let as_of = StreamCursor::at(ctx.clock.now());
    let found = list_or_search(&ctx, &actor, list).await?;
    Ok(MemoryListData { found, as_of })
}

async fn list_or_search(
    ctx: &service::Ctx,
    actor: &Actor,
    query: MemoryQuery,
) -> Result<MemoryListing, AppError> {
    let MemoryQuery {
        query,
        mode,
        filter,
        sort,
        after,
        like,
    } = query;
    let mode = SearchMode::parse(&mode)?;
    if !like.is_empty() {
        let id = like.parse().map_err(|_| AppError::NotFound)?;
        let input = SimilarInput {
            id,
            limit: Some(MAX_HITS),
            filter,
        };
        let results = service::call::<service::MemorySimilar>(ctx, actor, input).await?;
        let memory = service::call::<service::MemoryGet>(ctx, actor, MemoryPath { id }).await?;
        let title = display_title(&memory.title, &memory.content);
        return Ok(MemoryListing::Like(title, results));
    }
    if query.trim().is_empty() {
        let sort = match sort.as_str() {
            "" => MemorySort::default(),
            key => MemorySort::from_key(key)
                .ok_or_else(|| AppError::field("sort", "Choose one of the columns."))?,
        };
        let input = MemoryListInput {
            filter,
            sort,
            after: Some(after),
        };
        service::call::<service::MemoryList>(ctx, actor, input)
            .await
            .map(MemoryListing::List)
    } else {
        let input = SearchInput {
            query,
            mode,
            limit: Some(MAX_HITS),
            filter,
            ..SearchInput::default()
        };
        service::call::<service::MemorySearch>(ctx, actor, input)
            .await
            .map(MemoryListing::Hits)
    }
}

/// Data beside the list: saved views and the choices of the filters.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListContext {
    pub(crate) views: Vec<MemoryView>,
    pub(crate) choices: FilterChoices,
}

/// Saved views and filter choices, with the names of the values that `filter`
/// selects.
pub(crate) async fn memory_list_context(filter: MemoryFilter) -> Result<ListContext, AppError> {
    let (ctx, actor) = api::caller()?;
    Ok(ListContext {
        views: list_views(&ctx, &actor).await?,
        choices: service::memory_filter_choices(&ctx, &actor, &filter).await?,
    })
}

pub(crate) async fn memory_view_list() -> Result<Vec<MemoryView>, AppError> {
    let (ctx, actor) = api::caller()?;
    list_views(&ctx, &actor).await
}

async fn list_views(ctx: &service::Ctx, actor: &Actor) -> Result<Vec<MemoryView>, AppError> {
    let page = service::call::<service::MemoryViewList>(ctx, actor, NoInput {}).await?;
    Ok(page.items)
}

/// Saves the page's query, given as a URL query in `shown`, under a name.
#[server(endpoint = "memory_view_create")]
pub(crate) async fn memory_view_create(
    #[server(default)] name: String,
    #[server(default)] shown: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let page_query = MemoryQuery::from_params(&Query::parse(&shown));
    let query = MemoryViewQuery {
        mode: SearchMode::parse(&page_query.mode)?,
        query: page_query.query,
        filter: page_query.filter,
    };
    let path = MemoryQuery::from_view(&query).path();
    let input = MemoryViewInput { name, query };
    service::call::<service::MemoryViewCreate>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&path, Flash::MEMORY_VIEW_CREATED);
    Ok(())
}

#[server(endpoint = "memory_view_rename")]
pub(crate) async fn memory_view_rename(
    id: MemoryViewId,
    #[server(default)] name: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = MemoryViewRenameInput { id, name };
    service::call::<service::MemoryViewRename>(&ctx, &actor, input).await?;
    api::redirect_with_flash(VIEWS_PATH, Flash::MEMORY_VIEW_RENAMED);
    Ok(())
}

#[server(endpoint = "memory_view_delete")]
pub(crate) async fn memory_view_delete(id: MemoryViewId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let path = MemoryViewPath { id };
    service::call::<service::MemoryViewDelete>(&ctx, &actor, path).await?;
    api::redirect_with_flash(VIEWS_PATH, Flash::MEMORY_VIEW_DELETED);
    Ok(())
}

/// Path of the page of saved views.
pub(crate) const VIEWS_PATH: &str = "/memories/views";

/// One of the caller's memories, for its edit form.
#[derive(Clone, Debug)]
pub(crate) struct EditData {
    /// Later changes are not included.
    pub(crate) as_of: StreamCursor,
    pub(crate) memory: Memory,
    /// The owner's pending proposal. If it is a change, `memory` has the
    /// proposed values.
    pub(crate) pending: Option<PendingProposal>,
    /// Others see the memory, so a change is proposed for review.
    pub(crate) needs_review: bool,
    /// Choices for the persona.
    pub(crate) personas: Vec<Persona>,
}

/// One memory for its form. For others' memories and those in the trash this is
/// a `Conflict` with the reason; `NotFound` would be wrong, because they can be
/// read.
pub(crate) async fn memory_edit(id: MemoryId) -> Result<EditData, AppError> {
    let (ctx, actor) = api::caller()?;
    let as_of = StreamCursor::at(ctx.clock.now());
    let memory = service::call::<service::MemoryGet>(&ctx, &actor, MemoryPath { id }).await?;
    let blocked_reason = if !memory.is_own {
        let owner = &memory.owner_name;
        format!("This memory belongs to {owner}. Only the owner can edit it.")
    } else if memory.deleted_at.is_some() {
        "This memory is in the trash. Restore it first, then edit it.".to_owned()
    } else {
        let pending = service::proposal_pending(&ctx, &actor, id).await?;
        let needs_review = service::memory_needs_review(&ctx, &actor, id).await?;
        let is_shared_further = pending
            .as_ref()
            .is_some_and(|pending| !pending.is_change && !pending.is_stale);
        if needs_review && is_shared_further {
            return Err(AppError::Conflict {
                message: "You have a pending proposal to share this memory. Withdraw it or wait for the decision \
                          before you edit the memory."
                    .to_owned(),
            });
        }
        let memory = match &pending {
            Some(pending) if pending.is_change && !pending.is_stale => {
                apply_proposed_change(&ctx, &actor, memory, pending).await?
            }
            _ => memory,
        };
        return Ok(EditData {
            as_of,
            pending,
            needs_review,
            personas: service::call::<service::PersonaList>(&ctx, &actor, NoInput {})
                .await?
                .items,
            memory,
        });
    };
    Err(AppError::Conflict {
        message: blocked_reason,
    })
}

/// Returns `memory` with the change that its owner has proposed, to continue
/// editing it.
async fn apply_proposed_change(
    ctx: &service::Ctx,
    actor: &Actor,
    memory: Memory,
    pending: &PendingProposal,
) -> Result<Memory, AppError> {
    let proposal =
        service::call::<service::ProposalGet>(ctx, actor, ProposalPath { id: pending.id }).await?;
    Ok(match proposal.change {
        Some(change) => change.after.apply_to(memory),
        None => memory,
    })
}

/// A memory with its versions, sharing and replies.
#[derive(Clone, Debug)]
pub(crate) struct MemoryData {
    /// Later changes are not included.
    pub(crate) as_of: StreamCursor,
    pub(crate) memory: Memory,
    pub(crate) versions: Vec<MemoryVersion>,
    pub(crate) sharing: MemorySharing,
    /// Oldest first.
    pub(crate) replies: Vec<MemoryReply>,
}

pub(crate) async fn memory_get(id: MemoryId) -> Result<MemoryData, AppError> {
    let (ctx, actor) = api::caller()?;
    let as_of = StreamCursor::at(ctx.clock.now());
    let path = MemoryPath { id };
    Ok(MemoryData {
        as_of,
        memory: service::call::<service::MemoryGet>(&ctx, &actor, path).await?,
        versions: service::memory_versions(&ctx, &actor, id).await?,
        sharing: service::call::<service::MemorySharingGet>(&ctx, &actor, path).await?,
        replies: service::call::<service::MemoryReplies>(&ctx, &actor, path)
            .await?
            .items,
    })
}

#[server(endpoint = "memory_create")]
pub(crate) async fn memory_create(#[server(flatten)] form: MemoryForm) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::authorize(&ctx, &actor, Action::MemoryCreate).await?;
    let expires_at = expiry(&ctx, &actor, &form).await;
    let input = form.input(expires_at, ctx.clock.now())?;
    let memory = service::call::<service::MemoryCreate>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&format!("/memories/{}", memory.id), Flash::MEMORY_CREATED);
    Ok(())
}

/// Changes a memory; `version` is the one that the form shows.
#[server(endpoint = "memory_update")]
pub(crate) async fn memory_update(
    id: MemoryId,
    version: i32,
    #[server(default)] reason: String,
    #[server(flatten)] form: MemoryForm,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::authorize(&ctx, &actor, Action::MemoryUpdate).await?;
    let expires_at = expiry(&ctx, &actor, &form).await;
    let patch = form.patch(id, version, expires_at, reason, ctx.clock.now())?;
    let changed = service::call::<service::MemoryUpdate>(&ctx, &actor, patch).await?;
    let flash = match changed.proposal_id {
        None => Flash::MEMORY_UPDATED,
        Some(_) => Flash::MEMORY_CHANGE_PROPOSED,
    };
    api::redirect_with_flash(&format!("/memories/{id}"), flash);
    Ok(())
}

#[server(endpoint = "memory_delete")]
pub(crate) async fn memory_delete(id: MemoryId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::MemoryDelete>(&ctx, &actor, MemoryPath { id }).await?;
    api::redirect_with_flash("/memories", Flash::memory_deleted(id));
    Ok(())
}

#[server(endpoint = "memory_restore")]
pub(crate) async fn memory_restore(id: MemoryId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::MemoryRestore>(&ctx, &actor, MemoryPath { id }).await?;
    api::redirect_with_flash(&format!("/memories/{id}"), Flash::MEMORY_RESTORED);
    Ok(())
}

/// The instant of a form's expiry; a day ends in the owner's time zone.
async fn expiry(
    ctx: &service::Ctx,
    actor: &Actor,
    form: &MemoryForm,
) -> Result<Option<Timestamp>, AppError> {
    match form.attributes.expiry()? {
        Expiry::Always => Ok(None),
        Expiry::Until(at) => Ok(Some(at)),
        Expiry::UntilEndOf(day) => service::day_end(ctx, actor, day).await.map(Some),
    }
}
