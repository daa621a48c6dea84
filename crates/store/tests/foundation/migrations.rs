//! The schema goes up, down and up again, from any number of processes.

use sqlx::PgPool;
use store::{
    migrate::{self, MigrateError},
    testing::{RUNTIME_LOGIN, TestDb},
};

/// Everything in the schema, one line a thing, as the catalogue tells it.
async fn schema_dump(admin: &PgPool) -> Vec<String> {
    let sql = "
        SELECT 'column ' || attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod)
               || CASE WHEN attnotnull THEN ' not null' ELSE '' END
               || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') || ' ' || coalesce(attacl::text, '')
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
    migrate::up(&url, RUNTIME_LOGIN).await.unwrap();
    let first = schema_dump(&db.admin).await;
    assert!(
        first.iter().any(|line| line.starts_with("policy users")),
        "the dump shows policies"
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

    migrate::up(&url, RUNTIME_LOGIN).await.unwrap();
    assert_eq!(schema_dump(&db.admin).await, first);
    db.connect(1).await.check().await.unwrap();
}

#[tokio::test]
async fn each_migration_can_be_taken_back_alone() {
    let db = TestDb::new().await;
    let url = db.admin_url();
    let count = migrate::status(&url).await.unwrap().len();
    assert!(count >= 3, "there are migrations to take back");
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
async fn ten_boots_at_once_migrate_once_and_all_start() {
    let db = TestDb::empty().await;
    let boots: Vec<_> = (0..10)
        .map(|_| {
            let url = db.admin_url();
            tokio::spawn(async move { migrate::up(&url, RUNTIME_LOGIN).await })
        })
        .collect();
    for boot in boots {
        boot.await.unwrap().unwrap();
    }
    db.connect(1).await.check().await.unwrap();
}

// SEC-F3
#[tokio::test]
async fn a_newer_schema_is_not_migrated() {
    let db = TestDb::new().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', true, '', 0)",
    )
    .execute(&db.admin)
    .await
    .unwrap();
    let error = migrate::up(&db.admin_url(), RUNTIME_LOGIN)
        .await
        .unwrap_err();
    assert!(
        matches!(error, MigrateError::SchemaNewer { found: 9999 }),
        "{error}"
    );
    let error = migrate::down(&db.admin_url(), 1).await.unwrap_err();
    assert!(
        matches!(error, MigrateError::SchemaNewer { found: 9999 }),
        "{error}"
    );
}

#[tokio::test]
async fn a_login_that_is_not_there_is_named() {
    let db = TestDb::empty().await;
    let error = migrate::up(&db.admin_url(), "nobody_of_that_name")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nobody_of_that_name"), "{error}");
}
