//! Transactions that have taken a role. There is no other way to a connection.
//!
//! `set_config('role', …, true)` is `SET LOCAL ROLE`: both go through the same
//! check against the login's memberships, and both end with the transaction.
//! So one statement sets the role and all settings, and works through a
//! transaction-mode pooler as well.

use domain::{Actor, TeamId, TenantId, UserId};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{Login, Store, StoreError, changes::PendingNotify};

/// Local roles that a transaction can take.
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

    /// The login whose own role this is. A connection of [`Login::App`] can
    /// take no other role, whatever SQL runs on it.
    const fn login(self) -> Login {
        match self {
            Self::App => Login::App,
            Self::Auth => Login::Auth,
            Self::Worker => Login::Worker,
            Self::Operator => Login::Operator,
        }
    }
}

/// What row security compares with. Empty text matches no row.
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

    /// Atrium itself, which has every permission in the tenant: it acts where
    /// no member is known yet, such as at sign-in.
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

/// Ids as an array of Postgres.
fn array(ids: &[TeamId]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    format!("{{{}}}", ids.join(","))
}

/// Takes the role and sets the settings, until the transaction ends.
async fn role_take(
    conn: &mut PgConnection,
    role: LocalRole,
    settings: &Settings,
) -> Result<(), StoreError> {
    // The time-outs bound what a stuck statement or a forgotten transaction
    // can hold; the pinned search path keeps temporary objects last.
    sqlx::query!(
        "SELECT set_config('role', $1, true) AS role,
                set_config('app.current_tenant_id', $2, true) AS tenant_id,
                set_config('app.current_user_id', $3, true) AS user_id,
                set_config('app.current_team_ids', $4, true) AS team_ids,
                set_config('app.led_team_ids', $5, true) AS led_team_ids,
                set_config('app.permissions', $6, true) AS permissions,
                set_config('app.vendor', $7, true) AS vendor,
                -- Set by `break_glass` alone, after it found an open grant.
                set_config('app.break_glass_user_id', '', true) AS break_glass_user_id,
                set_config('search_path', 'public, pg_temp', true) AS search_path,
                set_config('statement_timeout', '30s', true) AS statement_timeout,
                set_config('lock_timeout', '10s', true) AS lock_timeout,
                set_config('idle_in_transaction_session_timeout', '60s', true) AS idle_timeout",
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
    async fn begin_as(&self, role: LocalRole, settings: &Settings) -> Result<Tx, StoreError> {
        // sqlx (0.9) forgets a BEGIN whose answer nobody waited for, and the
        // connection would go back to the pool inside a transaction. As a task
        // of its own it is waited for, whatever becomes of the caller.
        let pool = self.pools.get(role.login()).clone();
        let begun = tokio::spawn(async move { pool.begin().await });
        let mut tx = begun
            .await
            .map_err(|ended| StoreError::other(ended.to_string()))??;
        role_take(&mut tx, role, settings).await?;
        Ok(tx)
    }

    fn pending_notify(&self) -> PendingNotify {
        PendingNotify::none(self.changes().clone())
    }

    /// Begins a transaction in the actor's tenant, under row security.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is free in time.
    pub async fn begin(&self, actor: &Actor) -> Result<TenantTx, StoreError> {
        let tx = self
            .begin_as(LocalRole::App, &Settings::of_actor(actor))
            .await?;
        Ok(TenantTx {
            tx,
            pending_notify: self.pending_notify(),
            tenant_id: actor.tenant_id,
            user_id: Some(actor.user_id),
        })
    }

    /// Begins a transaction in a tenant for Atrium itself, which may change
    /// members and roles but sees nobody's own rows.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is free in time.
    pub async fn begin_as_system(&self, tenant_id: TenantId) -> Result<TenantTx, StoreError> {
        let tx = self
            .begin_as(LocalRole::App, &Settings::of_system(tenant_id))
            .await?;
        Ok(TenantTx {
            tx,
            pending_notify: self.pending_notify(),
            tenant_id,
            user_id: None,
        })
    }

    /// Begins a transaction in a tenant as a member without any permission or
    /// team: the member's own rows are visible, whether or not the member may
    /// still sign in.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is free in time.
    pub async fn begin_as_member(
        &self,
        tenant_id: TenantId,
        user_id: UserId,
    ) -> Result<TenantTx, StoreError> {
        let settings = Settings::of_member(tenant_id, user_id);
        Ok(TenantTx {
            tx: self.begin_as(LocalRole::App, &settings).await?,
            pending_notify: self.pending_notify(),
            tenant_id,
            user_id: Some(user_id),
        })
    }

    /// Begins a transaction of the front door, which knows identities,
    /// sessions and sign-ins but no tenant's data.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is free in time.
    pub async fn begin_auth(&self) -> Result<AuthTx, StoreError> {
        let tx = self.begin_as(LocalRole::Auth, &Settings::default()).await?;
        Ok(AuthTx {
            tx,
            pending_notify: self.pending_notify(),
        })
    }

    /// Begins a transaction of a worker, which claims jobs of any tenant but
    /// reads none of their data.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is free in time.
    pub async fn begin_worker(&self) -> Result<WorkerTx, StoreError> {
        let tx = self
            .begin_as(LocalRole::Worker, &Settings::default())
            .await?;
        Ok(WorkerTx {
            tx,
            pending_notify: self.pending_notify(),
        })
    }

    /// Begins a transaction of the command line, which creates and lists
    /// tenants.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is free in time.
    pub async fn begin_operator(&self) -> Result<OperatorTx, StoreError> {
        let tx = self
            .begin_as(LocalRole::Operator, &Settings::default())
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
    /// The tenant, for `tenant_id = $1` in every statement: row security is
    /// the wall, the condition is what lets the planner choose well.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// The member on whose behalf it runs; `None` for Atrium itself.
    pub fn user_id(&self) -> Option<UserId> {
        self.user_id
    }

    /// Goes on in another tenant or as somebody else (`None`: Atrium itself).
    /// For the isolation probes, whose transaction is never committed.
    pub(crate) async fn retake(
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

    /// Marks a point to go back to: what one row of many does counts whole or
    /// not at all, and a statement that fails ends only what came after it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the connection was lost.
    pub async fn savepoint(&mut self) -> Result<(), StoreError> {
        sqlx::query!("SAVEPOINT row_begins")
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Keeps what was done since the point.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the connection was lost.
    pub async fn savepoint_release(&mut self) -> Result<(), StoreError> {
        sqlx::query!("RELEASE SAVEPOINT row_begins")
            .execute(self.conn())
            .await?;
        Ok(())
    }

    /// Undoes what was done since the point.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the connection was lost.
    pub async fn savepoint_rollback(&mut self) -> Result<(), StoreError> {
        sqlx::query!("ROLLBACK TO SAVEPOINT row_begins")
            .execute(self.conn())
            .await?;
        self.savepoint_release().await
    }

    /// The member on whose behalf it runs.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it runs for Atrium itself, which owns
    /// nothing.
    pub(crate) fn member_id(&self) -> Result<UserId, StoreError> {
        self.user_id.ok_or(StoreError::NotFound)
    }
}

/// A transaction of the front door.
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

macro_rules! ends {
    ($($name:ident)*) => {$(
        impl $name {
            /// The connection, inside the transaction and its role.
            pub(crate) fn conn(&mut self) -> &mut PgConnection {
                &mut self.tx
            }

            /// Makes everything lasting. Dropping rolls back instead.
            ///
            /// # Errors
            /// [`StoreError::Unavailable`] when the connection was lost: then
            /// it is not known whether the transaction counts.
            pub async fn commit(self) -> Result<(), StoreError> {
                self.tx.commit().await?;
                self.pending_notify.publish();
                Ok(())
            }
        }
    )*};
}
ends!(TenantTx AuthTx WorkerTx OperatorTx);

macro_rules! notes {
    ($($name:ident)*) => {$(
        impl $name {
            /// Notes that something changes in the tenant: whoever waits for
            /// that is told once it counts.
            pub(crate) fn note(&mut self, tenant_id: TenantId) {
                self.pending_notify.note(tenant_id);
            }
        }
    )*};
}
notes!(TenantTx WorkerTx);

macro_rules! enters {
    ($($name:ident)*) => {$(
        impl $name {
            /// Goes on in the actor's tenant, in the same transaction.
            ///
            /// # Errors
            /// [`StoreError::Unavailable`] when the connection was lost.
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
            ///
            /// # Errors
            /// [`StoreError::Unavailable`] when the connection was lost.
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
            ///
            /// # Errors
            /// [`StoreError::Unavailable`] when the connection was lost.
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
enters!(AuthTx OperatorTx);

impl TenantTx {
    /// Goes back to the front door, in the same transaction, for what belongs
    /// to no single tenant: a person's sessions in several of them.
    ///
    /// # Errors
    /// [`StoreError::Other`] unless the front door began the transaction:
    /// [`Login::App`] can't take its role.
    pub async fn into_auth(mut self) -> Result<AuthTx, StoreError> {
        role_take(&mut self.tx, LocalRole::Auth, &Settings::default()).await?;
        Ok(AuthTx {
            tx: self.tx,
            pending_notify: self.pending_notify,
        })
    }

    /// Goes back to the operator, in the same transaction.
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
    /// Sets the tenant whose row the worker writes next.
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
    /// Sets the tenant whose own rows the operator writes next.
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
