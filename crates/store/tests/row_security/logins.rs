//! Privileges of each login of the server, from the catalogue. The outcome is a
//! golden file, so that a wider grant shows up in review.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::{
    Login,
    testing::{LOGINS, TestDb},
};

/// A verb on a table: `all` for every column, or the columns.
#[derive(sqlx::FromRow)]
struct Privilege {
    table: String,
    verb: String,
    whole: bool,
    columns: Vec<String>,
}

async fn privileges(conn: &mut PgConnection, role: &str) -> Vec<Privilege> {
    sqlx::query_as(
        r#"SELECT c.relname::text AS "table", verb,
                  has_table_privilege($1, c.oid, verb) AS whole,
                  ARRAY(SELECT a.attname::text FROM pg_attribute a
                         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                           AND verb IN ('SELECT', 'INSERT', 'UPDATE')
                           AND has_column_privilege($1, c.oid, a.attnum, verb)
                         ORDER BY a.attnum) AS columns
             FROM pg_class c,
                  unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
                      WITH ORDINALITY AS verbs (verb, place)
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
            ORDER BY c.relname, place"#,
    )
    .bind(role)
    .fetch_all(conn)
    .await
    .unwrap()
}

/// Functions of the schema that the role may call. `definer` selects those that
/// run as their owner.
async fn functions(conn: &mut PgConnection, role: &str, definer: bool) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT DISTINCT p.proname::text FROM pg_proc p
          WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef = $2
            AND has_function_privilege($1, p.oid, 'EXECUTE')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
          ORDER BY 1",
    )
    .bind(role)
    .bind(definer)
    .fetch_all(conn)
    .await
    .unwrap()
}

/// The privileges of a role, table by table.
async fn role_section(conn: &mut PgConnection, role: &str) -> String {
    let mut text = String::new();
    let privileges = privileges(conn, role).await;
    for of_table in privileges.chunk_by(|one, other| one.table == other.table) {
        let mut verbs = Vec::new();
        for privilege in of_table {
            let verb = privilege.verb.to_lowercase();
            match privilege {
                Privilege { whole: true, .. } => verbs.push(verb),
                Privilege { columns, .. } if columns.is_empty() => {}
                Privilege { columns, .. } => verbs.push(format!("{verb} ({})", columns.join(", "))),
            }
        }
        if !verbs.is_empty() {
            // Required for LOCK TABLE … IN ACCESS EXCLUSIVE MODE.
            let locks = |p: &Privilege| {
                p.whole && matches!(p.verb.as_str(), "UPDATE" | "DELETE" | "TRUNCATE")
            };
            if of_table.iter().any(locks) {
                verbs.push("lock against reading".to_owned());
            }
            let _ = writeln!(text, "    {:<22}{}", of_table[0].table, verbs.join("; "));
        }
    }
    for (kind, definer) in [("as their owner", true), ("as the caller", false)] {
        let names = functions(conn, role, definer).await;
        if !names.is_empty() {
            let _ = writeln!(text, "    calls, {kind}: {}", names.join(", "));
        }
    }
    text
}

/// The whole golden file.
async fn survey(db: &TestDb) -> String {
    let mut admin = db.admin.acquire().await.unwrap();
    let mut text = String::from(
        "# What each login of the server can do, generated from the catalogue by tests/row_security/logins.rs.\n\
         # A verb without columns covers all of them. Row security always applies: the matrix shows which rows each verb reaches.\n\
         # A login has no privilege of its own: it takes one of its roles for the duration of a transaction.\n",
    );
    for login in Login::ALL {
        let roles: Vec<String> = sqlx::query_scalar(
            "SELECT rolname::text FROM pg_roles
              WHERE rolname <> $1 AND pg_has_role($1, oid, 'MEMBER') ORDER BY rolname <> $2, rolname",
        )
        .bind(LOGINS.get(login))
        .bind(login.roles()[0])
        .fetch_all(&mut *admin)
        .await
        .unwrap();
        let _ = writeln!(text, "\n{} takes {}", login.variable(), roles.join(", "));
        let own = role_section(&mut admin, LOGINS.get(login)).await;
        // PUBLIC may call functions that run as the caller.
        let own: Vec<_> = own
            .lines()
            .filter(|line| !line.contains("as the caller"))
            .collect();
        assert!(
            own.is_empty(),
            "{login:?} has privileges of its own: {own:?}"
        );
        for role in roles {
            let _ = writeln!(text, "  {role}");
            if role == "atrium_app" && login != Login::App {
                text.push_str("    as above\n");
            } else {
                text.push_str(&role_section(&mut admin, &role).await);
            }
        }
    }
    text
}

#[tokio::test]
async fn privileges_of_each_login_are_as_reviewed() {
    let db = TestDb::new().await;
    insta::assert_snapshot!("logins", survey(&db).await);
}

#[tokio::test]
async fn wider_grant_shows_in_the_table_of_logins() {
    let db = TestDb::new().await;
    let before = survey(&db).await;
    sqlx::raw_sql("GRANT SELECT (token_hash) ON invites TO atrium_worker")
        .execute(&db.admin)
        .await
        .unwrap();
    let after = survey(&db).await;
    assert!(!before.contains("select (token_hash)"));
    assert!(
        after.contains("    invites               select (token_hash)\n"),
        "{after}"
    );
}

/// Postgres requires a table-wide UPDATE, DELETE or TRUNCATE, of which only
/// DELETE is ever granted.
#[tokio::test]
async fn only_tables_with_deletable_rows_can_be_locked_against_reading() {
    let db = TestDb::new().await;
    for login in Login::ALL {
        let role = login.roles()[0];
        let mut admin = db.admin.acquire().await.unwrap();
        let privileges = privileges(&mut admin, role).await;
        let mut conn = db.connection_for(role).await.unwrap();
        for of_table in privileges.chunk_by(|one, other| one.table == other.table) {
            let table = &of_table[0].table;
            let deletes = of_table.iter().any(|p| p.whole && p.verb == "DELETE");
            let mut tx = conn.begin().await.unwrap();
            let take = format!("SET LOCAL ROLE {role}");
            sqlx::raw_sql(AssertSqlSafe(take))
                .execute(&mut *tx)
                .await
                .unwrap();
            let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE NOWAIT");
            let locked = sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *tx).await;
            assert_eq!(locked.is_ok(), deletes, "{role} {table}: {locked:?}");
            tx.rollback().await.unwrap();
        }
    }
}
