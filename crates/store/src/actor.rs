//! Loads a member with the roles, teams and permissions that a request needs.

use std::collections::BTreeSet;

use domain::{
    Actor, ActorKind, Permission, RequestFacts, TeamId, TenantId, UserId, memory::Origin,
    preferences::Preferences, profile::Profile,
};

use crate::{
    Store, StoreError, TenantTx,
    preferences::from_stored,
    role::{StoredPermissions, permissions_of_system},
    tenant::TenantStatus,
    user::UserStatus,
};

/// A member with everything that a request needs, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorRecord {
    pub tenant_id: TenantId,
    /// Members of an inactive tenant may not act.
    pub tenant_status: TenantStatus,
    pub kind: ActorKind,
    pub status: UserStatus,
    /// Sorted by key; empty for a member whom no role was granted yet.
    pub role_keys: Vec<String>,
    pub team_ids: Vec<TeamId>,
    /// The subset of `team_ids` that the member leads.
    pub led_team_ids: Vec<TeamId>,
    /// True if the member also operates the installation.
    pub is_operator: bool,
    /// Display data, and the permissions that the roles grant.
    pub profile: Profile,
    pub preferences: Preferences,
    /// IANA name of the organisation's time zone, if it set one.
    pub tenant_time_zone: Option<String>,
}

impl ActorRecord {
    /// True if both the member and the tenant are active.
    pub fn may_act(&self) -> bool {
        self.status == UserStatus::Active && self.tenant_status == TenantStatus::Active
    }

    /// The member's permissions in `request`. Entrusted permissions, and
    /// operating the installation, are only held by a person in a browser
    /// session: agents, services, API keys and jobs act without them.
    pub fn permissions_in(&self, request: &RequestFacts) -> BTreeSet<Permission> {
        let in_person = self.kind == ActorKind::Human
            && request.session_id.is_some()
            && request.api_key_id.is_none();
        let role_permissions = self.profile.permissions.iter().copied();
        let operate = (in_person && self.is_operator).then_some(Permission::PlatformOperate);
        role_permissions
            .filter(|permission| in_person || !permission.is_entrusted())
            .chain(operate)
            .collect()
    }

    /// The member as the actor of `request`.
    pub fn to_actor(&self, request: RequestFacts) -> Actor {
        Actor {
            tenant_id: self.tenant_id,
            user_id: self.profile.user_id,
            kind: self.kind,
            label: self.profile.display_name.clone(),
            permissions: self.permissions_in(&request),
            team_ids: self.team_ids.clone(),
            led_team_ids: self.led_team_ids.clone(),
            vendor: None,
            origin: match request.api_key_id {
                Some(_) => Origin::Api,
                None => Origin::Dashboard,
            },
            request,
        }
    }
}

/// Loads a member of the transaction's tenant. A request calls it in the
/// transaction that read its session or key.
pub async fn actor_load(tx: &mut TenantTx, user_id: UserId) -> Result<ActorRecord, StoreError> {
    let tenant_id = tx.tenant_id();
    let row = sqlx::query!(
        r#"SELECT t.slug, t.name AS tenant_name, t.status AS tenant_status,
                  t.settings ->> 'time_zone' AS tenant_time_zone,
                  u.kind, u.status, u.display_name, u.email,
                  p.theme AS "theme?", p.time_zone AS "time_zone?", p.locale AS "locale?",
                  ARRAY(
                      SELECT r.key FROM roles r
                       WHERE r.tenant_id = $1 AND r.id IN (
                           SELECT ur.role_id FROM user_roles ur WHERE ur.tenant_id = $1 AND ur.user_id = $2)
                       ORDER BY r.key
                  ) AS "role_keys!",
                  ARRAY(
                      SELECT r.name FROM roles r
                       WHERE r.tenant_id = $1 AND r.id IN (
                           SELECT ur.role_id FROM user_roles ur WHERE ur.tenant_id = $1 AND ur.user_id = $2)
                       ORDER BY r.key
                  ) AS "role_names!",
                  ARRAY(
                      SELECT r.key FROM roles r
                       WHERE r.tenant_id = $1 AND r.is_system AND r.id IN (
                           SELECT ur.role_id FROM user_roles ur WHERE ur.tenant_id = $1 AND ur.user_id = $2)
                  ) AS "system_role_keys!",
                  ARRAY(
                      SELECT DISTINCT permission FROM roles r, unnest(r.permissions) AS permission
                       WHERE r.tenant_id = $1 AND r.id IN (
                           SELECT ur.role_id FROM user_roles ur WHERE ur.tenant_id = $1 AND ur.user_id = $2)
                  ) AS "permissions!: StoredPermissions",
                  ARRAY(
                      SELECT g.id FROM teams g
                       WHERE g.tenant_id = $1 AND g.id IN (
                           SELECT m.team_id FROM team_members m WHERE m.tenant_id = $1 AND m.user_id = $2)
                       ORDER BY g.name
                  ) AS "team_ids!: Vec<TeamId>",
                  ARRAY(
                      SELECT DISTINCT m.team_id FROM team_members m
                       WHERE m.tenant_id = $1 AND m.user_id = $2 AND m.role = 'lead'
                  ) AS "led_team_ids!: Vec<TeamId>",
                  ARRAY(
                      SELECT g.name FROM teams g
                       WHERE g.tenant_id = $1 AND g.id IN (
                           SELECT m.team_id FROM team_members m WHERE m.tenant_id = $1 AND m.user_id = $2)
                       ORDER BY g.name
                  ) AS "team_names!",
                  EXISTS (
                      SELECT FROM platform_operators o WHERE o.tenant_id = $1 AND o.user_id = $2
                  ) AS "is_operator!"
             FROM users u
             JOIN tenants t ON t.id = u.tenant_id
             LEFT JOIN user_preferences p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
            WHERE u.tenant_id = $1 AND u.id = $2"#,
        tenant_id as _,
        user_id as _,
    )
    .fetch_one(tx.conn())
    .await?;

    let mut permissions: BTreeSet<_> = row.permissions.known().collect();
    for key in &row.system_role_keys {
        permissions.extend(permissions_of_system(key));
    }
    Ok(ActorRecord {
        tenant_id,
        tenant_status: row.tenant_status,
        kind: row.kind,
        status: row.status,
        role_keys: row.role_keys,
        is_operator: row.is_operator,
        team_ids: row.team_ids,
        led_team_ids: row.led_team_ids,
        profile: Profile {
            user_id,
            display_name: row.display_name,
            kind: row.kind,
            email: row.email,
            tenant_name: row.tenant_name,
            tenant_slug: row.slug,
            roles: row.role_names,
            teams: row.team_names,
            permissions: permissions.into_iter().collect(),
            api_key_id: None,
        },
        preferences: from_stored(row.theme.as_deref(), row.time_zone, row.locale.as_deref()),
        tenant_time_zone: row.tenant_time_zone,
    })
}

/// Returns a member as the actor of `request`, with current permissions; `None`
/// if there is no such member, or the member or tenant is not active. For work
/// outside a browser request, such as a job.
pub async fn actor_find(
    store: &Store,
    tenant_id: TenantId,
    user_id: UserId,
    request: RequestFacts,
) -> Result<Option<Actor>, StoreError> {
    let mut tx = store.begin_as_member(tenant_id, user_id).await?;
    match actor_load(&mut tx, user_id).await {
        Ok(record) => Ok(record.may_act().then(|| record.to_actor(request))),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
