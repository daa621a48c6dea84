//! Databases and logins that the boot check rejects.

use std::time::Duration;

use domain::access::SystemRole;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool};
use store::{
    CheckError, ConnectOptions, Login as Kind, PerLogin, Store, StoreError, migrate,
    provision::{Credentials, LOGIN_SETTINGS, provision},
    testing::{LOGINS, TestDb, id},
};
use uuid::Uuid;

async fn execute(admin: &PgPool, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(admin)
        .await
        .unwrap();
}

/// A login of this test, created like the app login.
struct Login {
    name: String,
    store: Store,
}

impl Login {
    async fn new(db: &TestDb) -> Self {
        let name = format!("atrium_test_login_{}", id::<Uuid>().simple());
        execute(&db.admin, format!("CREATE ROLE {name} LOGIN PASSWORD 'x'")).await;
        let logins = PerLogin {
            app: name.as_str(),
            ..LOGINS
        };
        migrate::up(&db.admin_url(), &logins).await.unwrap();
        let options = db.login_options(Kind::App).username(&name).password("x");
        let urls = PerLogin {
            app: options.to_url_lossy().to_string(),
            ..db.urls()
        };
        Self {
            name,
            store: Store::connect(&urls, ConnectOptions::default())
                .await
                .unwrap(),
        }
    }

    async fn refusal(&self) -> String {
        let error = self.store.check().await.unwrap_err();
        assert!(
            matches!(error, CheckError::LoginTooPowerful { .. }),
            "{error}"
        );
        error.to_string()
    }

    async fn end(self, db: &TestDb) {
        self.store.close().await;
        execute(&db.admin, format!("DROP ROLE {}", self.name)).await;
    }
}

// SEC-C1
#[tokio::test]
async fn superuser_is_rejected() {
    let db = TestDb::new().await;
    for kind in Kind::ALL {
        let urls = PerLogin::from_fn(|login| match login {
            login if login == kind => db.admin_url(),
            login => db.urls().get(login).clone(),
        });
        let store = Store::connect(&urls, ConnectOptions::default())
            .await
            .unwrap();
        let error = store.check().await.unwrap_err().to_string();
        assert!(
            error.contains("is a superuser") && error.contains(kind.variable()),
            "{error}"
        );
    }
    // The positive control: the same database with the right login.
    db.store.check().await.unwrap();
}

// SEC-C1
#[tokio::test]
async fn login_that_bypasses_row_security_is_rejected() {
    let db = TestDb::new().await;
    let login = Login::new(&db).await;
    login.store.check().await.unwrap();
    execute(&db.admin, format!("ALTER ROLE {} BYPASSRLS", login.name)).await;
    let refusal = login.refusal().await;
    assert!(
        refusal.contains("BYPASSRLS") && refusal.contains(&login.name),
        "{refusal}"
    );
    login.end(&db).await;
}

// SEC-C1
#[tokio::test]
async fn member_of_a_role_that_bypasses_row_security_is_rejected() {
    let db = TestDb::new().await;
    let login = Login::new(&db).await;
    let group = format!("{}_group", login.name);
    execute(&db.admin, format!("CREATE ROLE {group} BYPASSRLS")).await;
    execute(
        &db.admin,
        format!(
            "GRANT {group} TO {} WITH INHERIT FALSE, SET TRUE",
            login.name
        ),
    )
    .await;
    let refusal = login.refusal().await;
    assert!(refusal.contains(&group), "{refusal}");
    execute(&db.admin, format!("DROP ROLE {group}")).await;
    login.store.check().await.unwrap();
    login.end(&db).await;
}

// SEC-C1
#[tokio::test]
async fn member_of_an_owner_is_rejected() {
    let db = TestDb::new().await;
    let login = Login::new(&db).await;
    // The role that owns the append function bypasses the policies of the audit log.
    execute(
        &db.admin,
        format!(
            "GRANT atrium_audit TO {} WITH INHERIT FALSE, SET TRUE",
            login.name
        ),
    )
    .await;
    let refusal = login.refusal().await;
    assert!(
        refusal.contains("owns objects") && refusal.contains("atrium_audit"),
        "{refusal}"
    );
    execute(
        &db.admin,
        format!("REVOKE atrium_audit FROM {}", login.name),
    )
    .await;

    execute(
        &db.admin,
        format!("ALTER TABLE users OWNER TO {}", login.name),
    )
    .await;
    let refusal = login.refusal().await;
    assert!(refusal.contains("owns objects"), "{refusal}");
    execute(&db.admin, "ALTER TABLE users OWNER TO CURRENT_USER".into()).await;
    login.store.check().await.unwrap();
    login.end(&db).await;
}

