//! Server functions of members.

use domain::{
    AppError, NoInput, Page, RequestId, RoleId, SessionId, UserId,
    bulk::{BulkChoice, BulkOutcome, BulkPreview},
    bulk::{BulkInput, BulkOutcomePath},
    member::{MemberChange, MemberDetail, MemberListInput, MemberSummary},
    member::{MemberPath, MemberRolePath, UserStatus},
    offboard::OffboardInput,
    offboard::OffboardPreview,
    role::RoleRef,
    team::TeamRef,
};
use leptos::prelude::*;

use crate::{Flash, api};

/// Data of the members page.
#[derive(Clone, Debug)]
pub(crate) struct MembersData {
    pub(crate) page: Page<MemberSummary>,
    /// Choices of the filter.
    pub(crate) roles: Vec<RoleRef>,
    pub(crate) teams: Vec<TeamRef>,
    /// Actions that can be applied to several members.
    pub(crate) choices: Vec<BulkChoice>,
}

/// One page of the organisation's members.
pub(crate) async fn member_list(list: MemberListInput) -> Result<MembersData, AppError> {
    let (ctx, actor) = api::caller()?;
    Ok(MembersData {
        page: service::call::<service::MemberList>(&ctx, &actor, list).await?,
        roles: service::role_names(&ctx, &actor).await?,
        teams: service::team_names(&ctx, &actor).await?,
        choices: service::call::<service::MemberBulkActionList>(&ctx, &actor, NoInput {})
            .await?
            .items,
    })
}

pub(crate) async fn member_get(id: UserId) -> Result<MemberDetail, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::MemberGet>(&ctx, &actor, MemberPath { id }).await
}

#[server(endpoint = "member_status_change")]
pub(crate) async fn member_status_change(id: UserId, change: MemberChange) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::member_change(&ctx, &actor, id, change).await?;
    let flash = match change {
        MemberChange::Suspend => Flash::MEMBER_SUSPENDED,
        MemberChange::Deactivate => Flash::MEMBER_DEACTIVATED,
        MemberChange::Reactivate => Flash::MEMBER_REACTIVATED,
    };
    api::redirect_with_flash(&format!("/members/{id}"), flash);
    Ok(())
}

#[server(endpoint = "member_role_grant")]
pub(crate) async fn member_role_grant(
    id: UserId,
    #[server(default)] role: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let role_id = role.parse();
    let role_id = role_id.map_err(|_| AppError::field("role", "Choose a role."))?;
    let input = MemberRolePath { id, role_id };
    service::call::<service::MemberRoleGrant>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&format!("/members/{id}"), Flash::ROLE_GRANTED);
    Ok(())
}

#[server(endpoint = "member_role_revoke")]
pub(crate) async fn member_role_revoke(id: UserId, role: RoleId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = MemberRolePath { id, role_id: role };
    service::call::<service::MemberRoleRevoke>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&format!("/members/{id}"), Flash::ROLE_REVOKED);
    Ok(())
}

#[server(endpoint = "member_session_revoke")]
pub(crate) async fn member_session_revoke(member: UserId, id: SessionId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::member_session_revoke(&ctx, &actor, member, id).await?;
    api::redirect_with_flash(&format!("/members/{member}"), Flash::SESSION_ENDED);
    Ok(())
}

#[server(endpoint = "member_session_revoke_all")]
pub(crate) async fn member_session_revoke_all(member: UserId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::member_session_revoke_all(&ctx, &actor, member).await?;
    api::redirect_with_flash(&format!("/members/{member}"), Flash::MEMBER_SESSIONS_ENDED);
    Ok(())
}

#[server(endpoint = "member_key_revoke")]
pub(crate) async fn member_key_revoke(
    member: UserId,
    id: domain::ApiKeyId,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    crate::api_key::revoke(&ctx, &actor, id).await?;
    api::redirect_with_flash(&format!("/members/{member}"), Flash::KEY_REVOKED);
    Ok(())
}

/// Previews a bulk action on members.
pub(crate) async fn member_bulk_preview(
    act: String,
    ids: Vec<UserId>,
) -> Result<BulkPreview, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::MemberBulkPreview>(&ctx, &actor, BulkInput { act, ids }).await
}

/// Applies a bulk action and redirects to its outcome.
#[server(endpoint = "member_bulk_apply")]
pub(crate) async fn member_bulk_apply(
    #[server(default)] act: String,
    #[server(default)] ids: Vec<UserId>,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = BulkInput { act, ids };
    let applied = service::call::<service::MemberBulkApply>(&ctx, &actor, input).await?;
    leptos_axum::redirect(&format!("/members/bulk/{}", applied.id));
    Ok(())
}

/// Outcome of a bulk action, by the id of the request that applied it.
pub(crate) async fn member_bulk_outcome(request: RequestId) -> Result<BulkOutcome, AppError> {
    let (ctx, actor) = api::caller()?;
    let path = BulkOutcomePath { id: request };
    service::call::<service::MemberBulkOutcomeGet>(&ctx, &actor, path).await
}

/// Preview of offboarding a member, and candidates to take over.
#[derive(Clone, Debug)]
pub(crate) struct OffboardData {
    pub(crate) preview: OffboardPreview,
    pub(crate) successors: Vec<MemberSummary>,
}

/// Previews offboarding; with `query`, also finds active members by name.
pub(crate) async fn member_offboard_preview(
    id: UserId,
    query: String,
) -> Result<OffboardData, AppError> {
    let (ctx, actor) = api::caller()?;
    let path = MemberPath { id };
    let preview = service::call::<service::MemberOffboardPreview>(&ctx, &actor, path).await?;
    let successors = if query.trim().is_empty() {
        Vec::new()
    } else {
        let input = MemberListInput {
            query,
            status: UserStatus::Active.key().to_owned(),
            ..MemberListInput::default()
        };
        service::call::<service::MemberList>(&ctx, &actor, input)
            .await?
            .items
    };
    Ok(OffboardData {
        preview,
        successors,
    })
}

#[server(endpoint = "member_offboard")]
pub(crate) async fn member_offboard(
    id: UserId,
    #[server(default)] confirm: String,
    #[server(default)] heir: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = OffboardInput {
        id,
        confirm,
        heir: heir.parse().ok(),
    };
    service::call::<service::MemberOffboard>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&format!("/members/{id}"), Flash::MEMBER_OFFBOARDED);
    Ok(())
}
