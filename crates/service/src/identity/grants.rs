//! The roles and teams that the issuer's groups and app roles grant (SEC-A10).

use domain::{
    Actor, UserId,
    audit::Outcome,
    group_mapping::{GroupClaims, grants},
};
use serde_json::json;
use store::{
    StoreError, TenantTx,
    audit::AuditEvent,
    group_mapping::{GrantChanges, group_mapping_list, user_claims_set, user_grants_set},
};

use crate::{Ctx, authorized_tx::AuditTarget};

/// Audit action: group rules changed the member's roles or teams.
const GRANTS_SET: &str = "user.grants_set";
/// Audit action: the rules would have removed the last owner and were not
/// applied to them.
const LAST_OWNER_KEPT: &str = "user.last_owner_kept";

/// Updates the roles and teams of a member to those that the rules grant for
/// `claims`.
pub(super) async fn grants_set(
    ctx: &Ctx,
    tx: &mut TenantTx,
    user_id: UserId,
    claims: &GroupClaims,
) -> Result<GrantChanges, StoreError> {
    let now = ctx.clock.now();
    user_claims_set(tx, user_id, claims, now).await?;
    let granted = grants(&group_mapping_list(tx).await?, claims);
    user_grants_set(tx, user_id, &granted, now).await
}

/// The audit events of the change.
pub(super) fn grants_events(ctx: &Ctx, actor: &Actor, changed: &GrantChanges) -> Vec<AuditEvent> {
    let event = |action, outcome, target: AuditTarget| {
        target.event(AuditEvent::by_actor(
            actor,
            action,
            outcome,
            ctx.clock.now(),
        ))
    };
    let member = || AuditTarget::of(actor.user_id);
    let mut events = Vec::new();
    if changed.is_change() {
        let difference = json!({
            "gained": { "roles": changed.roles_gained, "teams": changed.teams_gained },
            "lost": { "roles": changed.roles_lost, "teams": changed.teams_lost },
        });
        let target = member().with_changes(difference);
        events.push(event(GRANTS_SET, Outcome::Success, target));
    }
    if changed.keeps_last_owner {
        events.push(event(LAST_OWNER_KEPT, Outcome::Denied, member()));
    }
    events
}
