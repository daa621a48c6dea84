//! The schema goes up, down and up again, from any number of processes.

use domain::audit::Outcome;
use sqlx::{AssertSqlSafe, PgPool};
use store::{
    ConnectOptions, PerLogin, Store,
    audit::{AuditEvent, AuditVerdict, audit_append, audit_partitions_ensure, audit_verify},
    migrate::{self, MigrateError},
    provision::{Credentials, provision},
    role::{RoleSource, user_role_grant},
    tenant::{NewTenant, tenant_create},
    testing::{LOGINS, NOW, TestDb, id, throwaway_server},
    user::{NewUser, user_create},
};

/// The whole schema from the catalogue, one line for each object.
pub(crate) async fn schema_dump(admin: &PgPool) -> Vec<String> {
    let sql = "
        SELECT 'column ' || attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod)
               || CASE WHEN attnotnull THEN ' not null' ELSE '' END
               || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') || ' '
               || coalesce(ARRAY(SELECT item::text FROM unnest(attacl) AS item ORDER BY 1)::text, '')
          FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
               LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
           AND relkind IN ('r', 'p', 'v', 'm')
        UNION ALL
        SELECT 'relation ' || oid::regclass || ' ' || relkind::text || ' ' || relrowsecurity || relforcerowsecurity || ' '
               || coalesce(pg_get_expr(relpartbound, oid), '') || ' '
               -- The order of an access list says nothing.
               || coalesce(ARRAY(SELECT item::text FROM unnest(relacl) AS item ORDER BY 1)::text, '')
          FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT 'policy ' || tablename || ' ' || policyname || ' ' || cmd || ' ' || roles::text || ' '
               || coalesce(qual, '') || ' ' || coalesce(with_check, '')
          FROM pg_policies
        UNION ALL
        SELECT 'function ' || pg_get_functiondef(p.oid) || ' ' || proowner::regrole || ' '
               || coalesce(ARRAY(SELECT item::text FROM unnest(proacl) AS item ORDER BY 1)::text, '')
          FROM pg_proc p
         WHERE pronamespace = 'public'::regnamespace
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(admin).await.unwrap()
}

fn without_migrator(dump: Vec<String>) -> Vec<String> {
    dump.into_iter()
        .filter(|line| !line.contains("_sqlx_migrations"))
        .collect()
}

#[tokio::test]
async fn schema_goes_down_to_nothing_and_up_to_the_same() {
    let db = TestDb::empty().await;
    let url = db.admin_url();
    migrate::up(&url, &LOGINS).await.unwrap();
    let first = schema_dump(&db.admin).await;
    assert!(
        first.iter().any(|line| line.starts_with("policy users")),
        "the dump contains policies"
    );

    let steps = u32::try_from(migrate::status(&url).await.unwrap().len()).unwrap();
    migrate::down(&url, steps).await.unwrap();
    assert_eq!(
        without_migrator(schema_dump(&db.admin).await),
        Vec::<String>::new()
    );
    assert!(
        migrate::status(&url)
            .await
            .unwrap()
            .iter()
            .all(|migration| !migration.is_applied)
    );

    migrate::up(&url, &LOGINS).await.unwrap();
    assert_eq!(schema_dump(&db.admin).await, first);
    db.connect(1).await.check().await.unwrap();
}

#[tokio::test]
async fn each_migration_can_be_reverted_alone() {
    let db = TestDb::new().await;
    let url = db.admin_url();
    let count = migrate::status(&url).await.unwrap().len();
    assert!(count >= 3, "there are migrations to revert");
    for left in (0..count).rev() {
        migrate::down(&url, 1).await.unwrap();
        let applied = migrate::status(&url)
            .await
            .unwrap()
            .iter()
            .filter(|m| m.is_applied)
            .count();
        assert_eq!(applied, left);
    }
}

// SEC-F3
#[tokio::test]
async fn ten_concurrent_boots_migrate_once_and_all_start() {
    let db = TestDb::empty().await;
    let boots: Vec<_> = (0..10)
        .map(|_| {
            let url = db.admin_url();
            tokio::spawn(async move { migrate::up(&url, &LOGINS).await })
        })
        .collect();
    for boot in boots {
        boot.await.unwrap().unwrap();
    }
    db.connect(1).await.check().await.unwrap();
}

