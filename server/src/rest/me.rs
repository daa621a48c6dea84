//! As whom a key acts.

use axum::{Extension, Json};
use domain::{ActorKind, ApiKeyId, Permission, UserId};
use serde::Serialize;
use service::Ctx;
use utoipa::ToSchema;

use super::{input::Authenticated, problem::ApiError};

/// As whom the key acts, and what it may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// The member's id.
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// The member's name.
    display_name: String,
    /// `human`, `agent` or `service`.
    #[schema(value_type = String)]
    kind: ActorKind,
    /// The organisation's short name.
    tenant: String,
    /// The organisation's name.
    tenant_name: String,
    /// Names of the member's roles.
    roles: Vec<String>,
    /// Names of the member's teams.
    teams: Vec<String>,
    /// What this key may do now: its scopes, as far as the member holds them.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
    /// The key's id.
    #[schema(value_type = Option<Uuid>)]
    api_key_id: Option<ApiKeyId>,
}

/// As whom this key acts
///
/// The member, the organisation, and what the key may do at this moment.
#[utoipa::path(
    get, path = "/me", tag = "Account",
    security(("key" = ["profile.manage"])),
    responses((status = 200, description = "The member behind the key", body = Me)),
)]
pub(super) async fn me_get(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
) -> Result<Json<Me>, ApiError> {
    let profile = service::profile_get(&ctx, &actor).await?;
    Ok(Json(Me {
        user_id: profile.user_id,
        display_name: profile.display_name,
        kind: actor.kind,
        tenant: profile.tenant_slug,
        tenant_name: profile.tenant_name,
        roles: profile.roles,
        teams: profile.teams,
        permissions: actor.permissions.into_iter().collect(),
        api_key_id: actor.request.api_key_id,
    }))
}
