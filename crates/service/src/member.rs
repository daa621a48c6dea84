//! Members: list, get, suspend and reactivate, grant and revoke roles, end
//! sessions.

use std::collections::BTreeSet;

use domain::{
    Action, Actor, AppError, Page, Permission, RoleId, SessionId, Timestamp, UserId,
    member::{
        BlockedReason, Member, MemberChange, MemberDetail, MemberListInput, MemberPath,
        MemberRolePath, MemberSummary,
    },
    paging::PAGE_SIZE,
    profile::Session,
    role::{Role, RoleRef, RoleSource},
};
use serde_json::{Value, json};
use store::{
    TenantTx,
    api_key::api_key_list_for_member,
    role::{user_role_grant, user_role_revoke},
    session::{session_list, session_revoke, session_revoke_others},
    user::user_status_set,
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    break_glass,
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    MemberList,
    MemberGet,
    MemberRoleGrant,
    MemberRoleRevoke,
}

/// Audit rows on a member's page.
const AUDIT_ROWS: u16 = 10;
/// API keys on a member's page.
const MAX_KEYS_SHOWN: u16 = 50;

pub struct MemberList;

impl Operation for MemberList {
    const ACTION: Action = Action::MemberList;
    const ROUTE: Route = Route::get("/members");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "List members";
    type Input = MemberListInput;
    type Output = Page<MemberSummary>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: MemberListInput,
    ) -> Result<Done<Page<MemberSummary>>, AppError> {
        let page = store::member::member_list(tx, &input, PAGE_SIZE).await?;
        Ok(Done::read(page))
    }
}

pub struct MemberGet;

impl Operation for MemberGet {
    const ACTION: Action = Action::MemberGet;
    const ROUTE: Route = Route::get("/members/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Get a member";
    const DESCRIPTION: &'static str = "Parts that the caller can't view are `null`.";
    type Input = MemberPath;
    type Output = MemberDetail;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemberPath { id }: MemberPath,
    ) -> Result<Done<MemberDetail>, AppError> {
        let (actor, now) = (tx.actor, tx.now());
        let member = store::member::member_get(tx, id).await?;
        let grantable = if tx.holds(Permission::RoleGrant) {
            grantable_in_tx(tx, actor).await?
        } else {
            Vec::new()
        };
        let audit = if tx.holds(Permission::AuditRead) {
            Some(store::audit::audit_list_for_member(tx, id, AUDIT_ROWS).await?)
        } else {
            None
        };
        let keys = if tx.holds(Permission::ApiKeyManage) {
            Some(api_key_list_for_member(tx, id, MAX_KEYS_SHOWN).await?)
        } else {
            None
        };
        let break_glass = break_glass::standing(tx, actor, &member, now).await?;
        let blocked_reason = blocked_reason(actor, &member);
        let sees_sessions =
            tx.holds(Permission::MemberManage) && blocked_reason != Some(BlockedReason::Owner);
        let sessions = if sees_sessions {
            Some(live_sessions(tx, id).await?)
        } else {
            None
        };
        Ok(Done::read(MemberDetail {
            is_self: id == actor.user_id,
            member,
            grantable,
            blocked_reason,
            sessions,
            keys,
            break_glass,
            audit,
        }))
    }
}

/// A member's live sessions. Reads them in a transaction of the
/// authentication, whose connections are separate.
pub(crate) async fn live_sessions(
    tx: &AuthorizedTx<'_>,
    id: UserId,
) -> Result<Vec<Session>, AppError> {
    let mut auth = tx.ctx.store.begin_auth().await?;
    let current = tx.actor.request.session_id;
    Ok(session_list(&mut auth, tx.actor.tenant_id, id, current, tx.now()).await?)
}

/// The reason why `actor` can't suspend or deactivate `member`.
pub(crate) fn blocked_reason(actor: &Actor, member: &Member) -> Option<BlockedReason> {
    let holds = |permission| actor.permissions.contains(&permission);
    if !holds(Permission::MemberManage) {
        Some(BlockedReason::Permission)
    } else if member.is_owner && !holds(Permission::OwnerGrant) {
        Some(BlockedReason::Owner)
    } else if member.is_last_owner {
        Some(BlockedReason::LastOwner)
    } else {
        None
    }
}

