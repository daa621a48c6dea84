//! Groups and app roles of the person who signs in, and what they grant
//! (SEC-A10).

use domain::{
    Actor, SignInProblem, UserId,
    audit::Outcome,
    group_mapping::{GroupClaims, grants},
};
use openidconnect::AccessToken;
use serde_json::{Value, json};
use store::{
    StoreError, TenantTx,
    audit::AuditEvent,
    group_mapping::{GrantsChanged, group_mapping_list, user_claims_set, user_grants_set},
};

use super::{
    Auth, graph,
    issuer::Issuer,
    sign_in_error::SignInError,
    token::{ExtraClaims, TokenFault},
};

/// What changed is Atrium's doing, in the request of the one who signs in.
const GRANTS: &str = "user.grants_set";
/// The rules made the last owner none, and were not followed.
const OWNER_KEPT: &str = "user.last_owner_kept";

/// The words of a claim that is a list of text, or one text. An absent claim
/// is an empty list: what it granted before goes (SEC-A10).
fn words(claim: Option<&Value>) -> Result<Vec<String>, SignInError> {
    match claim {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(word)) => Some(vec![word.clone()]),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    }
    .ok_or_else(|| TokenFault::Rule("groups or roles are no list of text").into())
}

/// Whether the issuer had more groups than the token has room for.
fn are_elsewhere(claims: &ExtraClaims) -> bool {
    let named = claims
        .claim_names
        .as_ref()
        .is_some_and(|names| names.get("groups").is_some());
    let has_groups = match &claims.hasgroups {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    named || has_groups
}

impl Issuer {
    /// What the issuer says of the person: by the token, or by Graph where the
    /// token only says that there is more.
    pub(super) async fn group_claims(
        &self,
        claims: &ExtraClaims,
        access_token: &AccessToken,
    ) -> Result<GroupClaims, SignInError> {
        let app_roles = words(claims.roles.as_ref())?;
        if !are_elsewhere(claims) {
            return Ok(GroupClaims::new(words(claims.groups.as_ref())?, app_roles));
        }
        // Without a place to ask, the roles would silently vanish.
        let Some(base) = &self.settings().graph_url else {
            return Err(SignInError::new(SignInProblem::Groups, "graph_unknown"));
        };
        match graph::groups(self.transport(), base, access_token).await {
            Ok(groups) => Ok(GroupClaims::new(groups, app_roles)),
            Err(error) => {
                tracing::warn!(%error, "the person's groups can't be learned");
                Err(SignInError::new(SignInProblem::Groups, error.key()))
            }
        }
    }
}

impl Auth {
    /// Brings the roles and teams of a member in line with what the issuer
    /// says now.
    pub(super) async fn grants_set(
        &self,
        tx: &mut TenantTx,
        user_id: UserId,
        claims: &GroupClaims,
    ) -> Result<GrantsChanged, StoreError> {
        let now = self.0.ctx.clock.now();
        user_claims_set(tx, user_id, claims, now).await?;
        let granted = grants(&group_mapping_list(tx).await?, claims);
        user_grants_set(tx, user_id, &granted, now).await
    }

    /// What the audit log is told of it.
    pub(super) fn grants_events(&self, actor: &Actor, changed: &GrantsChanged) -> Vec<AuditEvent> {
        let about = |action, outcome, changes| AuditEvent {
            resource_type: Some("user".to_owned()),
            resource_id: Some(actor.user_id.to_string()),
            changes,
            ..AuditEvent::by(actor, action, outcome, self.0.ctx.clock.now())
        };
        let mut events = Vec::new();
        if changed.is_change() {
            let difference = json!({
                "gained": { "roles": changed.roles_gained, "teams": changed.teams_gained },
                "lost": { "roles": changed.roles_lost, "teams": changed.teams_lost },
            });
            events.push(about(GRANTS, Outcome::Success, Some(difference)));
        }
        if changed.last_owner_kept {
            events.push(about(OWNER_KEPT, Outcome::Denied, None));
        }
        events
    }
}
