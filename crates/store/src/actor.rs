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

/// The columns of the SQL function `actor_load`.
pub(crate) struct ActorRow {
    pub(crate) slug: String,
    pub(crate) tenant_name: String,
    pub(crate) tenant_status: TenantStatus,
    pub(crate) tenant_time_zone: Option<String>,
    pub(crate) kind: ActorKind,
    pub(crate) status: UserStatus,
    pub(crate) display_name: String,
    pub(crate) email: Option<String>,
    pub(crate) theme: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) role_keys: Vec<String>,
    pub(crate) role_names: Vec<String>,
    pub(crate) system_role_keys: Vec<String>,
    pub(crate) permissions: StoredPermissions,
    pub(crate) team_ids: Vec<TeamId>,
    pub(crate) team_names: Vec<String>,
    pub(crate) led_team_ids: Vec<TeamId>,
    pub(crate) is_operator: bool,
}

impl ActorRow {
    pub(crate) fn into_record(self, tenant_id: TenantId, user_id: UserId) -> ActorRecord {
        let mut permissions: BTreeSet<_> = self.permissions.known().collect();
        for key in &self.system_role_keys {
            permissions.extend(permissions_of_system(key));
        }
        ActorRecord {
            tenant_id,
            tenant_status: self.tenant_status,
            kind: self.kind,
            status: self.status,
            role_keys: self.role_keys,
            is_operator: self.is_operator,
            team_ids: self.team_ids,
            led_team_ids: self.led_team_ids,
            profile: Profile {
                user_id,
                display_name: self.display_name,
                kind: self.kind,
                email: self.email,
                tenant_name: self.tenant_name,
                tenant_slug: self.slug,
                roles: self.role_names,
                teams: self.team_names,
                permissions: permissions.into_iter().collect(),
                api_key_id: None,
            },
            preferences: from_stored(
                self.theme.as_deref(),
                self.time_zone,
                self.locale.as_deref(),
            ),
            tenant_time_zone: self.tenant_time_zone,
        }
    }
}

/// Loads a member of the transaction's tenant.
pub async fn actor_load(tx: &mut TenantTx, user_id: UserId) -> Result<ActorRecord, StoreError> {
    let tenant_id = tx.tenant_id();
    let row = sqlx::query_as!(
        ActorRow,
        r#"SELECT slug AS "slug!", tenant_name AS "tenant_name!", tenant_status AS "tenant_status!: TenantStatus",
                  tenant_time_zone, kind AS "kind!: ActorKind", status AS "status!: UserStatus",
                  display_name AS "display_name!", email, theme, time_zone, locale, role_keys AS "role_keys!",
                  role_names AS "role_names!", system_role_keys AS "system_role_keys!",
                  permissions AS "permissions!: StoredPermissions", team_ids AS "team_ids!: Vec<TeamId>",
                  team_names AS "team_names!", led_team_ids AS "led_team_ids!: Vec<TeamId>",
                  is_operator AS "is_operator!"
             FROM actor_load($1, $2)"#,
        tenant_id as _,
        user_id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.into_record(tenant_id, user_id))
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
