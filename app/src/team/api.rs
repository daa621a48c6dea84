//! Server functions of teams.

use domain::{
    AppError, TeamId, UserId, WithId,
    member::MemberListInput,
    member::MemberSummary,
    team::TeamDetail,
    team::{TeamDeleteInput, TeamInput, TeamMemberInput, TeamMemberPath, TeamPath, TeamRole},
};
use leptos::prelude::*;

use crate::{Flash, api};

/// A team, and members who could be added to it.
#[derive(Clone, Debug)]
pub(crate) struct TeamData {
    pub(crate) team: TeamDetail,
    /// Members that match the search.
    pub(crate) found: Vec<MemberSummary>,
}

/// One team; with `query`, also members whose name, address or handle contains
/// it.
pub(crate) async fn team_get(id: TeamId, query: String) -> Result<TeamData, AppError> {
    let (ctx, actor) = api::caller()?;
    let team = service::call::<service::TeamGet>(&ctx, &actor, TeamPath { id }).await?;
    let found = if query.trim().is_empty() || !team.may_manage {
        Vec::new()
    } else {
        let input = MemberListInput {
            query,
            ..MemberListInput::default()
        };
        service::call::<service::MemberList>(&ctx, &actor, input)
            .await?
            .items
    };
    Ok(TeamData { team, found })
}

#[server(endpoint = "team_create")]
pub(crate) async fn team_create(#[server(default)] name: String) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let team = service::call::<service::TeamCreate>(&ctx, &actor, TeamInput { name }).await?;
    api::redirect_with_flash(&format!("/teams/{}", team.id), Flash::TEAM_CREATED);
    Ok(())
}

#[server(endpoint = "team_rename")]
pub(crate) async fn team_rename(
    id: TeamId,
    #[server(default)] name: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = WithId {
        id,
        input: TeamInput { name },
    };
    service::call::<service::TeamRename>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&format!("/teams/{id}"), Flash::TEAM_RENAMED);
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
    let (ctx, actor) = api::caller()?;
    let set = async |user_id, role| {
        let input = TeamMemberInput { id, user_id, role };
        service::call::<service::TeamMemberSet>(&ctx, &actor, input).await
    };
    let flash = match (member, lead, leave) {
        (Some(user_id), None, None) => {
            set(user_id, TeamRole::Member).await?;
            Flash::TEAM_MEMBER_SET
        }
        (None, Some(user_id), None) => {
            set(user_id, TeamRole::Lead).await?;
            Flash::TEAM_MEMBER_SET
        }
        (None, None, Some(user_id)) => {
            let input = TeamMemberPath { id, user_id };
            service::call::<service::TeamMemberRemove>(&ctx, &actor, input).await?;
            Flash::TEAM_MEMBER_REMOVED
        }
        _ => return Err(AppError::field("", "Choose one change of one member.")),
    };
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
    service::call::<service::TeamDelete>(&ctx, &actor, TeamDeleteInput { id, confirm }).await?;
    api::redirect_with_flash("/teams", Flash::TEAM_DELETED);
    Ok(())
}
