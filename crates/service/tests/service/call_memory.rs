//! Helpers that call operations on memories with separate arguments.

use domain::{
    Actor, AppError, MemoryId, NoInput, Page, ProposalId,
    memory::{
        AttributesInput, ChangedMemory, MAX_HITS, Memory, MemoryChange, MemoryFilter, MemoryInput,
        MemoryListInput, MemoryPatch, MemoryPath, MemoryReply, MemorySummary, NewMemory,
        SearchInput, SearchMode, SearchResults, SimilarInput,
    },
    memory_version::{VersionDiff, VersionPath, VersionRestoreInput},
    proposal::{DecisionInput, Proposal, ProposalListInput, ProposalPath, ProposalView, Proposals},
    share::{Audience, EditOutcome, MemorySharing, ShareInput, ShareOutcome},
};
use service::{
    Ctx, MemoryCreate, MemoryDelete, MemoryGet, MemoryList, MemoryPurge, MemoryReplies,
    MemoryRestore, MemorySearch, MemoryShare, MemorySharingGet, MemorySimilar, MemoryTrashEmpty,
    MemoryUnshare, MemoryUpdate, MemoryVersionDiff, MemoryVersionRestore, ProposalAccept,
    ProposalDecline, ProposalGet, ProposalList, ProposalWithdraw, call,
};

/// Creates a memory with the origin `memory.origin`.
pub(crate) async fn memory_create(
    ctx: &Ctx,
    actor: &Actor,
    memory: &NewMemory,
) -> Result<MemoryId, AppError> {
    let input = MemoryInput {
        attributes: memory.attributes.clone().into(),
        persona_id: memory.persona_id,
        ..text_input(memory)
    };
    create(ctx, actor, memory, input).await
}

pub(crate) async fn memory_reply(
    ctx: &Ctx,
    actor: &Actor,
    root: MemoryId,
    reply: &NewMemory,
) -> Result<MemoryId, AppError> {
    let input = MemoryInput {
        parent_id: Some(root),
        ..text_input(reply)
    };
    create(ctx, actor, reply, input).await
}

fn text_input(memory: &NewMemory) -> MemoryInput {
    let text = memory.text.clone();
    MemoryInput {
        title: text.title,
        content: text.content,
        kind: Some(text.kind.key().to_owned()),
        tags: text.tags,
        attributes: AttributesInput {
            importance: Some(memory.attributes.importance),
            ..AttributesInput::default()
        },
        source_session_id: memory.source_session_id.clone(),
        ..MemoryInput::default()
    }
}

async fn create(
    ctx: &Ctx,
    actor: &Actor,
    memory: &NewMemory,
    input: MemoryInput,
) -> Result<MemoryId, AppError> {
    let actor = Actor {
        origin: memory.origin,
        ..actor.clone()
    };
    Ok(call::<MemoryCreate>(ctx, &actor, input).await?.id)
}

/// The patch that corresponds to `change`.
pub(crate) fn patch_of(id: MemoryId, version: i32, change: &MemoryChange) -> MemoryPatch {
    let text = change.text.clone();
    let attributes = change.attributes.clone();
    MemoryPatch {
        title: Some(text.title),
        content: Some(text.content),
        kind: Some(text.kind.key().to_owned()),
        tags: Some(text.tags),
        attributes: attributes.map(Into::into).unwrap_or_default(),
        persona_id: change.persona_id,
        reason: change.reason.clone(),
        ..MemoryPatch::new(id, version)
    }
}

pub(crate) async fn memory_update(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    version: i32,
    change: &MemoryChange,
) -> Result<EditOutcome, AppError> {
    let patch = patch_of(id, version, change);
    Ok(outcome_of(&call::<MemoryUpdate>(ctx, actor, patch).await?))
}

pub(crate) const fn outcome_of(changed: &ChangedMemory) -> EditOutcome {
    match changed.proposal_id {
        None => EditOutcome::Changed,
        Some(id) => EditOutcome::Proposed(id),
    }
}

pub(crate) async fn memory_list(
    ctx: &Ctx,
    actor: &Actor,
    filter: &MemoryFilter,
    after: Option<&str>,
) -> Result<Page<MemorySummary>, AppError> {
    let input = MemoryListInput {
        filter: filter.clone(),
        after: after.map(str::to_owned),
        ..MemoryListInput::default()
    };
    call::<MemoryList>(ctx, actor, input).await
}

