//! Server functions of memories.
#![expect(
    clippy::too_many_arguments,
    reason = "a server function takes the fields of its form"
)]

use domain::{
    AppError, MemoryId, MemoryViewId, Page,
    live::StreamCursor,
    memory::{
        FilterChoices, Memory, MemoryFilter, MemoryReply, MemorySummary, MemoryVersion,
        SearchResults,
    },
    memory_view::MemoryView,
    persona::Persona,
    proposal::PendingProposal,
    share::MemorySharing,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::query::MemoryQuery;
#[cfg(feature = "ssr")]
use {
    super::parts::display_title,
    crate::{Flash, api, ui::Query},
    domain::{
        Action, Actor, NoInput,
        memory::{
            MemoryAttributes, MemoryChange, MemoryDraft, MemoryText, NewMemory, Origin, SearchMode,
        },
        memory_form::{AttributesForm, Expiry, both, parse_reason},
        memory_view::{MemoryViewInput, MemoryViewPath, MemoryViewQuery, MemoryViewRenameInput},
        share::EditOutcome,
    },
};

/// Result of the list page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum MemoryListing {
    /// Without a search text: newest first.
    List(Page<MemorySummary>),
    /// With a search text: best first.
    Hits(SearchResults),
    /// The memories most similar to one memory, with the title of that one.
    Like(String, SearchResults),
}

/// Result of the list page, and the time as of which it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MemoryListData {
    pub(crate) found: MemoryListing,
    /// Later changes are not included.
    pub(crate) as_of: StreamCursor,
}

/// Lists memories, or searches if the query has a search text.
#[server(endpoint = "memory_find")]
pub(crate) async fn memory_find(list: MemoryQuery) -> Result<MemoryListData, AppError> {
    let (ctx, actor) = api::caller()?;
    let as_of = StreamCursor::at(ctx.clock.now());
    let found = list_or_search(&ctx, &actor, list).await?;
    Ok(MemoryListData { found, as_of })
}

#[cfg(feature = "ssr")]
async fn list_or_search(
    ctx: &service::Ctx,
    actor: &Actor,
    query: MemoryQuery,
) -> Result<MemoryListing, AppError> {
    let MemoryQuery {
        query,
        mode,
        filter,
        after,
        like,
    } = query;
    let mode = SearchMode::parse(&mode)?;
    if !like.is_empty() {
        let id = like.parse().map_err(|_| AppError::NotFound)?;
        let (memory, results) = service::memory_similar(ctx, actor, id, &filter).await?;
        let title = display_title(&memory.title, &memory.content);
        return Ok(MemoryListing::Like(title, results));
    }
    if query.trim().is_empty() {
        let after = Some(after).filter(|after| !after.is_empty());
        service::memory_list(ctx, actor, &filter, after.as_deref())
            .await
            .map(MemoryListing::List)
    } else {
        service::memory_search(ctx, actor, &query, mode, &filter)
            .await
            .map(MemoryListing::Hits)
    }
}

/// Data beside the list: saved views and the choices of the filters.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ListContext {
    pub(crate) views: Vec<MemoryView>,
    pub(crate) choices: FilterChoices,
}

/// Saved views and filter choices, with the names of the values that `filter`
/// selects.
#[server(endpoint = "memory_aids")]
pub(crate) async fn memory_list_context(
    #[server(default)] filter: MemoryFilter,
) -> Result<ListContext, AppError> {
    let (ctx, actor) = api::caller()?;
    Ok(ListContext {
        views: list_views(&ctx, &actor).await?,
        choices: service::memory_filter_choices(&ctx, &actor, &filter).await?,
    })
}

#[server(endpoint = "memory_view_list")]
pub(crate) async fn memory_view_list() -> Result<Vec<MemoryView>, AppError> {
    let (ctx, actor) = api::caller()?;
    list_views(&ctx, &actor).await
}

#[cfg(feature = "ssr")]
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
    api::redirect_with_flash(&path, Flash::MemoryViewCreated);
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
    api::redirect_with_flash(VIEWS_PATH, Flash::MemoryViewRenamed);
    Ok(())
}

#[server(endpoint = "memory_view_delete")]
pub(crate) async fn memory_view_delete(id: MemoryViewId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let path = MemoryViewPath { id };
    service::call::<service::MemoryViewDelete>(&ctx, &actor, path).await?;
    api::redirect_with_flash(VIEWS_PATH, Flash::MemoryViewDeleted);
    Ok(())
}

/// Path of the page of saved views.
pub(crate) const VIEWS_PATH: &str = "/memories/views";

