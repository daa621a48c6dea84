//! Roles: what there is, and the organisation's own.

use domain::{
    Action, Actor, AppError, Permission, RoleId, Timestamp,
    role::{Role, RoleDetail, RoleDraft, RoleRef, RoleText, edited_permissions},
};
use serde_json::{Value, json};
use store::{StoreError, TenantTx};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// Holders that a role's page names.
const HOLDERS_SHOWN: i64 = 50;

/// All roles: those that came with the organisation, then its own.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn role_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Role>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::RoleList).await?;
    Ok(store::role::role_list(&mut act.tx).await?)
}

/// The organisation's roles by name, for choosing one.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn role_names(ctx: &Ctx, actor: &Actor) -> Result<Vec<RoleRef>, AppError> {
    let roles = role_list(ctx, actor).await?;
    Ok(roles.iter().map(Role::to_ref).collect())
}

/// One role, who holds it, and what the actor may do with it.
///
/// # Errors
/// [`AppError::NotFound`] when the organisation has no such role.
pub async fn role_get(ctx: &Ctx, actor: &Actor, id: RoleId) -> Result<RoleDetail, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::RoleGet).await?;
    let role = store::role::role_get(&mut act.tx, id).await?;
    let holders = store::role::role_holders(&mut act.tx, id, HOLDERS_SHOWN).await?;
    Ok(RoleDetail {
        may_edit: !role.is_system && actor.permissions.contains(&Permission::RoleManage),
        grantable: Permission::grantable(&actor.permissions),
        role,
        holders,
    })
}

/// Creates a role that allows nothing the actor may not grant.
///
/// # Errors
/// [`AppError::Forbidden`] naming what the actor may not grant;
/// [`AppError::Invalid`] with every field at fault.
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
    let text = RoleText::parse(draft)?;
    let grantable = Permission::grantable(&actor.permissions);
    if let Some(permission) = text.permissions.difference(&grantable).next() {
        let permission = permission.to_grant();
        return Err(AppError::Forbidden { permission });
    }
    store::role::role_create(tx, id, &text, now).await?;
    Ok(json!({ "after": described(&text) }))
}

/// Changes a role of the organisation's own from its version `version`. It
/// counts for everybody who holds it from their next request on (SEC-B3).
///
/// # Errors
/// [`AppError::Conflict`] for a role that came with the organisation, a stale
/// version, and when the actor would lock themselves out of roles;
/// [`AppError::Forbidden`] naming what the actor may not grant;
/// [`AppError::Invalid`]; [`AppError::NotFound`].
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
    let before = custom(store::role::role_get(tx, id).await?)?;
    let mut text = RoleText::parse(draft)?;
    let grantable = Permission::grantable(&actor.permissions);
    text.permissions = edited_permissions(&before.permissions, &text.permissions, &grantable)
        .map_err(|permission| AppError::Forbidden {
            permission: permission.to_grant(),
        })?;
    store::role::role_update(tx, id, version, &text, now).await?;
    keeps_roles(tx, actor).await?;
    Ok(json!({
        "before": described(&RoleText {
            name: before.name,
            description: before.description,
            permissions: before.permissions,
        }),
        "after": described(&text),
        "from_version": version,
    }))
}

/// Deletes a role of the organisation's own and takes it from the `holders`
/// members of whom the actor was told.
///
/// # Errors
/// [`AppError::Conflict`] when others hold it by now, when something else
/// still gives it, and for the cases of [`role_update`];
/// [`AppError::Forbidden`] when it is held and the actor may not take roles.
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
    let role = custom(store::role::role_get(tx, id).await?)?;
    let mut taken = Vec::new();
    if role.holders > 0 {
        actor.authorize(Permission::RoleGrant)?;
        let members = store::role::role_take_from_all(tx, id).await?;
        taken = members.iter().map(ToString::to_string).collect();
    }
    if i64::try_from(taken.len()).unwrap_or(i64::MAX) != holders {
        return Err(AppError::Conflict {
            message: format!(
                "By now {} members hold this role. Look at who they are, then delete it.",
                taken.len()
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
    keeps_roles(tx, actor).await?;
    Ok(json!({
        "before": { "name": role.name, "key": role.key },
        "taken_from": taken,
    }))
}

/// A role that can change; what came with the organisation can't, so that
/// nobody is locked out by it.
fn custom(role: Role) -> Result<Role, AppError> {
    if role.is_system {
        Err(AppError::Conflict {
            message: "This role came with the organisation and never changes.".into(),
        })
    } else {
        Ok(role)
    }
}

/// Passes when the actor could take back what was just done.
async fn keeps_roles(tx: &mut TenantTx, actor: &Actor) -> Result<(), AppError> {
    let left = store::actor::actor_load(tx, actor.user_id).await?;
    if left.profile.permissions.contains(&Permission::RoleManage) {
        Ok(())
    } else {
        Err(AppError::Conflict {
            message: "You would lock yourself out: without this role you could not manage roles any more. Let somebody else do it, or hold another role that can.".into(),
        })
    }
}

/// What the audit log keeps of a role.
fn described(text: &RoleText) -> Value {
    json!({
        "name": text.name,
        "description": text.description,
        "permissions": text.permissions.iter().map(|p| p.key()).collect::<Vec<_>>(),
    })
}
