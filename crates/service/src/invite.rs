//! Invites: created, renewed and revoked by members, accepted by anybody with
//! the link. The inviter's permissions are checked both when it is sent and
//! when it is accepted.

mod accept;
mod letter;

use std::fmt;

use domain::{
    Action, Actor, AppError, InviteId, Page, Permission, RoleId, TeamId, TenantId,
    audit::Outcome,
    email::EmailAddress,
    invite::{
        Invite, InviteChoices, InviteDraft, InviteFilter, InviteLink, InviteStatus, NewInvite,
        lifetime,
    },
    paging::PAGE_SIZE,
    role::RoleRef,
    team::TeamRef,
};
use serde_json::{Value, json};
use store::{
    TenantTx,
    audit::{AuditEvent, audit_append},
    invite::{NewInviteRow, StoredInvite},
    settings::organisation_get,
};
use time::Duration;

pub use accept::{AcceptedInvite, FoundInvite, InviteError, invite_accept, invite_find};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    member::{grantable_in_tx, grantable_role},
    secret::{Secret, SecretKind},
    team::changeable_team,
};

/// Lifetime of an owner's invite created by the operator.
const OWNER_INVITE: Duration = Duration::days(7);

/// The secret in an invite's link; whoever has it can accept.
#[derive(Clone)]
pub struct InviteToken(Secret);

impl InviteToken {
    pub(crate) fn make(ctx: &Ctx) -> Self {
        Self(Secret::make(SecretKind::Invite, &ctx.ids))
    }

    /// `None` if the text is not a well-formed token.
    pub fn parse(text: &str) -> Option<Self> {
        Secret::parse(SecretKind::Invite, text).map(Self)
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        self.0.hash()
    }

    /// The invite's URL at the site `origin`.
    pub fn link(&self, origin: &str) -> String {
        format!("{origin}/invite/{}", self.0.expose())
    }
}

impl fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteToken(redacted)")
    }
}

/// One page of the organisation's invites, newest first.
pub async fn invite_list(
    ctx: &Ctx,
    actor: &Actor,
    filter: &InviteFilter,
    cursor: Option<&str>,
) -> Result<Page<Invite>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::InviteList).await?;
    let now = ctx.clock.now();
    Ok(store::invite::invite_list(&mut act.tx, filter, now, cursor, PAGE_SIZE).await?)
}

pub async fn invite_get(ctx: &Ctx, actor: &Actor, id: InviteId) -> Result<Invite, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::InviteList).await?;
    Ok(store::invite::invite_get(&mut act.tx, id).await?.invite)
}

/// The roles, teams and domains that the actor can choose when inviting.
pub async fn invite_choices(ctx: &Ctx, actor: &Actor) -> Result<InviteChoices, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::InviteList).await?;
    let roles = if actor.permissions.contains(&Permission::RoleGrant) {
        grantable_in_tx(&mut act.tx, actor).await?
    } else {
        Vec::new()
    };
    let mut teams = store::team::team_names(&mut act.tx).await?;
    if !actor.permissions.contains(&Permission::TeamManage) {
        let mut own = Vec::new();
        for team in teams {
            if changeable_team(&mut act.tx, actor, team.id).await.is_ok() {
                own.push(team);
            }
        }
        teams = own;
    }
    Ok(InviteChoices {
        roles,
        teams,
        domains: organisation_get(&mut act.tx).await?.settings.invite_domains,
        sends_mail: ctx.mailer.is_on(),
    })
}

/// Creates an invite and mails it if mail is on. The link, at the site
/// `origin`, is only in the response and the mail.
pub async fn invite_create(
    ctx: &Ctx,
    actor: &Actor,
    draft: &InviteDraft,
    origin: &str,
) -> Result<InviteLink, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::InviteCreate).await?;
    let id: InviteId = ctx.ids.id();
    let token = InviteToken::make(ctx);
    let done = create_in_tx(ctx, &mut act.tx, actor, id, &token, draft).await;
    let stored = match &done {
        Ok(_) => Some(store::invite::invite_get(&mut act.tx, id).await?),
        Err(_) => None,
    };
    act.finish(AuditTarget::invite(id), done).await?;
    let stored = stored.ok_or(AppError::Internal)?;
    Ok(letter::hand_over(ctx, actor, &stored.invite, &token, origin).await)
}

