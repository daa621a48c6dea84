//! Changes of members that are not operations: those that end sessions begin
//! in a transaction of the authentication, and an action on several members has
//! a transaction for each.

use axum::{Extension, Json, http::StatusCode};
use domain::{
    Action, Actor, RequestId, SessionId, UserId, bulk::BulkInput, member::MemberChange,
    offboard::OffboardRequest,
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use utoipa::ToSchema;

use super::{
    input::{Authenticated, JsonBody, PathId},
    problem::ApiError,
};

/// Suspend a member
///
/// Their sessions end, and their API keys are refused until somebody
/// reactivates them.
#[utoipa::path(
    post, path = "/members/{id}/suspend", tag = "Members, roles and teams",
    security(("key" = ["member.manage"])),
    params(("id" = Uuid, Path, description = "The member's id")),
    responses((status = 204, description = "Success")),
)]
pub(super) async fn member_suspend(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, ApiError> {
    change(&ctx, &actor, id, MemberChange::Suspend).await
}

/// Deactivate a member
///
/// For someone who has left: their sessions end, and their API keys are
/// refused. Offboarding also revokes keys, roles and teams.
#[utoipa::path(
    post, path = "/members/{id}/deactivate", tag = "Members, roles and teams",
    security(("key" = ["member.manage"])),
    params(("id" = Uuid, Path, description = "The member's id")),
    responses((status = 204, description = "Success")),
)]
pub(super) async fn member_deactivate(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, ApiError> {
    change(&ctx, &actor, id, MemberChange::Deactivate).await
}

/// Reactivate a suspended or deactivated member
#[utoipa::path(
    post, path = "/members/{id}/reactivate", tag = "Members, roles and teams",
    security(("key" = ["member.manage"])),
    params(("id" = Uuid, Path, description = "The member's id")),
    responses((status = 204, description = "Success")),
)]
pub(super) async fn member_reactivate(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, ApiError> {
    change(&ctx, &actor, id, MemberChange::Reactivate).await
}

async fn change(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
    change: MemberChange,
) -> Result<StatusCode, ApiError> {
    service::member_change(ctx, actor, id, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one of a member's sessions
#[utoipa::path(
    delete, path = "/members/{id}/sessions/{session_id}", tag = "Members, roles and teams",
    security(("key" = ["member.manage"])),
    params(
        ("id" = Uuid, Path, description = "The member's id"),
        ("session_id" = Uuid, Path, description = "The session's id"),
    ),
    responses((status = 204, description = "Success")),
)]
pub(super) async fn member_session_revoke(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId((id, session)): PathId<(UserId, SessionId)>,
) -> Result<StatusCode, ApiError> {
    service::member_session_revoke(&ctx, &actor, id, session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all sessions of a member
#[utoipa::path(
    delete, path = "/members/{id}/sessions", tag = "Members, roles and teams",
    security(("key" = ["member.manage"])),
    params(("id" = Uuid, Path, description = "The member's id")),
    responses((status = 204, description = "Success")),
)]
pub(super) async fn member_session_revoke_all(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, ApiError> {
    service::member_session_revoke_all(&ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OffboardBody {
    /// The member's name, to confirm.
    confirm: String,
    /// The id of the active member who takes over the shared memories; needed
    /// if there are any.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    heir: Option<UserId>,
}

/// Offboard a member for good
///
/// Ends their sessions, revokes their API keys, roles and teams, and transfers
/// their shared memories to the heir.
#[utoipa::path(
    post, path = "/members/{id}/offboard", tag = "Members, roles and teams",
    security(("key" = ["member.manage"])),
    params(("id" = Uuid, Path, description = "The member's id")),
    request_body = OffboardBody,
    responses((status = 204, description = "Success")),
)]
pub(super) async fn member_offboard(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<UserId>,
    body: Result<JsonBody<OffboardBody>, ApiError>,
) -> Result<StatusCode, ApiError> {
    service::authorize(&ctx, &actor, Action::MemberOffboard).await?;
    let JsonBody(OffboardBody { confirm, heir }) = body?;
    let request = OffboardRequest { confirm, heir };
    service::offboard(&ctx, &actor, id, &request).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkBody {
    /// The `key` of one of the actions that the caller can choose.
    act: String,
    /// 1 to 50 members.
    #[schema(value_type = Vec<Uuid>)]
    ids: Vec<UserId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkApplied {
    /// Names the outcome, which can be read afterwards.
    #[schema(value_type = Uuid)]
    request_id: RequestId,
}

/// Apply one action to several members
///
/// Each member by itself, so that a failure affects no other. The permission is
/// that of the action.
#[utoipa::path(
    post, path = "/members/bulk", tag = "Members, roles and teams",
    security(
        ("key" = ["member.manage"]), ("key" = ["role.grant"]), ("key" = ["team.manage"]),
    ),
    request_body = BulkBody,
    responses((status = 200, description = "Success", body = BulkApplied)),
)]
pub(super) async fn member_bulk_apply(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    JsonBody(BulkBody { act, ids }): JsonBody<BulkBody>,
) -> Result<Json<BulkApplied>, ApiError> {
    let request_id = service::bulk_apply(&ctx, &actor, BulkInput { act, ids }).await?;
    Ok(Json(BulkApplied { request_id }))
}
