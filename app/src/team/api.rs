//! Server functions of teams.

use domain::{
    AppError, Page, TeamId, UserId,
    member::MemberSummary,
    team::{TeamDetail, TeamSummary},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{Flash, api};

/// One page of the organisation's teams, by name.
#[server(endpoint = "team_list")]
pub(crate) async fn team_list(
    #[server(default)] query: String,
    #[server(default)] after: String,
) -> Result<Page<TeamSummary>, AppError> {
    let (ctx, actor) = api::caller()?;
    let after = Some(after).filter(|after| !after.is_empty());
    service::team_list(&ctx, &actor, &query, after.as_deref()).await
}

/// A team, and members who could be added to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TeamData {
    pub(crate) team: TeamDetail,
    /// Members that match the search.
    pub(crate) found: Vec<MemberSummary>,
}

/// One team; with `query`, also members whose name, address or handle contains
/// it.
#[server(endpoint = "team_get")]
pub(crate) async fn team_get(
    id: TeamId,
    #[server(default)] query: String,
) -> Result<TeamData, AppError> {
    let (ctx, actor) = api::caller()?;
    let team = service::team_get(&ctx, &actor, id).await?;
    let found = if query.trim().is_empty() || !team.may_manage {
        Vec::new()
    } else {
        let filter = domain::member::MemberFilter {
            query,
            ..domain::member::MemberFilter::default()
        };
        service::member_list(&ctx, &actor, &filter, None)
            .await?
            .items
    };
    Ok(TeamData { team, found })
}

#[server(endpoint = "team_create")]
pub(crate) async fn team_create(#[server(default)] name: String) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let id = service::team_create(&ctx, &actor, &name).await?;
    api::redirect_with_flash(&format!("/teams/{id}"), Flash::TeamCreated);
    Ok(())
}

#[server(endpoint = "team_rename")]
pub(crate) async fn team_rename(
    id: TeamId,
    #[server(default)] name: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::team_rename(&ctx, &actor, id, &name).await?;
    api::redirect_with_flash(&format!("/teams/{id}"), Flash::TeamRenamed);
    Ok(())
}

/// Adds a member, changes their role or removes them: the pressed button's name
/// says which, and its value is the member.
#[server(endpoint = "team_member_change")]
pub(crate) async fn team_member_change(
    id: TeamId,
    #[server(default)] member: Option<UserId>,
    #[server(default)] lead: Option<UserId>,
    #[server(default)] leave: Option<UserId>,
) -> Result<(), AppError> {
    use domain::team::{TeamChange, TeamRole};

    let (ctx, actor) = api::caller()?;
    let (user_id, change, flash) = match (member, lead, leave) {
        (Some(user), None, None) => (
            user,
            TeamChange::Join(TeamRole::Member),
            Flash::TeamMemberSet,
        ),
        (None, Some(user), None) => (user, TeamChange::Join(TeamRole::Lead), Flash::TeamMemberSet),
        (None, None, Some(user)) => (user, TeamChange::Leave, Flash::TeamMemberRemoved),
        _ => return Err(AppError::field("", "Choose one change of one member.")),
    };
    service::team_member_change(&ctx, &actor, id, user_id, change).await?;
    api::redirect_with_flash(&format!("/teams/{id}"), flash);
    Ok(())
}

/// Deletes a team; `confirm` must be its name.
#[server(endpoint = "team_delete")]
pub(crate) async fn team_delete(
    id: TeamId,
    #[server(default)] confirm: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::team_delete(&ctx, &actor, id, &confirm).await?;
    api::redirect_with_flash("/teams", Flash::TeamDeleted);
    Ok(())
}
