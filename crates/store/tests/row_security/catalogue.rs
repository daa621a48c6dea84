//! SEC-C2, SEC-C5: what the catalogue says must hold for every table, so that
//! a new one is covered without anybody thinking of it.

use sqlx::{AssertSqlSafe, PgConnection};
use store::testing::TestDb;

use crate::{
    exceptions::EXCEPTIONS,
    rules::{COMMON, RULES, Rule},
};

/// What breaks a rule: the object and the problem.
async fn breaks(conn: &mut PgConnection, rule: &Rule) -> Vec<(String, String)> {
    let sql = format!("{COMMON} {} ORDER BY 1, 2", rule.breaks);
    sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(conn)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", rule.name))
}

fn is_excepted(rule: &str, object: &str) -> bool {
    EXCEPTIONS
        .iter()
        .any(|(of, what, _)| *of == rule && *what == object)
}

// SEC-C2, SEC-C5
#[tokio::test]
async fn every_table_keeps_every_rule() {
    let db = TestDb::new().await;
    let mut conn = db.admin.acquire().await.unwrap();
    let mut problems = Vec::new();
    let mut needed = Vec::new();
    for rule in RULES {
        for (object, problem) in breaks(&mut conn, rule).await {
            if is_excepted(rule.name, &object) {
                needed.push((rule.name, object));
            } else {
                problems.push(format!("{}: {object}: {problem}", rule.name));
            }
        }
    }
    for (rule, object, _) in EXCEPTIONS {
        if !needed.iter().any(|(of, what)| of == rule && what == object) {
            problems.push(format!("{rule}: {object}: the exception is not needed"));
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

// SEC-C2
#[tokio::test]
async fn breaking_any_rule_is_noticed() {
    let db = TestDb::new().await;
    assert!(
        RULES.iter().all(|rule| !rule.breakers.is_empty()),
        "each rule shows that it can fail"
    );
    for rule in RULES {
        for (breaker, broken) in rule.breakers {
            let mut tx = db.admin.begin().await.unwrap();
            let before = breaks(&mut tx, rule).await;
            assert!(
                !before.iter().any(|(object, _)| object == broken),
                "{}: {broken} breaks it already",
                rule.name
            );
            sqlx::raw_sql(*breaker)
                .execute(&mut *tx)
                .await
                .unwrap_or_else(|error| panic!("{breaker}: {error}"));
            let after = breaks(&mut tx, rule).await;
            assert!(
                after.iter().any(|(object, _)| object == broken),
                "{}: after “{breaker}” it still passes: {after:?}",
                rule.name
            );
            tx.rollback().await.unwrap();
        }
    }
}

/// The rules read our tables; this would catch a list that is empty.
#[tokio::test]
async fn the_rules_see_tables_and_partitions() {
    let db = TestDb::new().await;
    let sql = format!("{COMMON} SELECT name FROM tables ORDER BY name");
    let names: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(&db.admin)
        .await
        .unwrap();
    for name in [
        "audit_log",
        "audit_log_default",
        "tenants",
        "users",
        "web_sessions",
    ] {
        assert!(
            names.iter().any(|n| n == name),
            "{name} is not among {names:?}"
        );
    }
}
