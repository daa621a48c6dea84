//! Looking up an invite by its link, and accepting it at sign-in.

use domain::{
    AppError, InviteId, RequestFacts, RequestId, SignInProblem, TenantId, Timestamp, UserId,
    invite::{Invite, InviteStatus, LoginTarget, OpenInvite},
    role::RoleSource,
};
use serde_json::{Value, json};
use store::{
    StoreError, TenantTx,
    actor::actor_load,
    invite::{self, StoredInvite, invite_lock},
    login_attempt::FollowedInvite,
    role::user_role_grant_by,
    team::team_member_add,
    tenant::{tenant_find, tenant_login_target},
};

use super::{InviteToken, grantable};
use crate::{Ctx, identity::SignInError};

/// Fails unless the invite can be accepted at `now`.
fn ensure_open(invite: &Invite, now: Timestamp) -> Result<(), SignInError> {
    let reject = |problem, reason| Err(SignInError::new(problem, reason));
    match invite.status_at(now) {
        InviteStatus::Pending => Ok(()),
        InviteStatus::Accepted => reject(SignInProblem::InviteUsed, "invite_used"),
        InviteStatus::Expired => reject(SignInProblem::InviteExpired, "invite_expired"),
        InviteStatus::Revoked => reject(SignInProblem::InviteRevoked, "invite_revoked"),
    }
}

/// A pending invite that was found by its link.
#[derive(Debug)]
pub struct FoundInvite {
    pub tenant_id: TenantId,
    pub id: InviteId,
    /// The number of times that its link was replaced.
    pub renewals: i32,
    /// The invited address, passed to the issuer as a login hint.
    pub email: Option<String>,
    /// The organisation's ways to sign in, which decide the usable issuers.
    pub reachable: LoginTarget,
    /// Data for the page.
    pub open: OpenInvite,
}

/// The invite of a link.
///
/// # Errors
/// The state of an invite that can't be accepted. An unknown link reveals
/// nothing about any organisation.
pub async fn invite_find(ctx: &Ctx, token: &str) -> Result<FoundInvite, SignInError> {
    let unknown = || SignInError::new(SignInProblem::InviteUnknown, "invite_unknown");
    let token = InviteToken::parse(token).ok_or_else(unknown)?;
    let mut tx = ctx.store.begin_auth().await?;
    let (tenant_id, id) = invite::invite_find(&mut tx, &token.hash())
        .await?
        .ok_or_else(unknown)?;
    let tenant = tenant_find(&mut tx, tenant_id).await?;
    let reachable = tenant_login_target(&mut tx, &tenant).await?;
    let mut tx = tx.enter_as_system(tenant_id).await?;
    let StoredInvite {
        invite, renewals, ..
    } = store::invite::invite_get(&mut tx, id).await?;
    ensure_open(&invite, ctx.clock.now()).map_err(|error| error.with_invite(tenant_id, id))?;
    if let Some(problem) = SignInProblem::of_tenant(tenant.status) {
        let error = SignInError::new(problem, problem.code());
        return Err(error.with_invite(tenant_id, id));
    }
    Ok(FoundInvite {
        tenant_id,
        id,
        renewals,
        email: invite.email,
        reachable,
        open: OpenInvite {
            organisation: tenant.name,
            invited_by: invite.invited_by,
            role: invite.role.map(|role| role.name),
            team: invite.team.map(|team| team.name),
            expires_at: invite.expires_at,
        },
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedInvite {
    pub gives_role: bool,
    /// The changes for the audit row.
    pub changes: Value,
}

/// Accepts the invite whose link was `followed`, for `user_id`, an active
/// member of the tenant of `tx`. `tx` runs as the system role; the caller
/// commits it.
///
/// # Errors
/// The inviter must still be able to grant what the invite promises, and the
/// followed link must still be the invite's current one.
pub async fn invite_accept(
    ctx: &Ctx,
    tx: &mut TenantTx,
    followed: FollowedInvite,
    user_id: UserId,
) -> Result<AcceptedInvite, SignInError> {
    let id = followed.id;
    let now = ctx.clock.now();
    let stored = match invite_lock(tx, id).await {
        // Deleting a role or team deletes its invites.
        Err(StoreError::NotFound) => {
            return Err(SignInError::new(
                SignInProblem::InviteUnknown,
                "invite_gone",
            ));
        }
        other => other?,
    };
    let StoredInvite {
        invite,
        inviter,
        renewals,
    } = stored;
    ensure_open(&invite, now)?;
    if renewals != followed.renewals {
        // A replaced link is treated like one that never existed.
        return Err(SignInError::new(
            SignInProblem::InviteUnknown,
            "invite_renewed",
        ));
    }
    let (role, team) = (
        invite.role.as_ref().map(|role| role.id),
        invite.team.as_ref().map(|team| team.id),
    );
    if let Some(inviter) = inviter {
        let forbidden = || SignInError::new(SignInProblem::InviteRefused, "inviter_may_not");
        let record = actor_load(tx, inviter).await?;
        if !record.may_act() {
            return Err(SignInError::new(
                SignInProblem::InviteRefused,
                "inviter_inactive",
            ));
        }
        let inviter = record.to_actor(RequestFacts {
            request_id: ctx.ids.id::<RequestId>(),
            ip: None,
            user_agent: None,
            session_id: None,
            api_key_id: None,
        });
        match grantable(tx, &inviter, role, team).await {
            Err(AppError::Forbidden { .. }) => return Err(forbidden()),
            other => other?,
        };
    }
    if let Some(role) = role {
        user_role_grant_by(tx, user_id, role, RoleSource::Manual, inviter, now).await?;
    }
    if let Some(team) = team {
        team_member_add(tx, team, user_id, now).await?;
    }
    store::invite::invite_accept(tx, id, user_id, now).await?;
    Ok(AcceptedInvite {
        gives_role: role.is_some(),
        changes: json!({ "after": {
            "member": user_id.to_string(),
            "role": invite.role.map(|role| role.key),
            "team": invite.team.map(|team| team.name),
            "invited_by": inviter.map(|id| id.to_string()),
        } }),
    })
}
