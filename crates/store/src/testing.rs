//! One migrated database per test, accessed as in production: with logins
//! without privileges. Only for tests, of this crate and of those that use it.
//!
//! `ATRIUM_TEST_DATABASE_URL` names a superuser on a server to use. Without it,
//! each process starts its own temporary server.

mod server;

pub use server::throwaway_server;

use std::{str::FromStr, thread};

use domain::{
    Actor, ActorKind, RequestFacts, RequestId, RoleId, TeamId, TenantId, Timestamp, UserId,
    access::SystemRole,
};
use sha2::{Digest, Sha256};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use time::macros::datetime;
use uuid::Uuid;

use crate::{
    Changes, ConnectOptions, Login, PerLogin, Store,
    actor::actor_load,
    migrate,
    provision::{Credentials, login_ensure, quoted},
    role::{RoleSource, user_role_grant},
    team::{team_create, team_member_add},
    tenant::{NewTenant, tenant_create},
    user::{NewUser, user_create},
};

/// The logins of test databases.
pub const LOGINS: PerLogin<&str> = PerLogin {
    app: "atrium_test_app",
    auth: "atrium_test_auth",
    operator: "atrium_test_operator",
    worker: "atrium_test_worker",
};
const PASSWORD: &str = "atrium-test";

/// The time in tests, unless they set another one.
pub const NOW: Timestamp = datetime!(2026-03-02 09:00 UTC);

pub fn id<T: From<Uuid>>() -> T {
    #[expect(clippy::disallowed_methods, reason = "tests don't choose their ids")]
    T::from(Uuid::now_v7())
}

/// A migrated database of one test, dropped with this handle.
#[derive(Debug)]
pub struct TestDb {
    /// Connected with the logins of the running process.
    pub store: Store,
    /// Connected as a superuser, to bypass row security and to tamper with
    /// data.
    pub admin: PgPool,
    server: PgConnectOptions,
    name: String,
}

impl TestDb {
    /// Creates a migrated database.
    ///
    /// # Panics
    /// If there is no server to create it on: the message says what to do.
    pub async fn new() -> Self {
        Self::with_connections(5).await
    }

    /// Creates a migrated database whose store has a pool of this size for each
    /// login.
    ///
    /// # Panics
    /// If there is no server to create it on: the message says what to do.
    pub async fn with_connections(max_connections: u32) -> Self {
        let server = server::options().await;
        let mut conn = server
            .connect()
            .await
            .expect("the test server takes connections");
        let template = template_ensure(&mut conn, &server).await;
        let name = format!("atrium_test_{}", id::<Uuid>().simple());
        execute(
            &mut conn,
            format!(
                "CREATE DATABASE {} TEMPLATE {}",
                quoted(&name),
                quoted(&template)
            ),
        )
        .await;

        let mut db = Self::at(server, name);
        db.store = db.connect(max_connections).await;
        db
    }

    /// Creates an empty database without a schema. Its store is useless until
    /// the test has migrated it.
    ///
    /// # Panics
    /// If there is no server to create it on: the message says what to do.
    pub async fn empty() -> Self {
        let server = server::options().await;
        let mut conn = server
            .connect()
            .await
            .expect("the test server takes connections");
        // Creates the logins and local roles, which belong to the whole server,
        // so that tests that migrate don't race for them.
        template_ensure(&mut conn, &server).await;
        let name = format!("atrium_test_{}", id::<Uuid>().simple());
        execute(&mut conn, format!("CREATE DATABASE {}", quoted(&name))).await;
        Self::at(server, name)
    }

    fn at(server: PgConnectOptions, name: String) -> Self {
        let admin = PgPoolOptions::new()
            .max_connections(5)
            .connect_lazy_with(server.clone().database(&name));
        let store = Store {
            pools: PerLogin::from_fn(|login| {
                let options = login_options(&server, &name, login);
                PgPoolOptions::new()
                    .max_connections(5)
                    .connect_lazy_with(options)
            }),
            changes: Changes::default(),
        };
        Self {
            store,
            admin,
            server,
            name,
        }
    }

    /// Another store on the same database, with its own pools.
    ///
    /// # Panics
    /// If the database rejects the connection.
    pub async fn connect(&self, max_connections: u32) -> Store {
        let options = ConnectOptions {
            max_connections: PerLogin::from_fn(|_| max_connections),
            ..ConnectOptions::default()
        };
        Store::connect(&self.urls(), options)
            .await
            .expect("the test database takes connections")
    }

    /// The database's URL for each login.
    pub fn urls(&self) -> PerLogin<String> {
        PerLogin::from_fn(|login| self.login_options(login).to_url_lossy().to_string())
    }

    /// Options of a login, to connect without the store.
    pub fn login_options(&self, login: Login) -> PgConnectOptions {
        login_options(&self.server, &self.name, login)
    }

    /// Connects with the login whose own role is `role`, without taking the
    /// role; `None` for a role that no login takes.
    ///
    /// # Panics
    /// If the database rejects the connection.
    pub async fn connection_for(&self, role: &str) -> Option<PgConnection> {
        let mut logins = Login::ALL.into_iter();
        let login = logins.find(|login| login.roles()[0] == role)?;
        Some(self.login_options(login).connect().await.unwrap())
    }

    /// The database's URL for a superuser.
    pub fn admin_url(&self) -> String {
        self.server
            .clone()
            .database(&self.name)
            .to_url_lossy()
            .to_string()
    }

