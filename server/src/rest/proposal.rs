//! Memories that members want others to see, for those who decide it.

use axum::{Extension, Json, http::StatusCode};
use domain::{
    AppError, MemoryId, ProposalId,
    memory::{MemoryKind, Visibility},
    proposal::{ProposalStatus, ProposalSummary, ProposalView, ProposedChange, SharedMemory},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::{
    input::{Authenticated, JsonBody, PathId, QueryParams},
    memory_shape::MemoryOwner,
    memory_share::Viewers,
    memory_version::DiffSpan,
    paged::Paged,
    problem::ApiError,
};

/// A proposal in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProposalRow {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: ProposalId,
    /// The memory's title; may be empty.
    title: String,
    /// How the memory's text begins.
    excerpt: String,
    /// Who proposes it.
    proposer: MemoryOwner,
    /// `team` or `org`.
    #[schema(value_type = String)]
    audience: Visibility,
    /// The team's name, where it is one.
    team_name: Option<String>,
    /// It changes what they see already; else it is to be shared with them.
    is_change: bool,
    /// `pending`, `accepted`, `declined` or `withdrawn`.
    #[schema(value_type = String)]
    status: ProposalStatus,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was decided or withdrawn.
    #[serde(with = "time::serde::rfc3339::option")]
    reviewed_at: Option<OffsetDateTime>,
}

impl From<ProposalSummary> for ProposalRow {
    fn from(proposal: ProposalSummary) -> Self {
        Self {
            id: proposal.id,
            title: proposal.title,
            excerpt: proposal.excerpt,
            proposer: MemoryOwner {
                id: proposal.proposer_id,
                name: proposal.proposer_name,
            },
            audience: proposal.visibility,
            team_name: proposal.team_name,
            is_change: proposal.is_change,
            status: proposal.status,
            created_at: proposal.created_at,
            reviewed_at: proposal.reviewed_at,
        }
    }
}

/// All that others see of a memory beside its text.
#[derive(Debug, Serialize, ToSchema)]
struct ProposedMemory {
    /// May be empty.
    title: String,
    /// Its kind.
    #[schema(value_type = String)]
    kind: MemoryKind,
    /// Its tags.
    tags: Vec<String>,
    /// AI products that may read it; `*` stands for all.
    #[schema(value_type = Vec<String>)]
    allowed_vendors: Vec<&'static str>,
    /// 0 to 1.
    importance: f32,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

impl From<SharedMemory> for ProposedMemory {
    fn from(shown: SharedMemory) -> Self {
        Self {
            title: shown.title,
            kind: shown.kind,
            tags: shown.tags,
            allowed_vendors: shown.allowed_vendors.keys(),
            importance: shown.importance,
            expires_at: shown.expires_at,
        }
    }
}

/// What a proposal changes.
#[derive(Debug, Serialize, ToSchema)]
struct Change {
    /// As others see it until it is accepted.
    before: ProposedMemory,
    /// As they would see it.
    after: ProposedMemory,
    /// The titles compared, in the order of reading.
    title: Vec<DiffSpan>,
    /// The texts compared, as the titles.
    content: Vec<DiffSpan>,
}

impl From<ProposedChange> for Change {
    fn from(change: ProposedChange) -> Self {
        Self {
            before: change.before.into(),
            after: change.after.into(),
            title: change.title.into_iter().map(Into::into).collect(),
            content: change.content.into_iter().map(Into::into).collect(),
        }
    }
}

/// A proposal, whole: what is decided are these words and no others.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Proposal {
    /// As in a list.
    #[serde(flatten)]
    row: ProposalRow,
    /// Which memory.
    #[schema(value_type = Uuid)]
    memory_id: MemoryId,
    /// Which version of it.
    memory_version: i32,
    /// Its text.
    content: String,
    /// Its kind.
    #[schema(value_type = String)]
    kind: MemoryKind,
    /// Its tags.
    tags: Vec<String>,
    /// What it changes, where others see the memory already.
    change: Option<Change>,
    /// What its author says about it; may be empty.
    comment: String,
    /// Who decided.
    reviewer: Option<String>,
    /// What they said.
    review_comment: Option<String>,
    /// The caller proposed it.
    is_own: bool,
    /// The caller can decide it.
    may_decide: bool,
    /// The memory is not any more what was proposed; told to its owner.
    is_stale: bool,
    /// Who would see it, while it waits.
    viewers: Option<Viewers>,
}

