//! Groups and app roles of the person who signs in, and the roles and teams
//! that they grant (SEC-A10).

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
    group_mapping::{GrantChanges, group_mapping_list, user_claims_set, user_grants_set},
};

use super::{
    Auth, graph,
    issuer::Issuer,
    sign_in_error::SignInError,
    token::{ExtraClaims, TokenFault},
};

/// Audit action: group rules changed the member's roles or teams.
const GRANTS_SET: &str = "user.grants_set";
/// Audit action: the rules would have removed the last owner and were not
/// applied to them.
const LAST_OWNER_KEPT: &str = "user.last_owner_kept";

/// The values of a claim that is a string or a list of strings. An absent claim
/// is an empty list, so earlier grants are revoked (SEC-A10).
fn string_list(claim: Option<&Value>) -> Result<Vec<String>, SignInError> {
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

/// True if the person has more groups than the token can hold.
fn has_group_overage(claims: &ExtraClaims) -> bool {
    let in_claim_names = claims
        .claim_names
        .as_ref()
        .is_some_and(|names| names.get("groups").is_some());
    let has_groups = match &claims.hasgroups {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    in_claim_names || has_groups
}

impl Issuer {
    /// The person's groups and app roles: from the token, or from Graph if the
    /// token only says that there are more.
    pub(super) async fn group_claims(
        &self,
        claims: &ExtraClaims,
        access_token: &AccessToken,
    ) -> Result<GroupClaims, SignInError> {
        let app_roles = string_list(claims.roles.as_ref())?;
        if !has_group_overage(claims) {
            return Ok(GroupClaims::new(
                string_list(claims.groups.as_ref())?,
                app_roles,
            ));
        }
        // Without Graph the person's roles would silently be revoked.
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
    /// Updates the roles and teams of a member to those that the rules grant
    /// for `claims`.
    pub(super) async fn grants_set(
        &self,
        tx: &mut TenantTx,
        user_id: UserId,
        claims: &GroupClaims,
    ) -> Result<GrantChanges, StoreError> {
        let now = self.0.ctx.clock.now();
        user_claims_set(tx, user_id, claims, now).await?;
        let granted = grants(&group_mapping_list(tx).await?, claims);
        user_grants_set(tx, user_id, &granted, now).await
    }

    /// The audit events of the change.
    pub(super) fn grants_events(&self, actor: &Actor, changed: &GrantChanges) -> Vec<AuditEvent> {
        let event = |action, outcome, changes| AuditEvent {
            resource_type: Some("user".to_owned()),
            resource_id: Some(actor.user_id.to_string()),
            changes,
            ..AuditEvent::by_actor(actor, action, outcome, self.0.ctx.clock.now())
        };
        let mut events = Vec::new();
        if changed.is_change() {
            let difference = json!({
                "gained": { "roles": changed.roles_gained, "teams": changed.teams_gained },
                "lost": { "roles": changed.roles_lost, "teams": changed.teams_lost },
            });
            events.push(event(GRANTS_SET, Outcome::Success, Some(difference)));
        }
        if changed.keeps_last_owner {
            events.push(event(LAST_OWNER_KEPT, Outcome::Denied, None));
        }
        events
    }
}
