//! From a member's id to what the member is and may do.

use std::collections::BTreeSet;

use domain::{
    Actor, ActorKind, Permission, RequestFacts, TeamId, TenantId, UserId, preferences::Preferences,
    profile::Profile,
};

use crate::{
    Store, StoreError, TenantTx,
    preferences::from_stored,
    role::{permissions_of_custom, permissions_of_system},
    tenant::{TenantStatus, status_of},
    user::{UserStatus, kind_from_stored, status_from_stored},
};

/// A member with everything that a request needs to know, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorRecord {
    /// The member's tenant.
    pub tenant_id: TenantId,
    /// Whether the tenant can be used.
    pub tenant_status: TenantStatus,
    /// A person, an agent or a service.
    pub kind: ActorKind,
    /// Whether the member may act.
    pub status: UserStatus,
    /// Keys of the member's roles; empty for one who may only be told to ask
    /// an administrator.
    pub role_keys: Vec<String>,
    /// The teams that the member belongs to.
    pub team_ids: Vec<TeamId>,
    /// Those of them that the member leads.
    pub led_team_ids: Vec<TeamId>,
    /// The member also runs the installation.
    pub is_operator: bool,
    /// The member as pages show it, with what the roles allow.
    pub profile: Profile,
    /// How the member wants things shown.
    pub preferences: Preferences,
    /// The IANA name of the organisation's time zone, if it chose one.
    pub tenant_time_zone: Option<String>,
}

impl ActorRecord {
    /// Both the member and the tenant are active.
    pub fn may_act(&self) -> bool {
        self.status == UserStatus::Active && self.tenant_status == TenantStatus::Active
    }

    /// What the member may do in `request`. What people are entrusted with, and
    /// running the installation, is theirs in their own browser only: programs,
    /// keys and jobs act without it.
    pub fn permissions_in(&self, request: &RequestFacts) -> BTreeSet<Permission> {
        let in_person = self.kind == ActorKind::Human
            && request.session_id.is_some()
            && request.api_key_id.is_none();
        let held = self.profile.permissions.iter().copied();
        let operates = (in_person && self.is_operator).then_some(Permission::PlatformOperate);
        held.filter(|permission| in_person || !permission.is_entrusted())
            .chain(operates)
            .collect()
    }

    /// The member as the one who acts in `request`.
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
            request,
        }
    }
}

/// Loads a member of the transaction's tenant. For a request, after
/// [`crate::AuthTx::enter_as_system`]: session and member in one transaction.
///
/// # Errors
/// [`StoreError::NotFound`] when the tenant has no such member.
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
                  ) AS "permissions!",
                  ARRAY(
                      SELECT g.id FROM teams g
                       WHERE g.tenant_id = $1 AND g.id IN (
                           SELECT m.team_id FROM team_members m WHERE m.tenant_id = $1 AND m.user_id = $2)
                       ORDER BY g.name
                  ) AS "team_ids!",
                  ARRAY(
                      SELECT DISTINCT m.team_id FROM team_members m
                       WHERE m.tenant_id = $1 AND m.user_id = $2 AND m.role = 'lead'
                  ) AS "led_team_ids!",
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
        tenant_id.0,
        user_id.0,
    )
    .fetch_one(tx.conn())
    .await?;

    let mut permissions = permissions_of_custom(&row.permissions);
    for key in &row.system_role_keys {
        permissions.extend(permissions_of_system(key));
    }
    Ok(ActorRecord {
        tenant_id,
        tenant_status: status_of(&row.tenant_status)?,
        kind: kind_from_stored(&row.kind)?,
        status: status_from_stored(&row.status)?,
        role_keys: row.role_keys,
        is_operator: row.is_operator,
        team_ids: row.team_ids.into_iter().map(TeamId).collect(),
        led_team_ids: row.led_team_ids.into_iter().map(TeamId).collect(),
        profile: Profile {
            user_id,
            display_name: row.display_name,
            email: row.email,
            tenant_name: row.tenant_name,
            tenant_slug: row.slug,
            roles: row.role_names,
            teams: row.team_names,
            permissions: permissions.into_iter().collect(),
        },
        preferences: from_stored(row.theme.as_deref(), row.time_zone, row.locale.as_deref()),
        tenant_time_zone: row.tenant_time_zone,
    })
}

/// A member as the one who acts in `request`, with today's permissions;
/// `None` when there is no such member, or member or tenant is not active.
/// For work outside a browser's request, such as a job.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
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