// SEC-F3
#[tokio::test]
async fn newer_schema_is_not_migrated() {
    let db = TestDb::new().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, '', 0)",
    )
    .execute(&db.admin)
    .await
    .unwrap();
    let error = migrate::up(&db.admin_url(), &LOGINS).await.unwrap_err();
    assert!(
        matches!(error, MigrateError::SchemaNewer { found: 9999 }),
        "{error}"
    );
    let error = migrate::down(&db.admin_url(), 1).await.unwrap_err();
    assert!(
        matches!(error, MigrateError::SchemaNewer { found: 9999 }),
        "{error}"
    );
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .execute(&db.admin)
        .await
        .unwrap();
    db.store.check().await.unwrap();
}

#[tokio::test]
async fn missing_login_is_named() {
    let db = TestDb::empty().await;
    let logins = PerLogin {
        worker: "nobody_of_that_name",
        ..LOGINS
    };
    let error = migrate::up(&db.admin_url(), &logins).await.unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("nobody_of_that_name") && error.contains("ATRIUM_DATABASE_WORKER_URL"),
        "{error}"
    );
}

/// As on a managed server: the schema's owner is not a superuser, row security
/// applies to it, and its only other right is to create roles.
#[tokio::test]
async fn owner_without_superuser_rights_can_run_the_schema() {
    let server = throwaway_server().await;
    let connection = server.connection();
    let credentials = PerLogin::from_fn(|login| Credentials {
        login: LOGINS.get(login),
        password: "secret",
    });
    provision(&connection.url("postgres"), "atrium", &credentials)
        .await
        .unwrap();
    let superuser = PgPool::connect(&connection.url("atrium")).await.unwrap();
    for sql in [
        "CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'secret'",
        "ALTER DATABASE atrium OWNER TO owner",
        // Managed servers let owners do this; an ordinary one needs a superuser.
        "CREATE EXTENSION vector",
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&superuser)
            .await
            .unwrap();
    }
    let owner = connection.url_as("owner", "secret", "atrium");
    migrate::up(&owner, &LOGINS).await.unwrap();

    let urls = PerLogin::from_fn(|login| connection.url_as(LOGINS.get(login), "secret", "atrium"));
    let store = Store::connect(&urls, ConnectOptions::default())
        .await
        .unwrap();
    store.check().await.unwrap();
    let tenant = NewTenant {
        id: id(),
        slug: "acme",
        name: "Acme",
        is_demo: false,
        entra_tenant_id: None,
        role_ids: std::array::from_fn(|_| id()),
        embedding_model_id: id(),
    };
    let user = NewUser {
        id: id(),
        display_name: "Olga",
        email: None,
        kind: domain::ActorKind::Human,
    };
    let mut tx = store.begin_operator().await.unwrap();
    tenant_create(&mut tx, &tenant, NOW).await.unwrap();
    let mut tx = tx.enter_as_system(tenant.id).await.unwrap();
    user_create(&mut tx, &user, NOW).await.unwrap();
    user_role_grant(&mut tx, user.id, "owner", RoleSource::Manual, NOW)
        .await
        .unwrap();
    audit_append(
        &mut tx,
        &[AuditEvent::by_system(
            "tenant.create",
            Outcome::Success,
            NOW,
        )],
    )
    .await
    .unwrap();
    assert!(
        matches!(audit_verify(&mut tx, &[]).await.unwrap(), AuditVerdict::Intact(head) if head.seq == 1)
    );
    tx.commit().await.unwrap();
    let mut tx = store.begin_worker().await.unwrap();
    audit_partitions_ensure(&mut tx, NOW + time::Duration::days(4_000))
        .await
        .unwrap();
    tx.commit().await.unwrap();

    // A function with another owner keeps the grants that were revoked from PUBLIC.
    let public: Vec<String> = sqlx::query_scalar(
        "SELECT p.proname::text FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS g
          WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace AND g.grantee = 0",
    )
    .fetch_all(&superuser)
    .await
    .unwrap();
    assert_eq!(public, Vec::<String>::new());

    // FORCE: a statement of the owner sees no tenant's rows.
    let by_hand = PgPool::connect(&owner).await.unwrap();
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(&by_hand)
        .await
        .unwrap();
    assert_eq!(seen, 0);

    let steps = u32::try_from(migrate::status(&owner).await.unwrap().len()).unwrap();
    migrate::down(&owner, steps).await.unwrap();
    migrate::up(&owner, &LOGINS).await.unwrap();
    store.check().await.unwrap();
}
