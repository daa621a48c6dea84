//! Functions, policies and grants come from the files of `schema/`, and all
//! others are dropped.

use std::{path::Path, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use store::{
    CheckError,
    migrate::{self, MigrateError},
    schema::{FILES, SchemaFile, apply},
    testing::{LOGINS, TestDb},
};

use crate::migrations::schema_dump;

async fn execute(admin: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql)
        .execute(admin)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn owner(db: &TestDb) -> PgConnection {
    PgConnection::connect(&db.admin_url()).await.unwrap()
}

/// The files with another one inserted before the last, which prunes.
fn files_with(path: &'static str, sql: &'static str) -> Vec<SchemaFile> {
    let mut files = FILES.to_vec();
    files.insert(files.len() - 1, SchemaFile { path, sql });
    files
}

/// Row versions of the catalogue, which change with each run of the files.
async fn catalogue_rows(admin: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT oid || ' ' || xmin FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         UNION ALL SELECT oid || ' ' || xmin FROM pg_policy ORDER BY 1",
    )
    .fetch_all(admin)
    .await
    .unwrap()
}

#[tokio::test]
async fn files_are_in_the_order_in_which_they_are_applied() {
    let paths: Vec<_> = FILES.iter().map(|file| file.path).collect();
    assert_eq!(
        paths[..2],
        ["clear.sql", "functions/_helpers.sql"],
        "{paths:?}"
    );
    assert_eq!(paths.last(), Some(&"prune.sql"), "{paths:?}");
    assert!(
        paths.contains(&"functions/memory.sql") && paths.contains(&"policies/memory.sql"),
        "{paths:?}"
    );
    assert!(!paths.contains(&"current.sql"), "{paths:?}");
}

#[test]
fn each_routine_is_created_in_one_place() {
    let mut names: Vec<_> = FILES
        .iter()
        .flat_map(|file| file.sql.lines())
        .filter_map(|line| {
            let rest = line.strip_prefix("CREATE OR REPLACE ")?;
            let (_, name) = rest.split_once(' ')?;
            name.split('(').next()
        })
        .collect();
    assert!(names.len() > 40, "{names:?}");
    names.sort_unstable();
    for pair in names.windows(2) {
        assert_ne!(pair[0], pair[1], "two files create the routine");
    }
}

#[test]
fn later_migrations_contain_tables_and_data_only() {
    for (name, sql) in migrations() {
        if name.as_str() < "0043" {
            continue;
        }
        for line in sql.lines() {
            let line = line.trim_start();
            let is_foreign = [
                "CREATE FUNCTION",
                "CREATE OR REPLACE",
                "CREATE PROCEDURE",
                "CREATE POLICY",
                "ALTER POLICY",
                "CALL ",
            ]
            .iter()
            .any(|start| line.starts_with(start))
                || line.starts_with("GRANT ") && line.contains(" ON ");
            assert!(!is_foreign, "{name}: “{line}” belongs in schema/");
        }
    }
}

#[tokio::test]
async fn unchanged_files_run_nothing_and_lock_nothing() {
    let db = TestDb::new().await;
    let before = catalogue_rows(&db.admin).await;
    assert!(!before.is_empty());
    // ALTER TABLE and CREATE POLICY would wait for this reader.
    let mut reader = db.admin.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE memories, users, audit_log IN ACCESS SHARE MODE")
        .execute(&mut *reader)
        .await
        .unwrap();
    let url = db.admin_url();
    let up = migrate::up(&url, &LOGINS);
    tokio::time::timeout(Duration::from_secs(20), up)
        .await
        .expect("nothing waits for the reader")
        .unwrap();
    assert!(!apply(&mut owner(&db).await, FILES).await.unwrap());
    assert_eq!(catalogue_rows(&db.admin).await, before);
}

