//! Memories: list, search, get, create, reply.

use domain::{
    Action, Actor, AppError, MemoryId, Page, Permission,
    embedding_model::EmbeddingModel,
    memory::{
        AllowedVendors, Memory, MemoryAttributes, MemoryCriteria, MemoryFilter, MemoryReply,
        MemorySummary, MemoryText, MemoryVersion, NewMemory, SearchMode, SearchResults, Visibility,
        parse_query,
    },
    overview::SemanticSearch,
    paging::PAGE_SIZE,
};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    cursor::{Cursor, List},
    embedding_model::embedding_model_active,
    memory::{SearchParams, SearchQuery, embedding_pending_count},
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    job::enqueue_embedding,
};

/// Maximum hits of one search.
const MAX_HITS: u16 = 50;

/// One page of the memories that the actor can see, newest change first.
pub async fn memory_list(
    ctx: &Ctx,
    actor: &Actor,
    filter: &MemoryFilter,
    cursor: Option<&str>,
) -> Result<Page<MemorySummary>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryList).await?;
    let criteria = MemoryCriteria::parse(filter)?;
    let after = cursor
        .map(|text| Cursor::parse(text, List::Memory, actor.tenant_id))
        .transpose()?;
    Ok(
        store::memory::memory_list(&mut act.tx, &criteria, after, PAGE_SIZE, ctx.clock.now())
            .await?,
    )
}

/// The memories that best match `query`, by words, by meaning or by both.
///
/// If the embedding model is unavailable, searches by words only; the result's
/// notice says so.
///
/// # Errors
/// [`AppError::Invalid`] also for an empty or over-long search text.
pub async fn memory_search(
    ctx: &Ctx,
    actor: &Actor,
    query: &str,
    mode: SearchMode,
    filter: &MemoryFilter,
) -> Result<SearchResults, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::MemorySearch).await?;
    let criteria = MemoryCriteria::parse(filter)?;
    let query = SearchQuery::parse(parse_query(query)?);
    let (vector, notice) = match mode {
        SearchMode::Words => (None, None),
        SearchMode::Both | SearchMode::Meaning => match query_vector(ctx, actor, &query).await? {
            Ok(vector) => (Some(vector), None),
            Err(problem) => (None, Some(problem)),
        },
    };
    let mode = if vector.is_some() {
        mode
    } else {
        SearchMode::Words
    };
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemorySearch).await?;
    let request = SearchParams {
        query: &query,
        vector: vector
            .as_ref()
            .map(|(model, numbers)| (model, numbers.as_slice())),
        mode,
        criteria: &criteria,
        limit: MAX_HITS,
        now: ctx.clock.now(),
    };
    let hits = store::memory::memory_search(&mut act.tx, &request).await?;
    let waiting = match &vector {
        None => 0,
        Some((model, _)) => embedding_pending_count(&mut act.tx, model.slot).await?,
    };
    Ok(SearchResults {
        hits,
        mode,
        notice,
        waiting_for_embedding: waiting,
    })
}

/// The vector of the search text with its model, or the reason why there is
/// none, for the user. No transaction is open while the model works.
async fn query_vector(
    ctx: &Ctx,
    actor: &Actor,
    query: &SearchQuery,
) -> Result<Result<(EmbeddingModel, Vec<f32>), String>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemorySearch).await?;
    let model = embedding_model_active(&mut act.tx).await?;
    drop(act);
    if let SemanticSearch::Off { reason } = ctx.embedder.status_of(&model) {
        return Ok(Err(reason));
    }
    let vector = ctx.embedder.query(&model, query.words().to_owned()).await;
    Ok(match vector {
        Ok(vector) => Ok((model, vector)),
        Err(failure) => Err(format!("{failure} Words alone were compared.")),
    })
}

/// A memory and those most similar to it.
pub async fn memory_similar(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    filter: &MemoryFilter,
) -> Result<(Memory, SearchResults), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemorySearch).await?;
    let criteria = MemoryCriteria::parse(filter)?;
    let memory = store::memory::memory_get(&mut act.tx, id).await?;
    let slot = embedding_model_active(&mut act.tx).await?.slot;
    let now = ctx.clock.now();
    let hits =
        store::memory::memory_similar(&mut act.tx, id, slot, &criteria, MAX_HITS, now).await?;
    let mode = if memory.is_embedded {
        SearchMode::Both
    } else {
        SearchMode::Words
    };
    let results = SearchResults {
        hits,
        mode,
        notice: None,
        waiting_for_embedding: embedding_pending_count(&mut act.tx, slot).await?,
    };
    Ok((memory, results))
}

pub async fn memory_get(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<Memory, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    Ok(store::memory::memory_get(&mut act.tx, id).await?)
}

/// The earlier versions of an own memory, newest first.
pub async fn memory_versions(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
) -> Result<Vec<MemoryVersion>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    store::memory::memory_get(&mut act.tx, id).await?;
    Ok(store::memory::memory_versions(&mut act.tx, id).await?)
}

