//! Roles: list, and create, change and delete the organisation's custom ones.

use domain::{
    Action, Actor, AppError, NoInput, Page, Permission, RoleId,
    role::{
        ParsedRole, Role, RoleDeleteInput, RoleDetail, RoleInput, RolePath, RoleRef,
        RoleUpdateInput, edited_permissions,
    },
};
use serde_json::{Value, json};
use store::{StoreError, TenantTx, role as roles};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    RoleList,
    RoleCreate,
    RoleGet,
    RoleUpdate,
    RoleDelete,
}

/// Holders listed on a role's page.
const MAX_HOLDERS_SHOWN: i64 = 50;

pub struct RoleList;

impl Operation for RoleList {
    const ACTION: Action = Action::RoleList;
    const ROUTE: Route = Route::get("/roles");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "List roles";
    const DESCRIPTION: &'static str =
        "All at once: built-in roles first, then custom roles by name.";
    type Input = NoInput;
    type Output = Page<Role>;

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<Page<Role>>, AppError> {
        let items = roles::role_list(tx).await?;
        Ok(Done::read(Page::whole(items)))
    }
}

/// The organisation's roles by name, to choose from.
pub async fn role_names(ctx: &Ctx, actor: &Actor) -> Result<Vec<RoleRef>, AppError> {
    let mut tx = AuthorizedTx::begin(ctx, actor, Action::RoleList).await?;
    let roles = roles::role_list(&mut tx).await?;
    Ok(roles.iter().map(Role::to_ref).collect())
}

pub struct RoleGet;

impl Operation for RoleGet {
    const ACTION: Action = Action::RoleGet;
    const ROUTE: Route = Route::get("/roles/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Get a role";
    type Input = RolePath;
    type Output = RoleDetail;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        RolePath { id }: RolePath,
    ) -> Result<Done<RoleDetail>, AppError> {
        let role = roles::role_get(tx, id).await?;
        let holders = roles::role_holders(tx, id, MAX_HOLDERS_SHOWN).await?;
        Ok(Done::read(RoleDetail {
            may_edit: !role.is_system && tx.holds(Permission::RoleManage),
            grantable: Permission::grantable(&tx.actor.permissions),
            role,
            holders,
        }))
    }
}

pub struct RoleCreate;

impl Operation for RoleCreate {
    const ACTION: Action = Action::RoleCreate;
    const ROUTE: Route = Route::create("/roles");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Create a role";
    const DESCRIPTION: &'static str = "It has no members yet.";
    type Input = RoleInput;
    type Output = RoleRef;

    /// # Errors
    /// [`AppError::Forbidden`] naming a permission that the actor can't grant.
    async fn run(tx: &mut AuthorizedTx<'_>, input: RoleInput) -> Result<Done<RoleRef>, AppError> {
        let (id, now): (RoleId, _) = (tx.ctx.ids.id(), tx.now());
        tx.set_about(AuditTarget::of(id));
        let text = ParsedRole::parse(&input)?;
        let grantable = Permission::grantable(&tx.actor.permissions);
        if let Some(permission) = text.permissions.difference(&grantable).next() {
            let permission = permission.required_to_grant();
            return Err(AppError::Forbidden { permission });
        }
        roles::role_create(tx, id, &text, now).await?;
        let target = AuditTarget::of(id).with_changes(json!({ "after": to_audit_json(&text) }));
        let role = RoleRef {
            id,
            key: text.key(),
            name: text.name,
        };
        Ok(Done::audited(role, target))
    }
}

pub struct RoleUpdate;