/// Suspends, deactivates or reactivates a member. Their sessions end in the
/// same transaction, effective with the next request (SEC-B3). Their API keys
/// are rejected while they are inactive and work again afterwards; offboarding
/// revokes them for good.
///
/// # Errors
/// [`AppError::Conflict`] for the last owner and if the status is unchanged;
/// [`AppError::Forbidden`] also for an owner without `owner.grant`.
pub async fn member_change(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
    change: MemberChange,
) -> Result<(), AppError> {
    let action = match change {
        MemberChange::Suspend => Action::MemberSuspend,
        MemberChange::Deactivate => Action::MemberDeactivate,
        MemberChange::Reactivate => Action::MemberReactivate,
    };
    AuthorizedTx::authorize(ctx, actor, action).await?;
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_auth().await?;
    let ended = match change {
        MemberChange::Suspend | MemberChange::Deactivate => {
            session_revoke_others(&mut tx, actor.tenant_id, id, None, now).await?
        }
        MemberChange::Reactivate => 0,
    };
    let mut act = AuthorizedTx::enter(ctx, actor, action, tx).await?;
    let done = change_in_tx(&mut act.tx, actor, id, change, now).await;
    let done = done.map(|mut changes| {
        changes["sessions_ended"] = json!(ended);
        changes
    });
    act.finish(AuditTarget::of(id), done).await
}

/// As [`member_change`], inside an open transaction and without ending
/// sessions.
pub(crate) async fn change_in_tx(
    tx: &mut TenantTx,
    actor: &Actor,
    id: UserId,
    change: MemberChange,
    now: Timestamp,
) -> Result<Value, AppError> {
    let member = store::member::member_get(tx, id).await?;
    if member.is_owner {
        actor.authorize(Permission::OwnerGrant)?;
    }
    change.check(member.status)?;
    user_status_set(tx, id, change.to(), now).await?;
    Ok(json!({
        "before": { "status": member.status.key() },
        "after": { "status": change.to().key() },
    }))
}

pub struct MemberRoleGrant;

impl Operation for MemberRoleGrant {
    const ACTION: Action = Action::RoleGrant;
    const ROUTE: Route = Route::put("/members/{id}/roles/{role_id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Assign a role to a member";
    const DESCRIPTION: &'static str =
        "The caller must be able to assign every permission of the role.";
    type Input = MemberRolePath;
    type Output = ();

    /// # Errors
    /// [`AppError::Forbidden`] naming the permission that the actor can't
    /// grant; [`AppError::Conflict`] if the member holds the role already.
    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemberRolePath { id, role_id }: MemberRolePath,
    ) -> Result<Done<()>, AppError> {
        let (actor, now) = (tx.actor, tx.now());
        tx.set_about(AuditTarget::of(id));
        let changes = role_grant_in_tx(tx, actor, id, role_id, now).await?;
        let target = AuditTarget::of(id).with_changes(changes);
        Ok(Done::audited((), target))
    }
}

/// As [`MemberRoleGrant`], inside an open transaction.
pub(crate) async fn role_grant_in_tx(
    tx: &mut TenantTx,
    actor: &Actor,
    id: UserId,
    role_id: RoleId,
    now: Timestamp,
) -> Result<Value, AppError> {
    let role = grantable_role(tx, actor, role_id).await?;
    let member = store::member::member_get(tx, id).await?;
    if is_granted_by_hand(&member, role_id) {
        return Err(AppError::Conflict {
            message: format!("{} already has this role.", member.display_name),
        });
    }
    user_role_grant(tx, id, &role.key, RoleSource::Manual, now).await?;
    Ok(json!({ "role": role.key }))
}

pub struct MemberRoleRevoke;

impl Operation for MemberRoleRevoke {
    const ACTION: Action = Action::RoleRevoke;
    const ROUTE: Route = Route::delete("/members/{id}/roles/{role_id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Remove a role from a member";
    const DESCRIPTION: &'static str = "Only one that was assigned manually, and only if the caller could assign every permission of it.";
    type Input = MemberRolePath;
    type Output = ();

    /// # Errors
    /// [`AppError::Conflict`] for the last owner and for a role that comes from
    /// the identity provider.
    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemberRolePath { id, role_id }: MemberRolePath,
    ) -> Result<Done<()>, AppError> {
        let actor = tx.actor;
        tx.set_about(AuditTarget::of(id));
        let role = grantable_role(tx, actor, role_id).await?;
        let member = store::member::member_get(tx, id).await?;
        let is_held = member.roles.iter().any(|held| held.role.id == role_id);
        if is_held && !is_granted_by_hand(&member, role_id) {
            return Err(AppError::Conflict {
                message: "This role comes from your identity provider. Change the group there, or its mapping in Directory groups.".into(),
            });
        }
        user_role_revoke(tx, id, &role.key, RoleSource::Manual).await?;
        let target = AuditTarget::of(id).with_changes(json!({ "role": role.key }));
        Ok(Done::audited((), target))
    }
}

