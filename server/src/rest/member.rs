//! The organisation's members.

use axum::{Extension, Json};
use domain::{
    ActorKind, UserId,
    member::{self, MemberFilter, MemberSummary, UserStatus},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::{
    input::{Authenticated, PathId, QueryParams},
    paged::{After, Paged},
    problem::ApiError,
};

/// A person, an agent or a service of the organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Member {
    /// The member's id.
    #[schema(value_type = Uuid)]
    id: UserId,
    /// The member's name.
    display_name: String,
    /// As the identity provider tells it; it identifies nobody.
    email: Option<String>,
    /// `human`, `agent` or `service`.
    #[schema(value_type = String)]
    kind: ActorKind,
    /// `invited`, `active`, `suspended` or `deactivated`.
    #[schema(value_type = String)]
    status: UserStatus,
    /// Names of the member's roles.
    roles: Vec<String>,
    /// Names of the member's teams.
    teams: Vec<String>,
    /// When the member was last active, to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_seen_at: Option<OffsetDateTime>,
}

impl From<MemberSummary> for Member {
    fn from(member: MemberSummary) -> Self {
        Self {
            id: member.id,
            display_name: member.display_name,
            email: member.email,
            kind: member.kind,
            status: member.status,
            roles: member.roles,
            teams: member.teams,
            last_seen_at: member.last_seen_at,
        }
    }
}

impl From<member::Member> for Member {
    fn from(member: member::Member) -> Self {
        let mut roles: Vec<_> = member
            .roles
            .into_iter()
            .map(|held| held.role.name)
            .collect();
        // Held for several reasons, a role is there several times.
        roles.dedup();
        Self {
            id: member.id,
            display_name: member.display_name,
            email: member.email,
            kind: member.kind,
            status: member.status,
            roles,
            teams: member.teams.into_iter().map(|team| team.name).collect(),
            last_seen_at: member.last_seen_at,
        }
    }
}

/// Which members.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MemberListParams {
    /// A part of a name, an e-mail address or a handle.
    #[serde(default)]
    query: String,
    /// `invited`, `active`, `suspended` or `deactivated`.
    #[serde(default)]
    status: String,
    /// A role's key.
    #[serde(default)]
    role: String,
    /// A team's id.
    #[serde(default)]
    team: String,
    /// `human`, `agent` or `service`.
    #[serde(default)]
    kind: String,
}

/// List members
///
/// By name.
#[utoipa::path(
    get, path = "/members", tag = "Members, roles and teams",
    security(("key" = ["member.read"])),
    params(MemberListParams, After),
    responses((status = 200, description = "One page of members", body = Paged<Member>)),
)]
pub(super) async fn members_list(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    QueryParams(asked): QueryParams<MemberListParams>,
    QueryParams(After { after }): QueryParams<After>,
) -> Result<Json<Paged<Member>>, ApiError> {
    let filter = MemberFilter {
        query: asked.query,
        status: asked.status,
        role: asked.role,
        team: asked.team,
        kind: asked.kind,
    };
    let page = service::member_list(&ctx, &actor, &filter, after.as_deref()).await?;
    Ok(Json(Paged::of(page)))
}

/// Get a member
#[utoipa::path(
    get, path = "/members/{id}", tag = "Members, roles and teams",
    security(("key" = ["member.read"])),
    params(("id" = Uuid, Path, description = "The member's id")),
    responses((status = 200, description = "The member", body = Member)),
)]
pub(super) async fn members_get(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<UserId>,
) -> Result<Json<Member>, ApiError> {
    let detail = service::member_get(&ctx, &actor, id).await?;
    Ok(Json(detail.member.into()))
}