impl Operation for RoleUpdate {
    const ACTION: Action = Action::RoleUpdate;
    const ROUTE: Route = Route::put("/roles/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Change a custom role";
    const DESCRIPTION: &'static str =
        "Every field is replaced. Takes effect with each member's next request.";
    type Input = RoleUpdateInput;
    type Output = ();

    /// # Errors
    /// [`AppError::Conflict`] for a system role, a stale version, and if the
    /// actor could no longer manage roles; [`AppError::Forbidden`] naming a
    /// permission that the actor can't grant.
    async fn run(tx: &mut AuthorizedTx<'_>, input: RoleUpdateInput) -> Result<Done<()>, AppError> {
        let RoleUpdateInput {
            id,
            version,
            name,
            description,
            permissions,
        } = input;
        tx.set_about(AuditTarget::of(id));
        let before = ensure_custom(roles::role_get(tx, id).await?)?;
        let mut text = ParsedRole::parse(&RoleInput {
            name,
            description,
            permissions,
        })?;
        let grantable = Permission::grantable(&tx.actor.permissions);
        text.permissions = edited_permissions(&before.permissions, &text.permissions, &grantable)
            .map_err(|permission| AppError::Forbidden {
            permission: permission.required_to_grant(),
        })?;
        let (actor, now) = (tx.actor, tx.now());
        roles::role_update(tx, id, version, &text, now).await?;
        ensure_can_manage_roles(tx, actor).await?;
        let target = AuditTarget::of(id).with_changes(json!({
            "before": to_audit_json(&ParsedRole {
                name: before.name,
                description: before.description,
                permissions: before.permissions,
            }),
            "after": to_audit_json(&text),
            "from_version": version,
        }));
        Ok(Done::audited((), target))
    }
}

pub struct RoleDelete;

impl Operation for RoleDelete {
    const ACTION: Action = Action::RoleDelete;
    const ROUTE: Route = Route::delete("/roles/{id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Delete a custom role";
    const DESCRIPTION: &'static str =
        "Its members lose it; if it has any, the permission `role.grant` is needed as well.";
    type Input = RoleDeleteInput;
    type Output = ();

    /// # Errors
    /// [`AppError::Conflict`] if the number of holders has changed, if a group
    /// rule grants the role, and for the cases of [`RoleUpdate`];
    /// [`AppError::Forbidden`] if it has holders and the actor can't revoke
    /// roles.
    async fn run(tx: &mut AuthorizedTx<'_>, input: RoleDeleteInput) -> Result<Done<()>, AppError> {
        let RoleDeleteInput {
            id,
            version,
            holder_count,
        } = input;
        let actor = tx.actor;
        tx.set_about(AuditTarget::of(id));
        let role = ensure_custom(roles::role_get(tx, id).await?)?;
        let mut former_holders = Vec::new();
        if role.holder_count > 0 {
            actor.authorize(Permission::RoleGrant)?;
            let members = roles::role_revoke_all(tx, id).await?;
            former_holders = members.iter().map(ToString::to_string).collect();
        }
        if i64::try_from(former_holders.len()).unwrap_or(i64::MAX) != holder_count {
            return Err(AppError::Conflict {
                message: format!(
                    "{} members now have this role. Review them, then delete it.",
                    former_holders.len()
                ),
            });
        }
        roles::role_delete(tx, id, version)
            .await
            .map_err(|error| match error {
                StoreError::Constraint(name) if name.ends_with("_role_id_fkey") => {
                    AppError::Conflict {
                        message: "A group mapping still uses this role. Change it first.".into(),
                    }
                }
                other => other.into(),
            })?;
        ensure_can_manage_roles(tx, actor).await?;
        let target = AuditTarget::of(id).with_changes(json!({
            "before": { "name": role.name, "key": role.key },
            "taken_from": former_holders,
        }));
        Ok(Done::audited((), target))
    }
}

/// Fails for a system role, which never changes, so that nobody can be locked
/// out by a change.
fn ensure_custom(role: Role) -> Result<Role, AppError> {
    if role.is_system {
        Err(AppError::Conflict {
            message: "Built-in roles can't be changed.".into(),
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
            message: "You would lock yourself out of managing roles. Ask another member, or get another role that allows it first.".into(),
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
