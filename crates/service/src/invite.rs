//! Invites: created, renewed and revoked by members, accepted by anybody with
//! the link. The inviter's permissions are checked both when it is sent and
//! when it is accepted.

mod accept;
mod letter;
mod many;

use std::fmt;

use domain::{
    Action, Actor, AppError, InviteId, NoInput, Page, Permission, RoleId, TeamId, TenantId,
    audit::Outcome,
    email::EmailAddress,
    invite::{
        Invite, InviteChoices, InviteInput, InviteLink, InviteListInput, InvitePath,
        InviteRenewInput, InviteStatus, MailOutcome, NewInvite, lifetime,
    },
    paging::PAGE_SIZE,
    role::RoleRef,
    team::TeamRef,
};
use serde_json::json;
use store::{
    TenantTx,
    audit::{AuditEvent, audit_append},
    invite::{NewInviteRow, StoredInvite},
    settings::organisation_get,
};
use time::Duration;

pub use accept::{AcceptedInvite, FoundInvite, invite_accept, invite_find};
pub use many::InviteCreateMany;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    member::{grantable_in_tx, grantable_role},
    operation::{Done, Group, Operation, Route, operations},
    secret::{Secret, SecretKind},
    team::changeable_team,
};

operations! {
    InviteList,
    InviteChoicesGet,
    InviteCreate,
    InviteCreateMany,
    InviteGet,
    InviteRenew,
    InviteRevoke,
}

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

pub struct InviteList;

impl Operation for InviteList {
    const ACTION: Action = Action::InviteList;
    const ROUTE: Route = Route::get("/invites");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "List invites";
    type Input = InviteListInput;
    type Output = Page<Invite>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: InviteListInput,
    ) -> Result<Done<Page<Invite>>, AppError> {
        let now = tx.now();
        let mut page = store::invite::invite_list(tx, &input, now, PAGE_SIZE).await?;
        for invite in &mut page.items {
            invite.status = invite.status_at(now);
        }
        Ok(Done::read(page))
    }
}

pub struct InviteGet;

impl Operation for InviteGet {
    const ACTION: Action = Action::InviteList;
    const ROUTE: Route = Route::get("/invites/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Get an invite";
    type Input = InvitePath;
    type Output = Invite;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        InvitePath { id }: InvitePath,
    ) -> Result<Done<Invite>, AppError> {
        let mut invite = store::invite::invite_get(tx, id).await?.invite;
        invite.status = invite.status_at(tx.now());
        Ok(Done::read(invite))
    }
}

pub struct InviteChoicesGet;

impl Operation for InviteChoicesGet {
    const ACTION: Action = Action::InviteList;
    const ROUTE: Route = Route::get("/invites/choices");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Get the choices for an invite";
    const DESCRIPTION: &'static str =
        "The roles, teams and email domains that the member can choose when inviting.";
    type Input = NoInput;
    type Output = InviteChoices;

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<InviteChoices>, AppError> {
        let actor = tx.actor;
        let roles = if tx.holds(Permission::RoleGrant) {
            grantable_in_tx(tx, actor).await?
        } else {
            Vec::new()
        };
        let mut teams = store::team::team_names(tx).await?;
        if !tx.holds(Permission::TeamManage) {
            let mut own = Vec::new();
            for team in teams {
                if changeable_team(tx, actor, team.id).await.is_ok() {
                    own.push(team);
                }
            }
            teams = own;
        }
        Ok(Done::read(InviteChoices {
            roles,
            teams,
            domains: organisation_get(tx).await?.settings.invite_domains,
            sends_mail: tx.ctx.mailer.is_on(),
        }))
    }
}

pub struct InviteCreate;

