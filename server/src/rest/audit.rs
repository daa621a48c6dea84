//! The audit log.

use axum::{Extension, Json};
use domain::{
    UserId,
    audit::{AuditEntry, AuditFilter, Outcome},
};
use serde::{Deserialize, Serialize};
use service::Ctx;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::{
    input::{Authenticated, QueryParams},
    paged::{After, Paged},
    problem::ApiError,
};

/// One thing that was done or refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditRow {
    /// Its place in the organisation's gapless chain, from 1.
    seq: i64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// Who, if a member.
    #[schema(value_type = Option<Uuid>)]
    actor_user_id: Option<UserId>,
    /// Who, in words.
    actor_label: String,
    /// `human`, `agent`, `service` or `system`.
    actor_kind: String,
    /// What, as in `memory.create`.
    action: String,
    /// On what kind of thing.
    resource_type: Option<String>,
    /// On which one.
    resource_id: Option<String>,
    /// `success`, `denied` or `failure`.
    #[schema(value_type = String)]
    outcome: Outcome,
    /// From which address.
    ip: Option<String>,
    /// In which request.
    request_id: Option<String>,
    /// What was before and after, without secrets.
    #[schema(value_type = Option<Object>)]
    changes: Option<serde_json::Value>,
}

impl From<AuditEntry> for AuditRow {
    fn from(entry: AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            actor_user_id: entry.actor_user_id,
            actor_label: entry.actor_label,
            actor_kind: entry.actor_kind,
            action: entry.action,
            resource_type: entry.resource_type,
            resource_id: entry.resource_id,
            outcome: entry.outcome,
            ip: entry.ip,
            request_id: entry.request_id,
            changes: entry
                .changes
                .and_then(|changes| serde_json::from_str(&changes).ok()),
        }
    }
}

/// Which rows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditListParams {
    /// An action or its beginning: `memory` or `memory.create`.
    #[serde(default)]
    action: String,
    /// `success`, `denied` or `failure`.
    #[serde(default)]
    outcome: String,
    /// A member's id.
    #[serde(default)]
    actor: String,
    /// A request's id.
    #[serde(default)]
    request: String,
}

/// List the audit log
///
/// What was done or refused in the organisation, newest first.
#[utoipa::path(
    get, path = "/audit", tag = "Audit log",
    security(("key" = ["audit.read"])),
    params(AuditListParams, After),
    responses((status = 200, description = "One page of the log", body = Paged<AuditRow>)),
)]
pub(super) async fn audit_list(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    QueryParams(asked): QueryParams<AuditListParams>,
    QueryParams(After { after }): QueryParams<After>,
) -> Result<Json<Paged<AuditRow>>, ApiError> {
    let filter = AuditFilter {
        action: asked.action,
        outcome: asked.outcome,
        actor: asked.actor,
        request: asked.request,
    };
    let page = service::audit_list(&ctx, &actor, &filter, after.as_deref()).await?;
    Ok(Json(Paged::of(page)))
}
