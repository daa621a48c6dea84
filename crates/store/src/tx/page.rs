//! The transaction of a page: one snapshot, in which its caller is resolved and
//! everything that it shows is read.

use domain::{Actor, ActorKind, SessionId, TeamId, TenantId, Timestamp, UserId};
use sqlx::PgConnection;

use super::{LocalRole, Settings, TenantTx, begin::begin_sql, role_take};
use crate::{
    Login, Store, StoreError,
    actor::{ActorRecord, ActorRow},
    role::StoredPermissions,
    tenant::TenantStatus,
    user::UserStatus,
};

/// One snapshot for all reads, and no changes.
const BEGIN_READ: &str = begin_sql!(
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "atrium_app"
);

/// A live session and its member, as a page reads them.
#[derive(Clone, Debug)]
pub struct PageSession {
    pub id: SessionId,
    /// Accurate to the minute.
    pub last_seen_at: Timestamp,
    /// As [`StoredSession::privileges_hash`](crate::session::StoredSession).
    pub privileges_hash: Option<Vec<u8>>,
    /// True if the session was found by its previous id.
    pub by_previous_id: bool,
    /// True if its tokens are due for renewal and no process has claimed them.
    pub refresh_is_due: bool,
    pub record: ActorRecord,
}

impl Store {
    /// Begins the transaction of a page for the member of a session: one
    /// snapshot, in which nothing can be changed. The session is found by its
    /// hash, or by the hash from before it was rotated; `None` if it is unknown,
    /// revoked or expired, or its member is gone.
    ///
    /// On the login of members' requests, which can't read sessions: a function
    /// returns the one with this hash and enters its organisation. The member
    /// has no permissions and teams until [`TenantTx::enter_actor`].
    pub async fn begin_page(
        &self,
        id_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<(TenantTx, PageSession)>, StoreError> {
        let mut tx = self.begin_with(Login::App, BEGIN_READ).await?;
        let Some(session) = page_session(&mut tx, id_hash, now).await? else {
            return Ok(None);
        };
        let tx = TenantTx {
            tx,
            pending_notify: self.pending_notify(),
            tenant_id: session.record.tenant_id,
            user_id: Some(session.record.profile.user_id),
        };
        Ok(Some((tx, session)))
    }

    /// Begins a transaction for an actor who is known: one snapshot, in which
    /// nothing can be changed.
    pub async fn begin_read(&self, actor: &Actor) -> Result<TenantTx, StoreError> {
        let mut tx = self.begin_with(Login::App, BEGIN_READ).await?;
        role_take(&mut tx, LocalRole::App, &Settings::of_actor(actor)).await?;
        Ok(TenantTx {
            tx,
            pending_notify: self.pending_notify(),
            tenant_id: actor.tenant_id,
            user_id: Some(actor.user_id),
        })
    }
}

impl TenantTx {
    /// Continues with the teams and permissions of the actor, whose member
    /// [`Store::begin_page`] found.
    pub async fn enter_actor(&mut self, actor: &Actor) -> Result<(), StoreError> {
        if (actor.tenant_id, Some(actor.user_id)) != (self.tenant_id, self.user_id) {
            return Err(StoreError::other(
                "a page's transaction is of another member",
            ));
        }
        role_take(&mut self.tx, LocalRole::App, &Settings::of_actor(actor)).await
    }
}

/// Finds the session in a transaction of [`Login::App`] and enters its organisation. Both functions run in this order: the second takes
/// the first one's result.
async fn page_session(
    conn: &mut PgConnection,
    id_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<PageSession>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT session.tenant_id AS "tenant_id!: TenantId", session.user_id AS "user_id!: UserId",
                  session.session_id AS "session_id!: SessionId", session.last_seen_at AS "last_seen_at!",
                  session.privileges_hash, session.by_previous_id AS "by_previous_id!",
                  session.refresh_is_due AS "refresh_is_due!",
                  slug AS "slug!", tenant_name AS "tenant_name!", tenant_status AS "tenant_status!: TenantStatus",
                  tenant_time_zone, kind AS "kind!: ActorKind", status AS "status!: UserStatus",
                  display_name AS "display_name!", email, theme, time_zone, locale, role_keys AS "role_keys!",
                  role_names AS "role_names!", system_role_keys AS "system_role_keys!",
                  permissions AS "permissions!: StoredPermissions", team_ids AS "team_ids!: Vec<TeamId>",
                  team_names AS "team_names!", led_team_ids AS "led_team_ids!: Vec<TeamId>",
                  is_operator AS "is_operator!"
             FROM session_enter($1, $2) AS session,
                  LATERAL actor_load(session.tenant_id, session.user_id) AS member"#,
        id_hash.as_slice(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let member = ActorRow {
            slug: row.slug,
            tenant_name: row.tenant_name,
            tenant_status: row.tenant_status,
            tenant_time_zone: row.tenant_time_zone,
            kind: row.kind,
            status: row.status,
            display_name: row.display_name,
            email: row.email,
            theme: row.theme,
            time_zone: row.time_zone,
            locale: row.locale,
            role_keys: row.role_keys,
            role_names: row.role_names,
            system_role_keys: row.system_role_keys,
            permissions: row.permissions,
            team_ids: row.team_ids,
            team_names: row.team_names,
            led_team_ids: row.led_team_ids,
            is_operator: row.is_operator,
        };
        PageSession {
            id: row.session_id,
            last_seen_at: row.last_seen_at,
            privileges_hash: row.privileges_hash,
            by_previous_id: row.by_previous_id,
            refresh_is_due: row.refresh_is_due,
            record: member.into_record(row.tenant_id, row.user_id),
        }
    }))
}