impl Operation for InviteCreate {
    const ACTION: Action = Action::InviteCreate;
    const ROUTE: Route = Route::create("/invites");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Create an invite";
    const DESCRIPTION: &'static str = "The link is in the answer and, if the server sends mail, \
                                       in the mail to `email`; it can't be read later.";
    type Input = InviteInput;
    type Output = InviteLink;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: InviteInput,
    ) -> Result<Done<InviteLink>, AppError> {
        let (ctx, actor) = (tx.ctx, tx.actor);
        let id: InviteId = ctx.ids.id();
        tx.set_about(AuditTarget::of(id));
        let domains = organisation_get(tx).await?.settings.invite_domains;
        let new = NewInvite::parse(&input, &domains)?;
        let grant = grantable(tx, actor, new.role, new.team).await?;
        let token = InviteToken::make(ctx);
        let now = tx.now();
        let record = NewInviteRow {
            id,
            email: new.email.as_ref(),
            token_hash: &token.hash(),
            role_id: new.role,
            team_id: new.team,
            expires_at: now + new.lifetime,
        };
        store::invite::invite_create(tx, &record, now).await?;
        let target = AuditTarget::of(id).with_changes(json!({ "after": {
            "email": new.email.as_ref().map(EmailAddress::as_str),
            "role": grant.role.map(|role| role.key),
            "team": grant.team.map(|team| team.name),
            "days": new.lifetime.whole_days(),
        } }));
        Ok(Done::audited(load_link(tx, id, &token).await?, target))
    }

    async fn after_commit(ctx: &Ctx, actor: &Actor, link: InviteLink) -> InviteLink {
        letter::send(ctx, actor, link).await
    }
}

/// An invite with its link, not mailed yet.
async fn load_link(
    tx: &mut AuthorizedTx<'_>,
    id: InviteId,
    token: &InviteToken,
) -> Result<InviteLink, AppError> {
    let invite = store::invite::invite_get(tx, id).await?.invite;
    Ok(InviteLink {
        id,
        link: token.link(&tx.ctx.public_url),
        email: invite.email,
        expires_at: invite.expires_at,
        mail: MailOutcome::NotSent,
    })
}

/// The actor becomes the invite's inviter, whose permissions it depends on.
pub struct InviteRenew;

impl Operation for InviteRenew {
    const ACTION: Action = Action::InviteRenew;
    const ROUTE: Route = Route::post("/invites/{id}/renew");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Renew an invite";
    const DESCRIPTION: &'static str = "Replaces its link; the old one stops working. A conflict \
                                       for an accepted or revoked invite.";
    type Input = InviteRenewInput;
    type Output = InviteLink;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        InviteRenewInput { id, days }: InviteRenewInput,
    ) -> Result<Done<InviteLink>, AppError> {
        tx.set_about(AuditTarget::of(id));
        let actor = tx.actor;
        let invite = ensure_changeable(store::invite::invite_get(tx, id).await?)?;
        let lifetime = lifetime(&days).map_err(|why| AppError::field("days", why))?;
        // The allowed domains may have changed.
        let domains = organisation_get(tx).await?.settings.invite_domains;
        let as_new = InviteInput {
            email: invite.email.clone().unwrap_or_default(),
            days,
            ..InviteInput::default()
        };
        NewInvite::parse(&as_new, &domains)?;
        let (role, team) = (invite.role.map(|r| r.id), invite.team.map(|t| t.id));
        grantable(tx, actor, role, team).await?;
        let token = InviteToken::make(tx.ctx);
        let expires_at = tx.now() + lifetime;
        store::invite::invite_renew(tx, id, &token.hash(), expires_at).await?;
        let changes = json!({ "after": { "days": lifetime.whole_days() } });
        let target = AuditTarget::of(id).with_changes(changes);
        Ok(Done::audited(load_link(tx, id, &token).await?, target))
    }

    async fn after_commit(ctx: &Ctx, actor: &Actor, link: InviteLink) -> InviteLink {
        letter::send(ctx, actor, link).await
    }
}

pub struct InviteRevoke;

impl Operation for InviteRevoke {
    const ACTION: Action = Action::InviteRevoke;
    const ROUTE: Route = Route::delete("/invites/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Revoke an invite";
    const DESCRIPTION: &'static str =
        "Its link stops working. A conflict for an accepted or revoked invite.";
    type Input = InvitePath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        InvitePath { id }: InvitePath,
    ) -> Result<Done<()>, AppError> {
        let invite = ensure_changeable(store::invite::invite_get(tx, id).await?)?;
        store::invite::invite_revoke(tx, id).await?;
        let changes = json!({ "before": { "email": invite.email } });
        let target = AuditTarget::of(id).with_changes(changes);
        Ok(Done::audited((), target))
    }
}

/// Returns the invite if a member can still change it, else Conflict.
fn ensure_changeable(stored: StoredInvite) -> Result<Invite, AppError> {
    let message = match (stored.invite.status, stored.inviter) {
        (InviteStatus::Accepted, _) => "This invite is already accepted.",
        (InviteStatus::Revoked, _) => "This invite is already revoked.",
        (_, None) => "Only the operator of this installation can change this invite.",
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