pub(crate) async fn memory_search(
    ctx: &Ctx,
    actor: &Actor,
    query: &str,
    mode: SearchMode,
    filter: &MemoryFilter,
) -> Result<SearchResults, AppError> {
    let input = SearchInput {
        query: query.to_owned(),
        mode,
        limit: Some(MAX_HITS),
        filter: filter.clone(),
        ..SearchInput::default()
    };
    call::<MemorySearch>(ctx, actor, input).await
}

pub(crate) async fn memory_similar(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    filter: &MemoryFilter,
) -> Result<SearchResults, AppError> {
    let input = SimilarInput {
        id,
        limit: Some(MAX_HITS),
        filter: filter.clone(),
    };
    call::<MemorySimilar>(ctx, actor, input).await
}

pub(crate) async fn memory_get(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<Memory, AppError> {
    call::<MemoryGet>(ctx, actor, MemoryPath { id }).await
}

pub(crate) async fn memory_replies(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
) -> Result<Vec<MemoryReply>, AppError> {
    let page = call::<MemoryReplies>(ctx, actor, MemoryPath { id }).await?;
    Ok(page.items)
}

pub(crate) async fn memory_delete(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<(), AppError> {
    call::<MemoryDelete>(ctx, actor, MemoryPath { id }).await
}

pub(crate) async fn memory_restore(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<(), AppError> {
    call::<MemoryRestore>(ctx, actor, MemoryPath { id })
        .await
        .map(drop)
}

pub(crate) async fn memory_purge(ctx: &Ctx, actor: &Actor, id: MemoryId) -> Result<(), AppError> {
    call::<MemoryPurge>(ctx, actor, MemoryPath { id }).await
}

pub(crate) async fn memory_trash_empty(ctx: &Ctx, actor: &Actor) -> Result<usize, AppError> {
    let emptied = call::<MemoryTrashEmpty>(ctx, actor, NoInput {}).await?;
    Ok(emptied.deleted)
}

pub(crate) async fn memory_version_diff(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    version: i32,
) -> Result<VersionDiff, AppError> {
    call::<MemoryVersionDiff>(ctx, actor, VersionPath { id, version }).await
}

pub(crate) async fn memory_version_restore(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    version: i32,
    current: i32,
) -> Result<(Memory, EditOutcome), AppError> {
    let input = VersionRestoreInput {
        id,
        version,
        current,
    };
    let changed = call::<MemoryVersionRestore>(ctx, actor, input).await?;
    let outcome = outcome_of(&changed);
    Ok((changed.memory, outcome))
}

pub(crate) async fn memory_share(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
    version: i32,
    audience: &Audience,
    comment: &str,
) -> Result<ShareOutcome, AppError> {
    let input = ShareInput {
        id,
        version,
        audience: *audience,
        comment: comment.to_owned(),
    };
    call::<MemoryShare>(ctx, actor, input).await
}

pub(crate) async fn memory_unshare(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
) -> Result<i32, AppError> {
    match call::<MemoryUnshare>(ctx, actor, MemoryPath { id }).await? {
        ShareOutcome::Private { version } => Ok(version),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn memory_sharing(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryId,
) -> Result<MemorySharing, AppError> {
    call::<MemorySharingGet>(ctx, actor, MemoryPath { id }).await
}

pub(crate) async fn proposal_list(
    ctx: &Ctx,
    actor: &Actor,
    view: Option<ProposalView>,
    after: Option<&str>,
) -> Result<Proposals, AppError> {
    let after = after.map(str::to_owned);
    call::<ProposalList>(
        ctx,
        actor,
        ProposalListInput {
            view,
            after,
            ..ProposalListInput::default()
        },
    )
    .await
}

pub(crate) async fn proposal_get(
    ctx: &Ctx,
    actor: &Actor,
    id: ProposalId,
) -> Result<Proposal, AppError> {
    call::<ProposalGet>(ctx, actor, ProposalPath { id }).await
}

pub(crate) async fn proposal_accept(
    ctx: &Ctx,
    actor: &Actor,
    id: ProposalId,
    comment: &str,
) -> Result<(), AppError> {
    let comment = comment.to_owned();
    call::<ProposalAccept>(ctx, actor, DecisionInput { id, comment }).await
}

pub(crate) async fn proposal_decline(
    ctx: &Ctx,
    actor: &Actor,
    id: ProposalId,
    comment: &str,
) -> Result<(), AppError> {
    let comment = comment.to_owned();
    call::<ProposalDecline>(ctx, actor, DecisionInput { id, comment }).await
}

pub(crate) async fn proposal_withdraw(
    ctx: &Ctx,
    actor: &Actor,
    id: ProposalId,
) -> Result<(), AppError> {
    call::<ProposalWithdraw>(ctx, actor, ProposalPath { id }).await
}