#[tokio::test]
async fn changed_files_are_applied_once() {
    let db = TestDb::new().await;
    let url = db.admin_url();
    let changed = files_with(
        "policies/teapot.sql",
        "CREATE FUNCTION teapot() RETURNS int LANGUAGE sql AS 'SELECT 418';
         CALL policies_create('teams', 'atrium_worker', '{select}');
         GRANT SELECT (id) ON teams TO atrium_worker;",
    );
    let applied = [(), ()].map(|()| {
        let (url, changed) = (url.clone(), changed.clone());
        tokio::spawn(async move {
            let mut conn = PgConnection::connect(&url).await.unwrap();
            apply(&mut conn, &changed).await.unwrap()
        })
    });
    let mut times = 0;
    for one in applied {
        times += i32::from(one.await.unwrap());
    }
    assert_eq!(times, 1, "two concurrent processes apply them once");
    let dump = schema_dump(&db.admin).await;
    for expected in [
        "function CREATE OR REPLACE FUNCTION public.teapot()",
        "policy teams teams_worker_select",
    ] {
        assert!(
            dump.iter().any(|line| line.starts_with(expected)),
            "{expected}"
        );
    }
    assert!(
        dump.iter()
            .any(|line| line.starts_with("column teams.id") && line.contains("atrium_worker=r")),
        "the grant exists"
    );
}

#[tokio::test]
async fn objects_that_no_file_creates_are_dropped() {
    let db = TestDb::new().await;
    let before = schema_dump(&db.admin).await;
    let mut conn = owner(&db).await;
    // Files of an earlier version, one of whose functions is used by an index.
    let older = files_with(
        "policies/teapot.sql",
        "CREATE FUNCTION teapot() RETURNS int LANGUAGE sql AS 'SELECT 418';
         CREATE FUNCTION brew() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT teapot(); END;
         CREATE PROCEDURE pour() LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION steep(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
         CREATE INDEX IF NOT EXISTS teams_steep_idx ON teams (tenant_id, steep(name));
         CALL policies_create('teams', 'atrium_worker', '{select}');
         GRANT SELECT (id) ON teams TO atrium_worker;
         GRANT DELETE ON users TO atrium_app;
         GRANT SELECT ON teams TO PUBLIC;
         GRANT EXECUTE ON FUNCTION memory_words TO atrium_app;
         GRANT EXECUTE ON PROCEDURE policies_create TO atrium_worker;
         GRANT CREATE ON SCHEMA public TO atrium_app;",
    );
    assert!(apply(&mut conn, &older).await.unwrap());
    assert_ne!(schema_dump(&db.admin).await, before);

    let error = apply(&mut conn, FILES).await.unwrap_err().to_string();
    assert!(
        error.contains("schema/prune.sql") && error.contains("steep"),
        "a function that a table needs is named: {error}"
    );
    execute(&db.admin, "DROP INDEX teams_steep_idx").await;
    assert!(apply(&mut conn, FILES).await.unwrap());
    let after = schema_dump(&db.admin).await;
    let more: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    // EXECUTE for PUBLIC is now listed explicitly.
    assert!(
        more.iter().all(|line| line.contains("memory_words(")) && more.len() <= 1,
        "{more:#?}"
    );
    assert_eq!(after.len(), before.len());
    let schema: String =
        sqlx::query_scalar("SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'")
            .fetch_one(&db.admin)
            .await
            .unwrap();
    assert!(schema.contains("atrium_app=U/"), "{schema}");
    db.store.check().await.unwrap();
}

#[tokio::test]
async fn manual_changes_are_reverted_with_the_next_files() {
    let db = TestDb::new().await;
    let before = schema_dump(&db.admin).await;
    execute(
        &db.admin,
        "DROP POLICY users_app_select ON users;
         ALTER POLICY memories_app_select ON memories USING (true);
         REVOKE SELECT ON roles FROM atrium_app;
         ALTER FUNCTION memory_share OWNER TO CURRENT_USER;
         UPDATE _schema_files SET digest = NULL;",
    )
    .await;
    migrate::up(&db.admin_url(), &LOGINS).await.unwrap();
    assert_eq!(schema_dump(&db.admin).await, before);
}

#[tokio::test]
async fn failing_file_is_named_and_changes_nothing() {
    let db = TestDb::new().await;
    let before = (
        schema_dump(&db.admin).await,
        catalogue_rows(&db.admin).await,
    );
    let broken = files_with(
        "policies/teapot.sql",
        "CALL policies_create('teams', 'atrium_worker', '{select}'); SELECT no_such_function();",
    );
    let error = apply(&mut owner(&db).await, &broken).await.unwrap_err();
    assert!(
        matches!(
            error,
            MigrateError::SchemaFile {
                path: "policies/teapot.sql",
                ..
            }
        ),
        "{error:?}"
    );
    let error = error.to_string();
    assert!(
        error.contains("schema/policies/teapot.sql") && error.contains("no_such_function"),
        "{error}"
    );
    let after = (
        schema_dump(&db.admin).await,
        catalogue_rows(&db.admin).await,
    );
    assert_eq!(after, before);
    db.store.check().await.unwrap();
}

#[tokio::test]
async fn database_with_files_of_another_version_is_rejected() {
    let db = TestDb::new().await;
    db.store.check().await.unwrap();
    let other = files_with("policies/teapot.sql", "SELECT 418;");
    assert!(apply(&mut owner(&db).await, &other).await.unwrap());
    assert!(!migrate::has_schema_files(&db.admin_url()).await.unwrap());
    let error = db.store.check().await.unwrap_err();
    assert!(matches!(error, CheckError::SchemaFilesDiffer), "{error}");
    assert!(error.to_string().contains("atrium migrate up"), "{error}");

    migrate::up(&db.admin_url(), &LOGINS).await.unwrap();
    assert!(migrate::has_schema_files(&db.admin_url()).await.unwrap());
    db.store.check().await.unwrap();
}

/// Names and texts of the migrations, in order.
fn migrations() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(".up.sql"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() > 30);
    files
}

