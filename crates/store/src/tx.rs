//! Transactions that have taken a role: the only access to a connection.
//!
//! `set_config('role', …, true)` is `SET LOCAL ROLE`: both check the login's
//! memberships in the same way, and both end with the transaction. So one
//! statement sets the role and all settings, and works through a
//! transaction-mode pooler as well.

mod begin;
mod page;

use domain::{Actor, TeamId, TenantId, UserId};
use sqlx::{PgConnection, Postgres, Transaction};

use self::begin::begin_sql;
use crate::{Login, Store, StoreError, changes::PendingNotify};

pub use page::PageSession;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LocalRole {
    App,
    Auth,
    Worker,
    Operator,
}

impl LocalRole {
    const fn name(self) -> &'static str {
        match self {
            Self::App => "atrium_app",
            Self::Auth => "atrium_auth",
            Self::Worker => "atrium_worker",
            Self::Operator => "atrium_operator",
        }
    }
}

/// The values that row security compares with. Empty text matches no row.
#[derive(Debug, Default)]
struct Settings {
    tenant_id: String,
    user_id: String,
    team_ids: String,
    led_team_ids: String,
    permissions: String,
    vendor: String,
}

impl Settings {
    fn of_actor(actor: &Actor) -> Self {
        let permissions: Vec<_> = actor.permissions.iter().map(|p| p.key()).collect();
        Self {
            tenant_id: actor.tenant_id.to_string(),
            user_id: actor.user_id.to_string(),
            team_ids: array(&actor.team_ids),
            led_team_ids: array(&actor.led_team_ids),
            permissions: permissions.join(","),
            vendor: actor
                .vendor
                .map(|vendor| vendor.key().to_owned())
                .unwrap_or_default(),
        }
    }

    /// A member whose permissions and teams are not known yet.
    fn of_member(tenant_id: TenantId, user_id: UserId) -> Self {
        Self {
            tenant_id: tenant_id.to_string(),
            user_id: user_id.to_string(),
            team_ids: array(&[]),
            led_team_ids: array(&[]),
            ..Self::default()
        }
    }

    /// Atrium itself, with every permission in the tenant: it acts where no
    /// member is known yet, such as at sign-in.
    fn of_system(tenant_id: TenantId) -> Self {
        Self {
            tenant_id: tenant_id.to_string(),
            team_ids: array(&[]),
            led_team_ids: array(&[]),
            permissions: "system".to_owned(),
            ..Self::default()
        }
    }
}

/// Ids in the text format of a Postgres array.
fn array(ids: &[TeamId]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    format!("{{{}}}", ids.join(","))
}

