//! Roles: list, and create, change and delete the organisation's custom ones.

use domain::{
    Action, Actor, AppError, Permission, RoleId, Timestamp,
    role::{ParsedRole, Role, RoleDetail, RoleDraft, RoleRef, edited_permissions},
};
use serde_json::{Value, json};
use store::{StoreError, TenantTx};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// Holders listed on a role's page.
const MAX_HOLDERS_SHOWN: i64 = 50;

/// All roles: system roles first, then custom ones.
pub async fn role_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Role>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::RoleList).await?;
    Ok(store::role::role_list(&mut act.tx).await?)
}

/// The organisation's roles by name, to choose from.
pub async fn role_names(ctx: &Ctx, actor: &Actor) -> Result<Vec<RoleRef>, AppError> {
    let roles = role_list(ctx, actor).await?;
    Ok(roles.iter().map(Role::to_ref).collect())
}

/// One role with its holders and what the actor may do with it.
pub async fn role_get(ctx: &Ctx, actor: &Actor, id: RoleId) -> Result<RoleDetail, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::RoleGet).await?;
    let role = store::role::role_get(&mut act.tx, id).await?;
    let holders = store::role::role_holders(&mut act.tx, id, MAX_HOLDERS_SHOWN).await?;
    Ok(RoleDetail {
        may_edit: !role.is_system && actor.permissions.contains(&Permission::RoleManage),
        grantable: Permission::grantable(&actor.permissions),
        role,
        holders,
    })
}

/// Creates a role whose permissions the actor can all grant.
///
/// # Errors
/// [`AppError::Forbidden`] naming a permission that the actor can't grant.
pub async fn role_create(ctx: &Ctx, actor: &Actor, draft: &RoleDraft) -> Result<RoleId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::RoleCreate).await?;
    let id: RoleId = ctx.ids.id();
    let done = create_in_tx(&mut act.tx, actor, id, draft, ctx.clock.now()).await;
    act.finish(AuditTarget::role(id), done).await?;
    Ok(id)
}

async fn create_in_tx(
    tx: &mut TenantTx,
    actor: &Actor,
    id: RoleId,
    draft: &RoleDraft,
    now: Timestamp,
) -> Result<Value, AppError> {
    let text = ParsedRole::parse(draft)?;
    let grantable = Permission::grantable(&actor.permissions);
    if let Some(permission) = text.permissions.difference(&grantable).next() {
        let permission = permission.required_to_grant();
        return Err(AppError::Forbidden { permission });
    }
    store::role::role_create(tx, id, &text, now).await?;
    Ok(json!({ "after": to_audit_json(&text) }))
}

/// Changes a custom role based on its version `version`, effective for every
/// holder with their next request (SEC-B3).
///
/// # Errors
/// [`AppError::Conflict`] for a system role, a stale version, and if the actor
/// could no longer manage roles; [`AppError::Forbidden`] naming a permission
/// that the actor can't grant.
pub async fn role_update(
    ctx: &Ctx,
    actor: &Actor,
    id: RoleId,
    version: i32,
    draft: &RoleDraft,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::RoleUpdate).await?;
    let done = update_in_tx(&mut act.tx, actor, id, version, draft, ctx.clock.now()).await;
    act.finish(AuditTarget::role(id), done).await
}

async fn update_in_tx(
    tx: &mut TenantTx,
    actor: &Actor,
    id: RoleId,
    version: i32,
    draft: &RoleDraft,
    now: Timestamp,
) -> Result<Value, AppError> {
    let before = ensure_custom(store::role::role_get(tx, id).await?)?;
    let mut text = ParsedRole::parse(draft)?;
    let grantable = Permission::grantable(&actor.permissions);
    text.permissions = edited_permissions(&before.permissions, &text.permissions, &grantable)
        .map_err(|permission| AppError::Forbidden {
            permission: permission.required_to_grant(),
        })?;
    store::role::role_update(tx, id, version, &text, now).await?;
    ensure_can_manage_roles(tx, actor).await?;
    Ok(json!({
        "before": to_audit_json(&ParsedRole {
            name: before.name,
            description: before.description,
            permissions: before.permissions,
        }),
        "after": to_audit_json(&text),
        "from_version": version,
    }))
}

/// Deletes a custom role and revokes it from its holders, whose number must
/// still be `holders`, the one displayed to the actor.
///
/// # Errors
/// [`AppError::Conflict`] if the number of holders has changed, if a group rule
/// grants the role, and for the cases of [`role_update`];
/// [`AppError::Forbidden`] if it has holders and the actor can't revoke roles.
pub async fn role_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: RoleId,
    version: i32,
    holders: i64,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::RoleDelete).await?;
    let done = delete_in_tx(&mut act.tx, actor, id, version, holders).await;
    act.finish(AuditTarget::role(id), done).await
}

async fn delete_in_tx(
    tx: &mut TenantTx,
    actor: &Actor,
    id: RoleId,
    version: i32,
    holders: i64,
) -> Result<Value, AppError> {
    let role = ensure_custom(store::role::role_get(tx, id).await?)?;
    let mut former_holders = Vec::new();
    if role.holders > 0 {
        actor.authorize(Permission::RoleGrant)?;
        let members = store::role::role_revoke_all(tx, id).await?;
        former_holders = members.iter().map(ToString::to_string).collect();
    }
    if i64::try_from(former_holders.len()).unwrap_or(i64::MAX) != holders {
        return Err(AppError::Conflict {
            message: format!(
                "By now {} members hold this role. Look at who they are, then delete it.",
                former_holders.len()
            ),
        });
    }
    store::role::role_delete(tx, id, version)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(name) if name.ends_with("_role_id_fkey") => AppError::Conflict {
                message: "A group mapping still gives this role. Change that first.".into(),
            },
            other => other.into(),
        })?;
    ensure_can_manage_roles(tx, actor).await?;
    Ok(json!({
        "before": { "name": role.name, "key": role.key },
        "taken_from": former_holders,
    }))
}

/// Fails for a system role, which never changes, so that nobody can be locked
/// out by a change.
fn ensure_custom(role: Role) -> Result<Role, AppError> {
    if role.is_system {
        Err(AppError::Conflict {
            message: "This role came with the organisation and never changes.".into(),
        })
    } else {
        Ok(role)
    }
}

/// Fails if the actor could no longer manage roles, and so not revert this.
async fn ensure_can_manage_roles(tx: &mut TenantTx, actor: &Actor) -> Result<(), AppError> {
    let record = store::actor::actor_load(tx, actor.user_id).await?;
    if record.profile.permissions.contains(&Permission::RoleManage) {
        Ok(())
    } else {
        Err(AppError::Conflict {
            message: "You would lock yourself out: without this role you could not manage roles any more. Let somebody else do it, or hold another role that can.".into(),
        })
    }
}

/// A role as the audit log stores it.
fn to_audit_json(text: &ParsedRole) -> Value {
    json!({
        "name": text.name,
        "description": text.description,
        "permissions": text.permissions.iter().map(|p| p.key()).collect::<Vec<_>>(),
    })
}