/// Creates a private memory.
pub async fn memory_create(
    ctx: &Ctx,
    actor: &Actor,
    memory: &NewMemory,
) -> Result<MemoryId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryCreate).await?;
    let (id, target) = create_in_tx(ctx, actor, &mut act.tx, memory).await?;
    enqueue_embedding(ctx, &mut act.tx, actor).await?;
    act.commit(target).await?;
    ctx.jobs_wake.notify_one();
    Ok(id)
}

/// As [`memory_create`], inside an open transaction.
pub(crate) async fn create_in_tx(
    ctx: &Ctx,
    actor: &Actor,
    tx: &mut TenantTx,
    memory: &NewMemory,
) -> Result<(MemoryId, AuditTarget), AppError> {
    let now = ctx.clock.now();
    memory.check(now)?;
    ensure_vendor_allowed(actor, &memory.attributes)?;
    let id: MemoryId = ctx.ids.id();
    store::memory::memory_create(tx, id, memory, now).await?;
    let target =
        AuditTarget::memory(id).with_changes(json!({ "after": to_audit_json(&memory.text) }));
    Ok((id, target))
}

/// Replies to a visible memory. The reply has the visibility, expiry and
/// allowed vendors of that memory; replying to a shared memory therefore needs
/// permission to share.
///
/// # Errors
/// [`AppError::Forbidden`] also if the memory is shared and the actor may not
/// share; [`AppError::Conflict`] if it is itself a reply or in the trash.
pub async fn memory_reply(
    ctx: &Ctx,
    actor: &Actor,
    root: MemoryId,
    reply: &NewMemory,
) -> Result<MemoryId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryReply).await?;
    let (id, target) = match reply_in_tx(ctx, actor, &mut act.tx, root, reply).await {
        Err(AppError::Forbidden { permission }) => {
            return Err(act
                .deny_permission(AuditTarget::memory(root), permission)
                .await);
        }
        other => other?,
    };
    enqueue_embedding(ctx, &mut act.tx, actor).await?;
    act.commit(target).await?;
    ctx.jobs_wake.notify_one();
    Ok(id)
}

/// As [`memory_reply`], inside an open transaction.
pub(crate) async fn reply_in_tx(
    ctx: &Ctx,
    actor: &Actor,
    tx: &mut TenantTx,
    root: MemoryId,
    reply: &NewMemory,
) -> Result<(MemoryId, AuditTarget), AppError> {
    let now = ctx.clock.now();
    reply.check(now)?;
    let found = store::memory::memory_get(tx, root).await?;
    ensure_may_write_to(actor, &found)?;
    let id: MemoryId = ctx.ids.id();
    match store::memory::memory_reply(tx, id, root, reply, now).await {
        Err(StoreError::NotFound) => {
            let message = if found.parent_id.is_some() {
                "This is a reply itself. Reply to the memory that it answers."
            } else {
                "This memory is in the trash, or its time is over."
            };
            return Err(AppError::Conflict {
                message: message.to_owned(),
            });
        }
        other => other?,
    }
    let after = json!({ "after": to_audit_json(&reply.text), "reply_to": root });
    Ok((id, AuditTarget::memory(id).with_changes(after)))
}

/// The visible replies to a memory, oldest first.
pub async fn memory_replies(
    ctx: &Ctx,
    actor: &Actor,
    root: MemoryId,
) -> Result<Vec<MemoryReply>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemoryGet).await?;
    Ok(store::memory::memory_replies(&mut act.tx, root, ctx.clock.now()).await?)
}

/// Fails if writing to `memory` shares with others and the actor may not share.
pub(crate) fn ensure_may_write_to(actor: &Actor, memory: &Memory) -> Result<(), AppError> {
    if memory.visibility == Visibility::Private {
        Ok(())
    } else {
        actor.authorize(Permission::MemoryShare)
    }
}

/// Fails if the actor's own vendor could not read the memory, because it would
/// be invisible to the API key that wrote it.
pub(crate) fn ensure_vendor_allowed(
    actor: &Actor,
    attributes: &MemoryAttributes,
) -> Result<(), AppError> {
    match (actor.vendor, &attributes.allowed_vendors) {
        (Some(vendor), AllowedVendors::Only(vendors)) if !vendors.contains(&vendor) => {
            let message = format!(
                "You are using a key for {}; add it to those that may read this.",
                vendor.label()
            );
            Err(AppError::field("allowed_vendors", message))
        }
        _ => Ok(()),
    }
}

/// The shape of a memory, as the audit log stores it. The text is private to
/// those who can see the memory, which auditors may not.
pub(crate) fn to_audit_json(text: &MemoryText) -> serde_json::Value {
    json!({
        "kind": text.kind.key(),
        "tags": text.tags.len(),
        "content_bytes": text.content.len(),
        "has_title": !text.title.is_empty(),
    })
}