/// Takes the role and sets the actor's settings, until the transaction ends.
async fn role_take(
    conn: &mut PgConnection,
    role: LocalRole,
    settings: &Settings,
) -> Result<(), StoreError> {
    sqlx::query!(
        "SELECT set_config('role', $1, true) AS role,
                set_config('app.current_tenant_id', $2, true) AS tenant_id,
                set_config('app.current_user_id', $3, true) AS user_id,
                set_config('app.current_team_ids', $4, true) AS team_ids,
                set_config('app.led_team_ids', $5, true) AS led_team_ids,
                set_config('app.permissions', $6, true) AS permissions,
                set_config('app.vendor', $7, true) AS vendor,
                -- Set by `break_glass` alone, after it found an open grant.
                set_config('app.break_glass_user_id', '', true) AS break_glass_user_id",
        role.name(),
        settings.tenant_id,
        settings.user_id,
        settings.team_ids,
        settings.led_team_ids,
        settings.permissions,
        settings.vendor,
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

type Tx = Transaction<'static, Postgres>;

impl Store {
    async fn begin_app(&self, settings: &Settings) -> Result<Tx, StoreError> {
        let mut tx = self
            .begin_with(Login::App, begin_sql!("BEGIN", "atrium_app"))
            .await?;
        role_take(&mut tx, LocalRole::App, settings).await?;
        Ok(tx)
    }

    fn pending_notify(&self) -> PendingNotify {
        PendingNotify::none(self.changes().clone())
    }

    /// Begins a transaction in the actor's tenant, under row security.
    pub async fn begin(&self, actor: &Actor) -> Result<TenantTx, StoreError> {
        let tx = self.begin_app(&Settings::of_actor(actor)).await?;
        Ok(TenantTx {
            tx,
            pending_notify: self.pending_notify(),
            tenant_id: actor.tenant_id,
            user_id: Some(actor.user_id),
        })
    }

    /// Begins a transaction in a tenant for Atrium itself, which may change
    /// members and roles but sees no member's own rows.
    pub async fn begin_as_system(&self, tenant_id: TenantId) -> Result<TenantTx, StoreError> {
        let tx = self.begin_app(&Settings::of_system(tenant_id)).await?;
        Ok(TenantTx {
            tx,
            pending_notify: self.pending_notify(),
            tenant_id,
            user_id: None,
        })
    }

    /// Begins a transaction in a tenant as a member without any permission or
    /// team: the member's own rows are visible, even if the member may not sign
    /// in any more.
    pub async fn begin_as_member(
        &self,
        tenant_id: TenantId,
        user_id: UserId,
    ) -> Result<TenantTx, StoreError> {
        let settings = Settings::of_member(tenant_id, user_id);
        Ok(TenantTx {
            tx: self.begin_app(&settings).await?,
            pending_notify: self.pending_notify(),
            tenant_id,
            user_id: Some(user_id),
        })
    }

    /// Begins a transaction for authentication, which accesses identities,
    /// sessions and sign-ins but no tenant's data.
    pub async fn begin_auth(&self) -> Result<AuthTx, StoreError> {
        let tx = self
            .begin_with(Login::Auth, begin_sql!("BEGIN", "atrium_auth"))
            .await?;
        Ok(AuthTx {
            tx,
            pending_notify: self.pending_notify(),
        })
    }

    /// Begins a transaction of a worker, which claims jobs of any tenant but
    /// can't read the tenants' data.
    pub async fn begin_worker(&self) -> Result<WorkerTx, StoreError> {
        let tx = self
            .begin_with(Login::Worker, begin_sql!("BEGIN", "atrium_worker"))
            .await?;
        Ok(WorkerTx {
            tx,
            pending_notify: self.pending_notify(),
        })
    }

    /// Begins a transaction of the command line, which creates and lists
    /// tenants.
    pub async fn begin_operator(&self) -> Result<OperatorTx, StoreError> {
        let tx = self
            .begin_with(Login::Operator, begin_sql!("BEGIN", "atrium_operator"))
            .await?;
        Ok(OperatorTx {
            tx,
            pending_notify: self.pending_notify(),
        })
    }
}

/// A transaction in one tenant, on behalf of one member or of Atrium itself.
#[derive(Debug)]
pub struct TenantTx {
    tx: Tx,
    pending_notify: PendingNotify,
    tenant_id: TenantId,
    user_id: Option<UserId>,
}

impl TenantTx {
    /// The tenant, for `tenant_id = $1` in every statement: row security
    /// isolates tenants, and the condition lets the planner choose well.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// The member on whose behalf it runs; `None` for Atrium itself.
    pub fn user_id(&self) -> Option<UserId> {
        self.user_id
    }

    /// Continues in another tenant or as another actor (`None`: Atrium itself).
    /// For the isolation probes, whose transaction is never committed.
    pub(crate) async fn switch_actor(
        mut self,
        tenant_id: TenantId,
        actor: Option<&Actor>,
    ) -> Result<Self, StoreError> {
        let settings = actor.map_or_else(|| Settings::of_system(tenant_id), Settings::of_actor);
        role_take(&mut self.tx, LocalRole::App, &settings).await?;
        Ok(Self {
            tx: self.tx,
            pending_notify: self.pending_notify,
            tenant_id,
            user_id: actor.map(|actor| actor.user_id),
        })
    }

    /// Sets a savepoint, so that the work on one row of many is kept as a whole
    /// or undone, and a failed statement undoes only what came after the
    /// savepoint.
    pub async fn savepoint(&mut self) -> Result<(), StoreError> {
        sqlx::query!("SAVEPOINT row_begins")
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Keeps the changes since the savepoint.
    pub async fn savepoint_release(&mut self) -> Result<(), StoreError> {
        sqlx::query!("RELEASE SAVEPOINT row_begins")
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Undoes the changes since the savepoint.
    pub async fn savepoint_rollback(&mut self) -> Result<(), StoreError> {
        sqlx::query!("ROLLBACK TO SAVEPOINT row_begins")
            .execute(self.conn())
            .await?;
        self.savepoint_release().await
    }

    /// The member on whose behalf it runs.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] in a transaction of Atrium itself, which owns
    /// nothing.
    pub(crate) fn member_id(&self) -> Result<UserId, StoreError> {
        self.user_id.ok_or(StoreError::NotFound)
    }
}

/// A transaction for authentication, before a tenant and member are known.
#[derive(Debug)]
pub struct AuthTx {
    tx: Tx,
    pending_notify: PendingNotify,
}

/// A transaction of a worker.
#[derive(Debug)]
pub struct WorkerTx {
    tx: Tx,
    pending_notify: PendingNotify,
}

/// A transaction of the command line.
#[derive(Debug)]
pub struct OperatorTx {
    tx: Tx,
    pending_notify: PendingNotify,
}

macro_rules! impl_commit {
    ($($name:ident)*) => {$(
        impl $name {
            /// The connection, inside the transaction and its role.
            pub(crate) fn conn(&mut self) -> &mut PgConnection {
                &mut self.tx
            }

            /// Commits the transaction and notifies subscribers of its changes.
            /// Dropping the transaction rolls back.
            ///
            /// # Errors
            /// [`StoreError::Unavailable`] if the connection was lost: the
            /// commit may or may not have happened.
            pub async fn commit(self) -> Result<(), StoreError> {
                self.tx.commit().await?;
                self.pending_notify.publish();
                Ok(())
            }
        }
    )*};
}
impl_commit!(TenantTx AuthTx WorkerTx OperatorTx);

macro_rules! impl_note {
    ($($name:ident)*) => {$(
        impl $name {
            /// Records that something changes in the tenant, whose subscribers
            /// are notified after the commit.
            pub(crate) fn note(&mut self, tenant_id: TenantId) {
                self.pending_notify.note(tenant_id);
            }
        }
    )*};
}
impl_note!(TenantTx WorkerTx);

macro_rules! impl_enter {
    ($($name:ident)*) => {$(
        impl $name {
            /// Continues in the actor's tenant, in the same transaction.
            pub async fn enter(mut self, actor: &Actor) -> Result<TenantTx, StoreError> {
                role_take(&mut self.tx, LocalRole::App, &Settings::of_actor(actor)).await?;
                Ok(TenantTx {
                    tx: self.tx,
                    pending_notify: self.pending_notify,
                    tenant_id: actor.tenant_id,
                    user_id: Some(actor.user_id),
                })
            }

            /// Continues as a member whose permissions and teams are not known
            /// yet: only the member's own rows are visible.
            pub async fn enter_as_member(
                mut self,
                tenant_id: TenantId,
                user_id: UserId,
            ) -> Result<TenantTx, StoreError> {
                role_take(&mut self.tx, LocalRole::App, &Settings::of_member(tenant_id, user_id)).await?;
                Ok(TenantTx {
                    tx: self.tx,
                    pending_notify: self.pending_notify,
                    tenant_id,
                    user_id: Some(user_id),
                })
            }

            /// Continues as Atrium itself, with every permission in the tenant:
            /// it may change members and roles but sees no member's own rows.
            pub async fn enter_as_system(mut self, tenant_id: TenantId) -> Result<TenantTx, StoreError> {
                role_take(&mut self.tx, LocalRole::App, &Settings::of_system(tenant_id)).await?;
                Ok(TenantTx {
                    tx: self.tx,
                    pending_notify: self.pending_notify,
                    tenant_id,
                    user_id: None,
                })
            }
        }
    )*};
}
impl_enter!(AuthTx OperatorTx);

impl TenantTx {
    /// Returns to the auth role, in the same transaction, for what belongs to
    /// no single tenant: a person's sessions in several of them.
    ///
    /// # Errors
    /// [`StoreError::Other`] unless [`Store::begin_auth`] began the
    /// transaction: [`Login::App`] can't take the auth role.
    pub async fn into_auth(mut self) -> Result<AuthTx, StoreError> {
        role_take(&mut self.tx, LocalRole::Auth, &Settings::default()).await?;
        Ok(AuthTx {
            tx: self.tx,
            pending_notify: self.pending_notify,
        })
    }

    /// Returns to the operator role, in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Other`] unless an operator began the transaction.
    pub async fn into_operator(mut self) -> Result<OperatorTx, StoreError> {
        role_take(&mut self.tx, LocalRole::Operator, &Settings::default()).await?;
        Ok(OperatorTx {
            tx: self.tx,
            pending_notify: self.pending_notify,
        })
    }
}

impl WorkerTx {
    /// Sets the tenant whose rows the worker writes next.
    pub(crate) async fn tenant_set(&mut self, tenant_id: TenantId) -> Result<(), StoreError> {
        role_take(
            &mut self.tx,
            LocalRole::Worker,
            &Settings::of_system(tenant_id),
        )
        .await
    }
}

impl OperatorTx {
    /// Sets the tenant whose rows the operator writes next.
    pub(crate) async fn tenant_set(&mut self, tenant_id: TenantId) -> Result<(), StoreError> {
        role_take(
            &mut self.tx,
            LocalRole::Operator,
            &Settings::of_system(tenant_id),
        )
        .await
    }
}

#[cfg(test)]
mod tests;