/// One of the caller's memories, for its edit form.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[server(endpoint = "memory_edit")]
pub(crate) async fn memory_edit(id: MemoryId) -> Result<EditData, AppError> {
    let (ctx, actor) = api::caller()?;
    let as_of = StreamCursor::at(ctx.clock.now());
    let memory = service::memory_get(&ctx, &actor, id).await?;
    let blocked_reason = if !memory.is_own {
        let owner = &memory.owner_name;
        format!("This memory belongs to {owner}; only they can change it.")
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
                message: "You have proposed to share this further, as it is now. Withdraw that, or wait for the \
                          decision, before you change it."
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
#[cfg(feature = "ssr")]
async fn apply_proposed_change(
    ctx: &service::Ctx,
    actor: &Actor,
    memory: Memory,
    pending: &PendingProposal,
) -> Result<Memory, AppError> {
    let proposal = service::proposal_get(ctx, actor, pending.id).await?;
    let Some(change) = proposal.change else {
        return Ok(memory);
    };
    let after = change.after;
    Ok(Memory {
        title: after.title,
        content: after.content,
        kind: after.kind,
        tags: after.tags,
        allowed_vendors: after.allowed_vendors,
        importance: after.importance,
        expires_at: after.expires_at,
        ..memory
    })
}

/// A memory with its versions, sharing and replies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MemoryData {
    /// Later changes are not included.
    pub(crate) as_of: StreamCursor,
    pub(crate) memory: Memory,
    pub(crate) versions: Vec<MemoryVersion>,
    pub(crate) sharing: MemorySharing,
    /// Oldest first.
    pub(crate) replies: Vec<MemoryReply>,
}

#[server(endpoint = "memory_get")]
pub(crate) async fn memory_get(id: MemoryId) -> Result<MemoryData, AppError> {
    let (ctx, actor) = api::caller()?;
    let as_of = StreamCursor::at(ctx.clock.now());
    Ok(MemoryData {
        as_of,
        memory: service::memory_get(&ctx, &actor, id).await?,
        versions: service::memory_versions(&ctx, &actor, id).await?,
        sharing: service::memory_sharing(&ctx, &actor, id).await?,
        replies: service::memory_replies(&ctx, &actor, id).await?,
    })
}

#[server(endpoint = "memory_create")]
pub(crate) async fn memory_create(
    #[server(default)] title: String,
    #[server(default)] content: String,
    #[server(default)] kind: String,
    #[server(default)] tags: String,
    #[server(default)] keep: String,
    #[server(default)] expires_on: String,
    #[server(default)] persona_id: String,
    #[server(default)] importance: String,
    #[server(default)] vendors: String,
    #[server(default)] allowed_vendors: Vec<String>,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::authorize(&ctx, &actor, Action::MemoryCreate).await?;
    let form = AttributesForm {
        keep,
        expires_on,
        expires_was: String::new(),
        persona_id,
        importance,
        vendors,
        allowed_vendors,
    };
    let text = from_form(title, &content, kind, tags);
    let (text, attributes) = both(text, attributes_from_form(&ctx, &actor, &form).await)?;
    let memory = NewMemory {
        attributes,
        ..NewMemory::of(text, Origin::Dashboard)
    };
    let id = service::memory_create(&ctx, &actor, &memory).await?;
    api::redirect_with_flash(&format!("/memories/{id}"), Flash::MemoryCreated);
    Ok(())
}

/// Changes a memory; `version` is the one that the form shows.
#[server(endpoint = "memory_update")]
pub(crate) async fn memory_update(
    id: MemoryId,
    version: i32,
    #[server(default)] title: String,
    #[server(default)] content: String,
    #[server(default)] kind: String,
    #[server(default)] tags: String,
    #[server(default)] keep: String,
    #[server(default)] expires_on: String,
    #[server(default)] expires_was: String,
    #[server(default)] persona_id: String,
    #[server(default)] importance: String,
    #[server(default)] vendors: String,
    #[server(default)] allowed_vendors: Vec<String>,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::authorize(&ctx, &actor, Action::MemoryUpdate).await?;
    let form = AttributesForm {
        keep,
        expires_on,
        expires_was,
        persona_id,
        importance,
        vendors,
        allowed_vendors,
    };
    let text = both(
        from_form(title, &content, kind, tags),
        parse_reason(&reason),
    );
    let (text, attributes) = both(text, attributes_from_form(&ctx, &actor, &form).await)?;
    let (text, reason) = text;
    let change = MemoryChange {
        text,
        attributes: (!form.is_absent()).then_some(attributes),
        reason,
    };
    let flash = match service::memory_update(&ctx, &actor, id, version, &change).await? {
        EditOutcome::Changed => Flash::MemoryUpdated,
        EditOutcome::Proposed(_) => Flash::MemoryChangeProposed,
    };
    api::redirect_with_flash(&format!("/memories/{id}"), flash);
    Ok(())
}

#[server(endpoint = "memory_delete")]
pub(crate) async fn memory_delete(id: MemoryId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::memory_delete(&ctx, &actor, id).await?;
    api::redirect_with_flash("/memories", Flash::MemoryDeleted(id));
    Ok(())
}

#[server(endpoint = "memory_restore")]
pub(crate) async fn memory_restore(id: MemoryId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::memory_restore(&ctx, &actor, id).await?;
    api::redirect_with_flash(&format!("/memories/{id}"), Flash::MemoryRestored);
    Ok(())
}

/// Parses the attributes; an expiry day ends in the owner's time zone.
#[cfg(feature = "ssr")]
async fn attributes_from_form(
    ctx: &service::Ctx,
    actor: &domain::Actor,
    form: &AttributesForm,
) -> Result<MemoryAttributes, AppError> {
    let expires_at = match form.keep() {
        Ok(Expiry::Always) => Ok(None),
        Ok(Expiry::Until(at)) => Ok(Some(at)),
        Ok(Expiry::UntilEndOf(day)) => Ok(Some(service::day_end(ctx, actor, day).await?)),
        Err(error) => Err(error),
    };
    let expiry = expires_at.as_ref().copied().unwrap_or_default();
    let (_, attributes) = both(expires_at, form.attributes(expiry))?;
    Ok(attributes)
}

/// Parses the text fields. A text area holds line feeds, but a plain form post
/// sends each as CR LF: without the replacement, saving unchanged text would
/// change it.
#[cfg(feature = "ssr")]
pub(super) fn from_form(
    title: String,
    content: &str,
    kind: String,
    tags: String,
) -> Result<MemoryText, AppError> {
    MemoryText::parse(&MemoryDraft {
        title,
        content: content.replace("\r\n", "\n"),
        kind,
        tags,
    })
}