async fn create_in_tx(
    ctx: &Ctx,
    tx: &mut TenantTx,
    actor: &Actor,
    id: InviteId,
    token: &InviteToken,
    draft: &InviteDraft,
) -> Result<Value, AppError> {
    let domains = organisation_get(tx).await?.settings.invite_domains;
    let new = NewInvite::parse(draft, &domains)?;
    let grant = grantable(tx, actor, new.role, new.team).await?;
    let now = ctx.clock.now();
    let record = NewInviteRow {
        id,
        email: new.email.as_ref(),
        token_hash: &token.hash(),
        role_id: new.role,
        team_id: new.team,
        expires_at: now + new.lifetime,
    };
    store::invite::invite_create(tx, &record, now).await?;
    Ok(json!({ "after": {
        "email": new.email.as_ref().map(EmailAddress::as_str),
        "role": grant.role.map(|role| role.key),
        "team": grant.team.map(|team| team.name),
        "days": new.lifetime.whole_days(),
    } }))
}

/// Replaces the link of an invite that is neither accepted nor revoked, with
/// one that expires in `days`. The actor becomes its inviter, whose permissions
/// it depends on.
///
/// # Errors
/// [`AppError::Conflict`] for an accepted or revoked invite, and for one of the
/// operator's.
pub async fn invite_renew(
    ctx: &Ctx,
    actor: &Actor,
    id: InviteId,
    days: &str,
    origin: &str,
) -> Result<InviteLink, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::InviteRenew).await?;
    let token = InviteToken::make(ctx);
    let done = renew_in_tx(ctx, &mut act.tx, actor, id, &token, days).await;
    let stored = match &done {
        Ok(_) => Some(store::invite::invite_get(&mut act.tx, id).await?),
        Err(_) => None,
    };
    act.finish(AuditTarget::invite(id), done).await?;
    let stored = stored.ok_or(AppError::Internal)?;
    Ok(letter::hand_over(ctx, actor, &stored.invite, &token, origin).await)
}

async fn renew_in_tx(
    ctx: &Ctx,
    tx: &mut TenantTx,
    actor: &Actor,
    id: InviteId,
    token: &InviteToken,
    days: &str,
) -> Result<Value, AppError> {
    let invite = ensure_changeable(store::invite::invite_get(tx, id).await?)?;
    let lifetime = lifetime(days).map_err(|why| AppError::field("days", why))?;
    // The allowed domains may have changed.
    let domains = organisation_get(tx).await?.settings.invite_domains;
    let draft = InviteDraft {
        email: invite.email.clone().unwrap_or_default(),
        days: days.to_owned(),
        ..InviteDraft::default()
    };
    NewInvite::parse(&draft, &domains)?;
    let (role, team) = (invite.role.map(|r| r.id), invite.team.map(|t| t.id));
    grantable(tx, actor, role, team).await?;
    let expires_at = ctx.clock.now() + lifetime;
    store::invite::invite_renew(tx, id, &token.hash(), expires_at).await?;
    Ok(json!({ "after": { "days": lifetime.whole_days() } }))
}

/// Revokes an invite and its link.
///
/// # Errors
/// [`AppError::Conflict`] for an accepted or revoked invite, and for one of the
/// operator's.
pub async fn invite_revoke(ctx: &Ctx, actor: &Actor, id: InviteId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::InviteRevoke).await?;
    let done = async {
        let invite = ensure_changeable(store::invite::invite_get(&mut act.tx, id).await?)?;
        store::invite::invite_revoke(&mut act.tx, id).await?;
        Ok(json!({ "before": { "email": invite.email } }))
    }
    .await;
    act.finish(AuditTarget::invite(id), done).await
}