    /// Creates an organisation with its system roles and no members.
    ///
    /// # Panics
    /// If the slug is taken.
    pub async fn tenant(&self, slug: &str) -> TestTenant {
        let tenant = NewTenant {
            id: id(),
            slug,
            name: &format!("{slug} Ltd"),
            is_demo: false,
            entra_tenant_id: None,
            role_ids: std::array::from_fn(|_| id::<RoleId>()),
            embedding_model_id: id(),
        };
        let mut tx = self.store.begin_operator().await.unwrap();
        tenant_create(&mut tx, &tenant, NOW).await.unwrap();
        tx.commit().await.unwrap();
        TestTenant {
            id: tenant.id,
            store: self.store.clone(),
        }
    }
}

impl Drop for TestDb {
    /// Drops the database, in a separate thread because the test's runtime may
    /// be gone or busy. A failure only leaves the database behind.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let cleanup = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            runtime.block_on(async {
                let mut conn = server.connect().await.ok()?;
                let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(&name));
                sqlx::raw_sql(AssertSqlSafe(drop))
                    .execute(&mut conn)
                    .await
                    .ok()
            })
        });
        let _ = cleanup.join();
    }
}

/// An organisation in a test database.
#[derive(Clone, Debug)]
pub struct TestTenant {
    pub id: TenantId,
    store: Store,
}

impl TestTenant {
    /// Creates a member with this role and returns it as an actor.
    ///
    /// # Panics
    /// If the database rejects it, which is a bug of the test.
    pub async fn actor(&self, role: SystemRole, name: &str) -> Actor {
        let user_id = self.user(name).await;
        let mut tx = self.enter().await;
        user_role_grant(&mut tx, user_id, role.key(), RoleSource::Manual, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        self.actor_of(user_id).await
    }

    /// Creates a member without any role.
    ///
    /// # Panics
    /// If the database rejects it, which is a bug of the test.
    pub async fn user(&self, name: &str) -> UserId {
        let user_id = id();
        let mut tx = self.enter().await;
        let email = format!("{}@example.test", name.to_lowercase());
        let user = NewUser {
            id: user_id,
            display_name: name,
            email: Some(&email),
            kind: ActorKind::Human,
        };
        user_create(&mut tx, &user, NOW).await.unwrap();
        tx.commit().await.unwrap();
        user_id
    }

    /// A member as an actor with current roles and teams, in a new request.
    ///
    /// # Panics
    /// If there is no such member.
    pub async fn actor_of(&self, user_id: UserId) -> Actor {
        let mut tx = self.enter().await;
        actor_load(&mut tx, user_id)
            .await
            .unwrap()
            .to_actor(RequestFacts {
                request_id: id::<RequestId>(),
                ip: Some([192, 0, 2, 7].into()),
                user_agent: Some("Test browser".into()),
                session_id: None,
                api_key_id: None,
            })
    }

    /// Creates a team with these members. Load them again with
    /// [`TestTenant::actor_of`] to let them act as its members.
    ///
    /// # Panics
    /// If the database rejects it, which is a bug of the test.
    pub async fn team(&self, name: &str, members: &[UserId]) -> TeamId {
        let team_id = id();
        let mut tx = self.enter().await;
        team_create(&mut tx, team_id, name, NOW).await.unwrap();
        for member in members {
            team_member_add(&mut tx, team_id, *member, NOW)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        team_id
    }

    /// Begins a transaction of Atrium itself in this tenant.
    ///
    /// # Panics
    /// If the database is away.
    pub async fn enter(&self) -> crate::TenantTx {
        self.store.begin_as_system(self.id).await.unwrap()
    }
}

fn login_options(server: &PgConnectOptions, database: &str, login: Login) -> PgConnectOptions {
    server
        .clone()
        .database(database)
        .username(LOGINS.get(login))
        .password(PASSWORD)
}

async fn execute(conn: &mut PgConnection, sql: String) {
    let short = sql.clone();
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(conn)
        .await
        .unwrap_or_else(|error| panic!("{short}: {error}"));
}

/// Creates the migrated database that all others are copied from, unless it
/// exists, and returns its name, which contains a digest of the migrations and
/// schema files.
async fn template_ensure(conn: &mut PgConnection, server: &PgConnectOptions) -> String {
    let digest = format!("{:x}", Sha256::digest(migrate::checksums().concat()));
    let name = format!("atrium_test_template_{}", &digest[..12]);
    let lock = "atrium.test-template";
    sqlx::query("SELECT pg_advisory_lock(hashtextextended($1, 0))")
        .bind(lock)
        .execute(&mut *conn)
        .await
        .unwrap();
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(&name)
            .fetch_one(&mut *conn)
            .await
            .unwrap();
    if !exists {
        for (_, login) in LOGINS.each() {
            let credentials = Credentials {
                login,
                password: PASSWORD,
            };
            login_ensure(conn, &credentials).await.unwrap();
        }
        // Built under another name, so that an incomplete one is never used as
        // the template.
        let temporary_name = format!("{name}_building");
        execute(
            conn,
            format!(
                "DROP DATABASE IF EXISTS {} WITH (FORCE)",
                quoted(&temporary_name)
            ),
        )
        .await;
        execute(conn, format!("CREATE DATABASE {}", quoted(&temporary_name))).await;
        let url = server
            .clone()
            .database(&temporary_name)
            .to_url_lossy()
            .to_string();
        migrate::up(&url, &LOGINS)
            .await
            .unwrap_or_else(|error| panic!("the template: {error}"));
        execute(
            conn,
            format!(
                "ALTER DATABASE {} RENAME TO {}",
                quoted(&temporary_name),
                quoted(&name)
            ),
        )
        .await;
    }
    sqlx::query("SELECT pg_advisory_unlock(hashtextextended($1, 0))")
        .bind(lock)
        .execute(conn)
        .await
        .unwrap();
    name
}

fn options_of(url: &str) -> PgConnectOptions {
    PgConnectOptions::from_str(url).expect("ATRIUM_TEST_DATABASE_URL is a PostgreSQL URL")
}