/// The schema after the migrations up to 0041, applied without the migrator.
async fn schema_of_migrations() -> Vec<String> {
    let db = TestDb::empty().await;
    let mut conn = owner(&db).await;
    for (name, sql) in migrations() {
        if name.as_str() < "0042" {
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut conn)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    schema_dump(&db.admin).await
}

#[tokio::test]
async fn migrating_below_the_files_restores_the_migrations_own_objects() {
    let db = TestDb::new().await;
    let url = db.admin_url();
    let before = schema_dump(&db.admin).await;
    // Files of a later version: one function is gone, another has a different signature.
    let mut later = files_with(
        "policies/teapot.sql",
        "DROP FUNCTION team_memories_count;
         DROP FUNCTION memory_edit;
         CREATE FUNCTION memory_edit(uuid, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE OR REPLACE FUNCTION memory_words(p_text text) RETURNS text
             LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN p_text;
         DROP POLICY users_app_select ON users;",
    );
    later.insert(
        later.len() - 1,
        SchemaFile {
            path: "policies/teapot_grants.sql",
            sql: "REVOKE SELECT ON teams FROM atrium_app; GRANT DELETE ON users TO atrium_app;",
        },
    );
    assert!(apply(&mut owner(&db).await, &later).await.unwrap());
    // A partition that the migrations don't know.
    execute(
        &db.admin,
        "SELECT audit_partitions_ensure('2031-05-01 00:00+00', 0)",
    )
    .await;

    let count = migrate::status(&url).await.unwrap();
    let steps = count.iter().filter(|m| m.version >= 42).count();
    migrate::down(&url, u32::try_from(steps).unwrap())
        .await
        .unwrap();
    let without_partitions = |dump: Vec<String>| -> Vec<String> {
        dump.into_iter()
            .filter(|line| !line.contains("audit_log_y") && !line.contains("_sqlx_migrations"))
            .collect()
    };
    assert_eq!(
        without_partitions(schema_dump(&db.admin).await),
        without_partitions(schema_of_migrations().await)
    );
    let policies: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_policies WHERE tablename = 'audit_log_y2031m05'",
    )
    .fetch_one(&db.admin)
    .await
    .unwrap();
    assert_eq!(policies, 4, "the partition has its parent's policies");

    execute(&db.admin, "DROP TABLE audit_log_y2031m05").await;
    migrate::up(&url, &LOGINS).await.unwrap();
    assert_eq!(schema_dump(&db.admin).await, before);
    db.store.check().await.unwrap();
}