/// The result of taking a role on a connection.
async fn takes(conn: &mut PgConnection, role: &str) -> bool {
    sqlx::query("SELECT set_config('role', $1, false)")
        .bind(role)
        .execute(conn)
        .await
        .is_ok()
}

#[tokio::test]
async fn no_login_can_take_the_role_of_another_login() {
    let db = TestDb::new().await;
    let roles: Vec<String> =
        sqlx::query_scalar("SELECT rolname::text FROM pg_roles WHERE rolname <> ALL ($1)")
            .bind(LOGINS.each().map(|(_, name)| *name).collect::<Vec<_>>())
            .fetch_all(&db.admin)
            .await
            .unwrap();
    for role in ["atrium_app", "atrium_auth", "atrium_operator", "postgres"] {
        assert!(roles.iter().any(|name| name == role), "{role} is tried");
    }
    for (kind, own) in [
        (Kind::App, &["atrium_app"][..]),
        (Kind::Auth, &["atrium_auth", "atrium_app"]),
        (Kind::Operator, &["atrium_operator", "atrium_app"]),
        (Kind::Worker, &["atrium_worker"]),
    ] {
        let options = db.login_options(kind);
        let mut conn = PgConnection::connect_with(&options).await.unwrap();
        for role in &roles {
            // As the login itself, and after taking its own role.
            for before in ["none", own[0]] {
                assert!(takes(&mut conn, before).await, "{before}");
                let may = own.contains(&role.as_str());
                assert_eq!(takes(&mut conn, role).await, may, "{kind:?} {role}");
            }
        }
    }
}

#[tokio::test]
async fn member_transaction_can_not_take_the_auth_or_operator_role() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let tx = db.store.begin(&mia).await.unwrap();
    assert!(tx.into_auth().await.is_err());
    let tx = db.store.begin(&mia).await.unwrap();
    assert!(tx.into_operator().await.is_err());
    let tx = db.store.begin_as_system(acme.id).await.unwrap();
    assert!(tx.into_auth().await.is_err());
    // The positive control: a transaction that began as auth can go back to it.
    let tx = db.store.begin_auth().await.unwrap();
    let tx = tx.enter(&mia).await.unwrap();
    tx.into_auth().await.unwrap();
}

#[tokio::test]
async fn login_that_can_take_another_role_is_rejected_until_it_is_revoked() {
    let db = TestDb::new().await;
    let login = Login::new(&db).await;
    login.store.check().await.unwrap();
    // As left by versions with a single login.
    for role in ["atrium_auth", "atrium_worker", "atrium_operator"] {
        let grant = format!(
            "GRANT {role} TO {} WITH INHERIT FALSE, SET TRUE",
            login.name
        );
        execute(&db.admin, grant).await;
        let error = login.store.check().await.unwrap_err();
        assert!(
            matches!(error, CheckError::RoleNotForLogin { .. }),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains(role) && text.contains("ATRIUM_DATABASE_URL"),
            "{text}"
        );
    }
    let logins = PerLogin {
        app: login.name.as_str(),
        ..LOGINS
    };
    migrate::up(&db.admin_url(), &logins).await.unwrap();
    login.store.check().await.unwrap();

    let grant = format!("GRANT pg_read_all_data TO {}", login.name);
    execute(&db.admin, grant).await;
    let error = login.store.check().await.unwrap_err().to_string();
    assert!(error.contains("pg_read_all_data"), "{error}");
    login.end(&db).await;
}

/// Postgres lets every login change the settings that its own sessions start with.
#[tokio::test]
async fn login_with_own_settings_is_rejected_until_it_is_provisioned_again() {
    let db = TestDb::new().await;
    let login = Login::new(&db).await;
    let options = db.login_options(Kind::App).username(&login.name);
    let mut conn = PgConnection::connect_with(&options.password("x"))
        .await
        .unwrap();
    for (name, value) in [
        ("default_transaction_read_only", "on"),
        ("role", "atrium_app"),
        ("row_security", "off"),
    ] {
        let set = format!("ALTER ROLE {} SET {name} = '{value}'", login.name);
        sqlx::raw_sql(AssertSqlSafe(set))
            .execute(&mut conn)
            .await
            .unwrap();
        let error = login.store.check().await.unwrap_err();
        assert!(matches!(error, CheckError::LoginSetting { .. }), "{error}");
        let error = error.to_string();
        assert!(
            error.contains(name) && error.contains("RESET ALL"),
            "{error}"
        );
        if name != "row_security" {
            let reset = format!("ALTER ROLE {} RESET ALL", login.name);
            sqlx::raw_sql(AssertSqlSafe(reset))
                .execute(&mut conn)
                .await
                .unwrap();
            login.store.check().await.unwrap();
        }
    }

    let names = PerLogin::from_fn(|kind| match kind {
        Kind::App => login.name.clone(),
        kind => format!("{}_{kind:?}", login.name).to_lowercase(),
    });
    let credentials = PerLogin::from_fn(|kind| Credentials {
        login: names.get(kind),
        password: "x",
    });
    provision(&db.admin_url(), "postgres", &credentials)
        .await
        .unwrap();
    login.store.check().await.unwrap();
    for (_, name) in names.each() {
        let settings: Vec<String> = sqlx::query_scalar(
            "SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = $1::text::regrole ORDER BY 1",
        )
        .bind(name)
        .fetch_all(&db.admin)
        .await
        .unwrap();
        let expected = LOGIN_SETTINGS.map(|(name, value)| format!("{name}={value}"));
        assert_eq!(settings, expected);
        if *name != login.name {
            execute(&db.admin, format!("DROP ROLE {name}")).await;
        }
    }
    login.end(&db).await;
}

