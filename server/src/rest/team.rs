//! The organisation's teams.

use axum::{Extension, Json};
use domain::{
    TeamId, UserId,
    team::{TeamDetail, TeamRole, TeamSummary},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use utoipa::{IntoParams, ToSchema};

use super::{
    input::{Authenticated, PathId, QueryParams},
    paged::{After, Paged},
    problem::ApiError,
};

/// A group of members.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TeamRow {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: TeamId,
    /// Its name.
    name: String,
    /// How many belong to it.
    members: i64,
    /// Names of those who lead it.
    leads: Vec<String>,
}

impl From<TeamSummary> for TeamRow {
    fn from(team: TeamSummary) -> Self {
        Self {
            id: team.id,
            name: team.name,
            members: team.members,
            leads: team.leads,
        }
    }
}

/// A group of members, with some of them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Team {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: TeamId,
    /// Its name.
    name: String,
    /// How many belong to it.
    member_count: i64,
    /// Some of them: leads first, then by name. All are found by
    /// `/members?team=`.
    members: Vec<TeamMember>,
}

/// Somebody in a team.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TeamMember {
    /// The member's id.
    #[schema(value_type = Uuid)]
    id: UserId,
    /// The member's name.
    display_name: String,
    /// `lead` or `member`.
    #[schema(value_type = String)]
    role: TeamRole,
}

impl From<TeamDetail> for Team {
    fn from(team: TeamDetail) -> Self {
        let members = team.members.into_iter().map(|member| TeamMember {
            id: member.id,
            display_name: member.display_name,
            role: member.role,
        });
        Self {
            id: team.id,
            name: team.name,
            member_count: team.member_count,
            members: members.collect(),
        }
    }
}

/// Which teams.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TeamListParams {
    /// A part of a name.
    #[serde(default)]
    query: String,
}

/// List teams
///
/// By name.
#[utoipa::path(
    get, path = "/teams", tag = "Members, roles and teams",
    security(("key" = ["member.read"])),
    params(TeamListParams, After),
    responses((status = 200, description = "One page of teams", body = Paged<TeamRow>)),
)]
pub(super) async fn teams_list(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    QueryParams(asked): QueryParams<TeamListParams>,
    QueryParams(After { after }): QueryParams<After>,
) -> Result<Json<Paged<TeamRow>>, ApiError> {
    let page = service::team_list(&ctx, &actor, &asked.query, after.as_deref()).await?;
    Ok(Json(Paged::of(page)))
}

/// Get a team
#[utoipa::path(
    get, path = "/teams/{id}", tag = "Members, roles and teams",
    security(("key" = ["member.read"])),
    params(("id" = Uuid, Path, description = "The team's id")),
    responses((status = 200, description = "The team", body = Team)),
)]
pub(super) async fn teams_get(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<TeamId>,
) -> Result<Json<Team>, ApiError> {
    let detail = service::team_get(&ctx, &actor, id).await?;
    Ok(Json(detail.into()))
}