/// Returns the invite if a member can still change it, else Conflict.
fn ensure_changeable(stored: StoredInvite) -> Result<Invite, AppError> {
    let message = match (stored.invite.stored, stored.inviter) {
        (InviteStatus::Accepted, _) => "This invite was accepted already.",
        (InviteStatus::Revoked, _) => "This invite was revoked already.",
        (_, None) => {
            "This invite comes from the operator of this installation, who alone can change it."
        }
        (_, Some(_)) => return Ok(stored.invite),
    };
    Err(AppError::Conflict {
        message: message.into(),
    })
}

/// The role and team that an invite grants.
#[derive(Debug)]
pub(crate) struct InviteGrant {
    role: Option<RoleRef>,
    team: Option<TeamRef>,
}

/// Loads the role and team, if `actor` can grant both now.
async fn grantable(
    tx: &mut TenantTx,
    actor: &Actor,
    role: Option<RoleId>,
    team: Option<TeamId>,
) -> Result<InviteGrant, AppError> {
    actor.authorize(Permission::MemberInvite)?;
    let role = match role {
        Some(id) => {
            actor.authorize(Permission::RoleGrant)?;
            Some(grantable_role(tx, actor, id).await?.to_ref())
        }
        None => None,
    };
    let team = match team {
        Some(id) => {
            let team = changeable_team(tx, actor, id).await?;
            Some(TeamRef {
                id,
                name: team.name,
            })
        }
        None => None,
    };
    Ok(InviteGrant { role, team })
}

/// Creates an invite for an organisation's owner in the operator's name, and
/// revokes the operator's earlier ones.
pub async fn owner_invite_create(
    ctx: &Ctx,
    tenant_id: TenantId,
    email: Option<&EmailAddress>,
) -> Result<InviteToken, AppError> {
    let mut tx = ctx.store.begin_auth().await?;
    store::tenant::tenant_find(&mut tx, tenant_id).await?;
    let mut tx = tx.enter_as_system(tenant_id).await?;
    let token = owner_invite_in_tx(ctx, &mut tx, email).await?;
    tx.commit().await?;
    Ok(token)
}

/// As [`owner_invite_create`], inside an open system transaction.
pub(crate) async fn owner_invite_in_tx(
    ctx: &Ctx,
    tx: &mut TenantTx,
    email: Option<&EmailAddress>,
) -> Result<InviteToken, AppError> {
    let now = ctx.clock.now();
    let ended = store::invite::invite_revoke_system(tx).await?;
    let id: InviteId = ctx.ids.id();
    let token = InviteToken::make(ctx);
    let owner = store::role::role_list(tx)
        .await?
        .into_iter()
        .find(|role| role.key == domain::access::SystemRole::Owner.key())
        .ok_or(AppError::NotFound)?;
    let record = NewInviteRow {
        id,
        email,
        token_hash: &token.hash(),
        role_id: Some(owner.id),
        team_id: None,
        expires_at: now + OWNER_INVITE,
    };
    store::invite::invite_create(tx, &record, now).await?;
    let about = |action: &str, id: InviteId, changes| AuditEvent {
        resource_type: Some("invite".to_owned()),
        resource_id: Some(id.to_string()),
        changes,
        ..AuditEvent::by_system(action, Outcome::Success, now)
    };
    let after = json!({ "after": {
        "email": email.map(EmailAddress::as_str),
        "role": owner.key,
        "days": OWNER_INVITE.whole_days(),
    } });
    let mut events: Vec<_> = ended
        .into_iter()
        .map(|id| about(Action::InviteRevoke.key(), id, None))
        .collect();
    events.push(about(Action::InviteCreate.key(), id, Some(after)));
    audit_append(tx, &events).await?;
    Ok(token)
}