#[tokio::test]
async fn one_login_for_two_kinds_of_work_is_not_migrated() {
    let db = TestDb::new().await;
    let logins = PerLogin {
        auth: LOGINS.app,
        ..LOGINS
    };
    let error = migrate::up(&db.admin_url(), &logins).await.unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("ATRIUM_DATABASE_URL") && error.contains("ATRIUM_DATABASE_AUTH_URL"),
        "{error}"
    );
}

#[tokio::test]
async fn login_that_can_not_take_the_local_roles_is_told_how_to_fix_it() {
    let db = TestDb::new().await;
    let login = Login::new(&db).await;
    execute(&db.admin, format!("REVOKE atrium_app FROM {}", login.name)).await;
    let error = login.store.check().await.unwrap_err().to_string();
    assert!(
        error.contains("atrium_app") && error.contains("atrium migrate up"),
        "{error}"
    );
    login.end(&db).await;
}

// SEC-F3
#[tokio::test]
async fn schema_of_another_version_is_rejected() {
    let db = TestDb::empty().await;
    let error = db.store.check().await.unwrap_err();
    assert!(matches!(error, CheckError::SchemaMissing), "{error}");

    migrate::up(&db.admin_url(), &LOGINS).await.unwrap();
    db.store.check().await.unwrap();

    migrate::down(&db.admin_url(), 1).await.unwrap();
    let error = db.store.check().await.unwrap_err();
    assert!(matches!(error, CheckError::SchemaOlder { .. }), "{error}");

    migrate::up(&db.admin_url(), &LOGINS).await.unwrap();
    execute(
        &db.admin,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, '', 0)"
            .into(),
    )
    .await;
    let error = db.store.check().await.unwrap_err();
    assert!(
        matches!(error, CheckError::SchemaNewer { found: 9999, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("newer than this version"),
        "{error}"
    );
}

// SEC-F4
#[tokio::test]
async fn exhausted_pool_is_unavailable_and_not_a_hang() {
    let db = TestDb::new().await;
    let options = ConnectOptions {
        max_connections: PerLogin::from_fn(|_| 1),
        // Long enough for a busy machine to open the one connection.
        acquire_timeout: Duration::from_secs(2),
        ..ConnectOptions::default()
    };
    let store = Store::connect(&db.urls(), options).await.unwrap();
    let held = store.begin_worker().await.unwrap();
    assert!(matches!(
        store.begin_worker().await,
        Err(StoreError::Unavailable(_))
    ));
    drop(held);
    store.begin_worker().await.unwrap();
}

// SEC-F4
#[tokio::test]
async fn connections_that_the_server_ended_are_replaced() {
    let db = TestDb::new().await;
    let mut held = db.store.begin_auth().await.unwrap();
    let ended: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
          WHERE datname = current_database() AND usename = $1",
    )
    .bind(LOGINS.auth)
    .fetch_one(&db.admin)
    .await
    .unwrap();
    assert!(ended > 0, "there was a connection to end");

    let lost = store::tenant::tenant_find_only(&mut held).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    drop(held);
    for _ in 0..5 {
        db.store.ping().await.unwrap();
        db.store
            .begin_worker()
            .await
            .unwrap()
            .commit()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn database_without_unicode_ctype_is_detected() {
    let db = TestDb::new().await;
    assert!(db.store.facts().await.unwrap().knows_letters);

    let name = format!("atrium_test_{}", id::<Uuid>().simple());
    let create = format!("CREATE DATABASE {name} TEMPLATE template0 LC_CTYPE 'C' LC_COLLATE 'C'");
    execute(&db.admin, create).await;
    let urls = PerLogin::from_fn(|kind| {
        let options = db.login_options(kind).database(&name);
        options.to_url_lossy().to_string()
    });
    let store = Store::connect(&urls, ConnectOptions::default())
        .await
        .unwrap();
    assert!(!store.facts().await.unwrap().knows_letters);
    store.close().await;
    execute(&db.admin, format!("DROP DATABASE {name}")).await;
}
