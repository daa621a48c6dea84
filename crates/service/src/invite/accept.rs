//! What the one who has a link sees, and what it gives at sign-in.

use domain::{
    AppError, InviteId, RequestFacts, RequestId, SignInProblem, TenantId, Timestamp, UserId,
    invite::{Invite, InviteStatus, LoginTarget, OpenInvite},
    role::RoleSource,
};
use serde_json::{Value, json};
use store::{
    StoreError, TenantTx,
    actor::actor_load,
    invite::{StoredInvite, invite_find, invite_lock},
    login_attempt::FollowedInvite,
    role::user_role_grant_by,
    team::team_member_add,
    tenant::{tenant_find, tenant_reachable},
};

use super::{InviteToken, grantable};
use crate::Ctx;

/// Why an invite can't be accepted.
#[derive(Debug)]
pub struct InviteError {
    /// What the person is told.
    pub problem: SignInProblem,
    /// What the audit log is told: a stable name.
    pub reason: &'static str,
    /// Of which organisation the invite is, where it is one.
    pub invite: Option<(TenantId, InviteId)>,
}

impl InviteError {
    fn new(problem: SignInProblem, reason: &'static str) -> Self {
        Self {
            problem,
            reason,
            invite: None,
        }
    }

    fn of(mut self, tenant_id: TenantId, id: InviteId) -> Self {
        self.invite = Some((tenant_id, id));
        self
    }

    /// As a page tells it.
    ///
    /// # Errors
    /// [`AppError`] where the fault is not the invite's.
    pub fn to_problem(&self) -> Result<SignInProblem, AppError> {
        match self.problem {
            SignInProblem::Unavailable => Err(AppError::Unavailable {
                message: "The database is not available at the moment. Try again shortly.".into(),
            }),
            SignInProblem::Internal => Err(AppError::Internal),
            problem => Ok(problem),
        }
    }
}

impl From<StoreError> for InviteError {
    fn from(error: StoreError) -> Self {
        AppError::from(error).into()
    }
}

impl From<AppError> for InviteError {
    fn from(error: AppError) -> Self {
        let problem = match error {
            AppError::Unavailable { .. } => SignInProblem::Unavailable,
            _ => SignInProblem::Internal,
        };
        Self::new(problem, "store")
    }
}

/// Passes while it can be accepted.
fn is_open(invite: &Invite, now: Timestamp) -> Result<(), InviteError> {
    let refuse = |problem, reason| Err(InviteError::new(problem, reason));
    match invite.status(now) {
        InviteStatus::Pending => Ok(()),
        InviteStatus::Accepted => refuse(SignInProblem::InviteUsed, "invite_used"),
        InviteStatus::Expired => refuse(SignInProblem::InviteExpired, "invite_expired"),
        InviteStatus::Revoked => refuse(SignInProblem::InviteRevoked, "invite_revoked"),
    }
}

/// An invite that somebody has the link of and that is open.
#[derive(Debug)]
pub struct KnownInvite {
    /// The organisation.
    pub tenant_id: TenantId,
    /// Its id.
    pub id: InviteId,
    /// How often it got another link.
    pub renewals: i32,
    /// For whom it is meant, as a hint for the issuer.
    pub email: Option<String>,
    /// What decides which issuers are for it.
    pub reachable: LoginTarget,
    /// What the page shows.
    pub open: OpenInvite,
}

/// The invite behind a link.
///
/// # Errors
/// [`SignInProblem`] that says what became of it. For what never was an invite
/// it says nothing about any organisation.
pub async fn invite_known(ctx: &Ctx, token: &str) -> Result<KnownInvite, InviteError> {
    let unknown = || InviteError::new(SignInProblem::InviteUnknown, "invite_unknown");
    let token = InviteToken::parse(token).ok_or_else(unknown)?;
    let mut tx = ctx.store.begin_auth().await?;
    let (tenant_id, id) = invite_find(&mut tx, &token.hash())
        .await?
        .ok_or_else(unknown)?;
    let tenant = tenant_find(&mut tx, tenant_id).await?;
    let reachable = tenant_reachable(&mut tx, &tenant).await?;
    let mut tx = tx.enter_as_system(tenant_id).await?;
    let StoredInvite {
        invite, renewals, ..
    } = store::invite::invite_get(&mut tx, id).await?;
    is_open(&invite, ctx.clock.now()).map_err(|refusal| refusal.of(tenant_id, id))?;
    if let Some(problem) = SignInProblem::of_tenant(tenant.status) {
        let refusal = InviteError::new(problem, problem.code());
        return Err(refusal.of(tenant_id, id));
    }
    Ok(KnownInvite {
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

/// What an accepted invite gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedInvite {
    /// It gave a role.
    pub gives_role: bool,
    /// For the audit row.
    pub changes: Value,
}

/// Accepts the invite whose link was `followed` for `user_id`, an active member of the tenant of `tx`
/// since a moment or for long. `tx` runs on Atrium's own behalf; when it is not
/// committed, nothing of this happened.
///
/// # Errors
/// Why not. The one who invited must still be able to give what it promises,
/// and the link that was followed must still be the invite's.
pub async fn invite_accept(
    ctx: &Ctx,
    tx: &mut TenantTx,
    followed: FollowedInvite,
    user_id: UserId,
) -> Result<AcceptedInvite, InviteError> {
    let id = followed.id;
    let now = ctx.clock.now();
    let stored = match invite_lock(tx, id).await {
        // With a role or a team that is gone, so is the invite.
        Err(StoreError::NotFound) => {
            return Err(InviteError::new(
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
    is_open(&invite, now)?;
    if renewals != followed.renewals {
        // Its link opens nothing any more, as if there had never been one.
        return Err(InviteError::new(
            SignInProblem::InviteUnknown,
            "invite_renewed",
        ));
    }
    let (role, team) = (
        invite.role.as_ref().map(|role| role.id),
        invite.team.as_ref().map(|team| team.id),
    );
    if let Some(inviter) = inviter {
        let refused = || InviteError::new(SignInProblem::InviteRefused, "inviter_may_not");
        let record = actor_load(tx, inviter).await?;
        if !record.may_act() {
            return Err(InviteError::new(
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
            Err(AppError::Forbidden { .. }) => return Err(refused()),
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