/// Loads the role; fails if the actor can't grant all its permissions.
pub(crate) async fn grantable_role(
    tx: &mut TenantTx,
    actor: &Actor,
    role_id: RoleId,
) -> Result<Role, AppError> {
    let role = store::role::role_get(tx, role_id).await?;
    match first_ungrantable(actor, &role.permissions) {
        Some(permission) => Err(AppError::Forbidden { permission }),
        None => Ok(role),
    }
}

/// True if the member holds the role by hand and not only by a group rule.
fn is_granted_by_hand(member: &Member, role_id: RoleId) -> bool {
    member
        .roles
        .iter()
        .any(|held| held.role.id == role_id && held.source == RoleSource::Manual)
}

/// The roles that the actor can grant.
pub(crate) async fn grantable_in_tx(
    tx: &mut TenantTx,
    actor: &Actor,
) -> Result<Vec<RoleRef>, AppError> {
    let roles = store::role::role_list(tx).await?;
    Ok(roles
        .iter()
        .filter(|role| first_ungrantable(actor, &role.permissions).is_none())
        .map(Role::to_ref)
        .collect())
}

/// A permission among `wanted` that the actor can't grant; `OwnerGrant` comes
/// first.
pub(crate) fn first_ungrantable(
    actor: &Actor,
    wanted: &BTreeSet<Permission>,
) -> Option<Permission> {
    let grantable = Permission::grantable(&actor.permissions);
    let missing = wanted.difference(&grantable);
    let mut missing: Vec<_> = missing
        .map(|permission| permission.required_to_grant())
        .collect();
    missing.sort_by_key(|permission| *permission != Permission::OwnerGrant);
    missing.first().copied()
}

/// Ends one of a member's sessions, effective with its next request.
///
/// # Errors
/// [`AppError::Forbidden`] also for an owner's without `owner.grant`.
pub async fn member_session_revoke(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
    session: SessionId,
) -> Result<(), AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::MemberSessionRevoke).await?;
    let mut tx = ctx.store.begin_auth().await?;
    session_revoke(&mut tx, actor.tenant_id, id, session, ctx.clock.now()).await?;
    let mut act = AuthorizedTx::enter(ctx, actor, Action::MemberSessionRevoke, tx).await?;
    let done = ensure_may_change_owner(&mut act.tx, actor, id).await;
    let done = done.map(|()| json!({ "session": session.to_string() }));
    act.finish(AuditTarget::of(id), done).await
}

/// Fails if `id` is an owner and the actor lacks `owner.grant`.
async fn ensure_may_change_owner(
    tx: &mut TenantTx,
    actor: &Actor,
    id: UserId,
) -> Result<(), AppError> {
    if store::member::member_get(tx, id).await?.is_owner {
        actor.authorize(Permission::OwnerGrant)?;
    }
    Ok(())
}

/// Ends all sessions of a member, except the actor's current one, and returns
/// their number.
///
/// # Errors
/// [`AppError::Forbidden`] also for an owner's without `owner.grant`.
pub async fn member_session_revoke_all(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
) -> Result<u64, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::MemberSessionRevoke).await?;
    let mut tx = ctx.store.begin_auth().await?;
    let current = actor.request.session_id.filter(|_| id == actor.user_id);
    let now = ctx.clock.now();
    let ended = session_revoke_others(&mut tx, actor.tenant_id, id, current, now).await?;
    let mut act = AuthorizedTx::enter(ctx, actor, Action::MemberSessionRevoke, tx).await?;
    let done = ensure_may_change_owner(&mut act.tx, actor, id).await;
    let done = done.map(|()| json!({ "sessions_ended": ended }));
    act.finish(AuditTarget::of(id), done).await?;
    Ok(ended)
}
