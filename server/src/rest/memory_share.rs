//! Who sees a memory, and changing that of one's own.

use axum::{Extension, Json};
use domain::{
    Action, ActorKind, AppError, MemoryId, ProposalId, TeamId, UserId,
    memory::Visibility,
    proposal::PendingProposal,
    share::{self, Audience, AudienceChoice, MemorySharing, ShareOutcome},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use utoipa::ToSchema;

use super::{
    input::{Authenticated, JsonBody, PathId},
    memory_shape::MemoryTeam,
    problem::ApiError,
};

/// With whom a memory is to be shared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Share {
    /// The version that the caller has read.
    #[schema(example = 1)]
    version: i32,
    /// `team` or `org`.
    #[schema(example = "org")]
    audience: String,
    /// Which team, for `team`.
    #[schema(value_type = Option<Uuid>)]
    team_id: Option<TeamId>,
    /// For those who decide, in at most 1,000 characters.
    #[serde(default)]
    #[schema(example = "Useful for all of us.")]
    comment: String,
}

impl Share {
    fn audience(&self) -> Result<Audience, AppError> {
        match (self.audience.as_str(), self.team_id) {
            ("org", None) => Ok(Audience::Org),
            ("team", Some(id)) => Ok(Audience::Team(id)),
            ("org", Some(_)) => Err(AppError::field("team_id", "Only “team” takes a team.")),
            ("team", None) => Err(AppError::field("team_id", "Name the team.")),
            _ => Err(AppError::field("audience", "Choose team or org.")),
        }
    }
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Shared {
    /// `shared`, `proposed` where somebody decides it first, or `private`.
    outcome: &'static str,
    /// The memory's version now, where that changed.
    version: Option<i32>,
    /// The proposal, where it is one.
    #[schema(value_type = Option<Uuid>)]
    proposal_id: Option<ProposalId>,
}

impl From<ShareOutcome> for Shared {
    fn from(outcome: ShareOutcome) -> Self {
        let (outcome, version, proposal_id) = match outcome {
            ShareOutcome::Shared(version) => ("shared", Some(version), None),
            ShareOutcome::Proposed(id) => ("proposed", None, Some(id)),
        };
        Self {
            outcome,
            version,
            proposal_id,
        }
    }
}

/// Somebody who sees a memory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Viewer {
    /// The member's id.
    #[schema(value_type = Uuid)]
    id: UserId,
    /// The member's name.
    name: String,
    /// `human`, `agent` or `service`.
    #[schema(value_type = String)]
    kind: ActorKind,
}

/// Who sees a memory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Viewers {
    /// How many people.
    people: i64,
    /// How many agents and services.
    programs: i64,
    /// Some of them, people first, by name; none where the caller may not see
    /// the organisation's members.
    first: Vec<Viewer>,
}

impl From<share::Viewers> for Viewers {
    fn from(viewers: share::Viewers) -> Self {
        let first = viewers.first.into_iter().map(|viewer| Viewer {
            id: viewer.id,
            name: viewer.name,
            kind: viewer.kind,
        });
        Self {
            people: viewers.people,
            programs: viewers.programs,
            first: first.collect(),
        }
    }
}

/// With whom the caller can share a memory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SharingChoice {
    /// `team` or `org`.
    #[schema(value_type = String)]
    audience: Visibility,
    /// Which team, for `team`.
    team: Option<MemoryTeam>,
    /// At once; else somebody decides it first.
    is_immediate: bool,
}

impl From<AudienceChoice> for SharingChoice {
    fn from(choice: AudienceChoice) -> Self {
        let name = choice.team_name;
        Self {
            audience: choice.audience.visibility(),
            team: choice.audience.team_id().map(|id| MemoryTeam { id, name }),
            is_immediate: choice.is_immediate,
        }
    }
}

/// What waits for a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WaitingProposal {
    /// The proposal's id.
    #[schema(value_type = Uuid)]
    id: ProposalId,
    /// `team` or `org`.
    #[schema(value_type = String)]
    audience: Visibility,
    /// The team's name, where it is one.
    team_name: Option<String>,
    /// It changes what they see already; else it is to be shared with them.
    is_change: bool,
    /// The memory was changed since, so that it can't be accepted any more.
    is_stale: bool,
}

impl From<PendingProposal> for WaitingProposal {
    fn from(pending: PendingProposal) -> Self {
        Self {
            id: pending.id,
            audience: pending.visibility,
            team_name: pending.team_name,
            is_change: pending.is_change,
            is_stale: pending.is_stale,
        }
    }
}

/// Who sees a memory, and what the caller can change about that.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sharing {
    /// Who sees it, by the rule that the database holds.
    viewers: Viewers,
    /// With whom else the caller can share it.
    choices: Vec<SharingChoice>,
    /// The caller can take it back.
    may_unshare: bool,
    /// What its owner has proposed, for the owner only.
    waiting: Option<WaitingProposal>,
}

impl From<MemorySharing> for Sharing {
    fn from(sharing: MemorySharing) -> Self {
        Self {
            viewers: sharing.viewers.into(),
            choices: sharing.choices.into_iter().map(Into::into).collect(),
            may_unshare: sharing.may_unshare,
            waiting: sharing.pending.map(Into::into),
        }
    }
}

/// See who sees a memory
///
/// One in sight, counted by the same rule by which the database shows it; and
/// what the caller can change about that.
#[utoipa::path(
    get, path = "/memories/{id}/viewers", tag = "Sharing",
    security(("key" = ["memory.read"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    responses((status = 200, description = "Who sees it", body = Sharing)),
)]
pub(super) async fn memories_viewers(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
) -> Result<Json<Sharing>, ApiError> {
    let sharing = service::memory_sharing(&ctx, &actor, id).await?;
    Ok(Json(sharing.into()))
}

/// Share a memory
///
/// An own one: at once where the caller decides who joins the audience, else
/// it is proposed to those who do.
#[utoipa::path(
    post, path = "/memories/{id}/share", tag = "Sharing",
    security(("key" = ["memory.share"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    request_body = Share,
    responses((status = 200, description = "What came of it", body = Shared)),
)]
pub(super) async fn memories_share(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
    JsonBody(share): JsonBody<Share>,
) -> Result<Json<Shared>, ApiError> {
    service::authorize(&ctx, &actor, Action::ProposalCreate).await?;
    let audience = share.audience()?;
    let outcome =
        service::memory_share(&ctx, &actor, id, share.version, &audience, &share.comment).await?;
    Ok(Json(outcome.into()))
}

/// Stop sharing a memory
///
/// Takes an own one back, so that nobody else sees it.
#[utoipa::path(
    post, path = "/memories/{id}/unshare", tag = "Sharing",
    security(("key" = ["memory.share"])),
    params(("id" = Uuid, Path, description = "The memory's id")),
    responses((status = 200, description = "It is private", body = Shared)),
)]
pub(super) async fn memories_unshare(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MemoryId>,
) -> Result<Json<Shared>, ApiError> {
    let version = service::memory_unshare(&ctx, &actor, id).await?;
    Ok(Json(Shared {
        outcome: "private",
        version: Some(version),
        proposal_id: None,
    }))
}