impl From<domain::proposal::Proposal> for Proposal {
    fn from(proposal: domain::proposal::Proposal) -> Self {
        Self {
            row: proposal.summary.into(),
            memory_id: proposal.memory_id,
            memory_version: proposal.memory_version,
            content: proposal.content,
            kind: proposal.kind,
            tags: proposal.tags,
            change: proposal.change.map(Into::into),
            comment: proposal.comment,
            reviewer: proposal.reviewer_name,
            review_comment: proposal.review_comment,
            is_own: proposal.is_own,
            may_decide: proposal.may_decide,
            is_stale: proposal.is_stale,
            viewers: proposal.viewers.map(Into::into),
        }
    }
}

/// Which proposals, and where in their list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct ProposalListParams {
    /// `waiting` (for the caller to decide), `mine` or `decided` (by the
    /// caller); without it, what waits, or for who decides none, their own.
    view: String,
    /// `next` of the page before; without it, the first page.
    after: Option<String>,
}

/// What the one who decides says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Review {
    /// For the author, in at most 1,000 characters.
    #[serde(default)]
    #[schema(example = "Useful for all of us.")]
    comment: String,
}

/// List proposals
///
/// Memories that members want others to see, newest first.
#[utoipa::path(
    get, path = "/proposals", tag = "Sharing",
    security(("key" = ["memory.share"])),
    params(ProposalListParams),
    responses((status = 200, description = "One page of proposals", body = Paged<ProposalRow>)),
)]
pub(super) async fn proposals_list(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    QueryParams(asked): QueryParams<ProposalListParams>,
) -> Result<Json<Paged<ProposalRow>>, ApiError> {
    let view =
        match asked.view.as_str() {
            "" => None,
            key => Some(ProposalView::from_key(key).ok_or_else(|| {
                AppError::field("view", "Choose waiting, mine, decided, or none.")
            })?),
        };
    let list = service::proposal_list(&ctx, &actor, view, asked.after.as_deref()).await?;
    Ok(Json(Paged::of(list.page)))
}

/// Get a proposal
#[utoipa::path(
    get, path = "/proposals/{id}", tag = "Sharing",
    security(("key" = ["memory.share"])),
    params(("id" = Uuid, Path, description = "The proposal's id")),
    responses((status = 200, description = "The proposal", body = Proposal)),
)]
pub(super) async fn proposals_get(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ProposalId>,
) -> Result<Json<Proposal>, ApiError> {
    let proposal = service::proposal_get(&ctx, &actor, id).await?;
    Ok(Json(proposal.into()))
}

/// Accept a proposal
///
/// Shares exactly the words that the proposal shows, or puts them in the place
/// of what is shared. Nobody decides their own.
#[utoipa::path(
    post, path = "/proposals/{id}/accept", tag = "Sharing",
    security(("key" = ["memory.share"])),
    params(("id" = Uuid, Path, description = "The proposal's id")),
    request_body = Review,
    responses((status = 204, description = "It is shared")),
)]
pub(super) async fn proposals_accept(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ProposalId>,
    JsonBody(review): JsonBody<Review>,
) -> Result<StatusCode, ApiError> {
    service::proposal_accept(&ctx, &actor, id, &review.comment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Decline a proposal
///
/// The memory stays as visible as it was, and its author is told.
#[utoipa::path(
    post, path = "/proposals/{id}/decline", tag = "Sharing",
    security(("key" = ["memory.share"])),
    params(("id" = Uuid, Path, description = "The proposal's id")),
    request_body = Review,
    responses((status = 204, description = "It is declined")),
)]
pub(super) async fn proposals_decline(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ProposalId>,
    JsonBody(review): JsonBody<Review>,
) -> Result<StatusCode, ApiError> {
    service::proposal_decline(&ctx, &actor, id, &review.comment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Withdraw a proposal
///
/// An own one, as long as nobody decided it.
#[utoipa::path(
    post, path = "/proposals/{id}/withdraw", tag = "Sharing",
    security(("key" = ["memory.share"])),
    params(("id" = Uuid, Path, description = "The proposal's id")),
    responses((status = 204, description = "It is withdrawn")),
)]
pub(super) async fn proposals_withdraw(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ProposalId>,
) -> Result<StatusCode, ApiError> {
    service::proposal_withdraw(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
