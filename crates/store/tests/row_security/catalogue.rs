//! SEC-C2, SEC-C5: rules that hold for every table, checked in the catalogue, so
//! that a new table is covered automatically.

use std::time::Instant;

use sqlx::{AssertSqlSafe, PgConnection};
use store::{
    CheckError,
    catalogue::{COMMON, EXCEPTIONS, Exception, Finding, RULES, Rule, findings},
    testing::{LOGINS, TestDb},
};

use crate::{breakers::BREAKERS, exceptions::SHAPE_EXCEPTIONS, rules::SHAPE_RULES};

/// The rules of the boot check, and those that only tests check.
fn rules() -> Vec<Rule> {
    [RULES, SHAPE_RULES].concat()
}

fn exceptions() -> Vec<Exception> {
    [EXCEPTIONS, SHAPE_EXCEPTIONS].concat()
}

/// Objects that break a rule, exceptions included.
async fn breaks(conn: &mut PgConnection, rule: &Rule) -> Vec<Finding> {
    findings(conn, &[*rule], &[])
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", rule.name))
}

// SEC-C2, SEC-C5
#[tokio::test]
async fn every_table_keeps_every_rule() {
    let db = TestDb::new().await;
    let mut conn = db.admin.acquire().await.unwrap();
    let (rules, exceptions) = (rules(), exceptions());
    let found = findings(&mut conn, &rules, &exceptions).await.unwrap();
    let mut problems: Vec<String> = found
        .iter()
        .map(|found| format!("{}: {}: {}", found.rule, found.object, found.problem))
        .collect();
    let needed = findings(&mut conn, &rules, &[]).await.unwrap();
    for (rule, object, _) in exceptions {
        if !needed
            .iter()
            .any(|found| found.rule == rule && found.object == object)
        {
            problems.push(format!("{rule}: {object}: the exception is unused"));
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

// SEC-C2
#[tokio::test]
async fn breaking_any_rule_is_detected() {
    let db = TestDb::new().await;
    for rule in rules() {
        let shown = BREAKERS.iter().find(|(name, _)| *name == rule.name);
        let (_, breakers) = shown.unwrap_or_else(|| panic!("{} has no breaker", rule.name));
        assert!(!breakers.is_empty(), "{} has no breaker", rule.name);
        for (breaker, broken) in *breakers {
            let mut tx = db.admin.begin().await.unwrap();
            let before = breaks(&mut tx, &rule).await;
            assert!(
                !before.iter().any(|found| found.object == *broken),
                "{}: {broken} breaks it already",
                rule.name
            );
            sqlx::raw_sql(*breaker)
                .execute(&mut *tx)
                .await
                .unwrap_or_else(|error| panic!("{breaker}: {error}"));
            // As the process does: with a login without any privilege.
            let login = format!("SET LOCAL SESSION AUTHORIZATION {}", LOGINS.app);
            sqlx::raw_sql(AssertSqlSafe(login))
                .execute(&mut *tx)
                .await
                .unwrap();
            let after = breaks(&mut tx, &rule).await;
            assert!(
                after.iter().any(|found| found.object == *broken),
                "{}: after “{breaker}” it still passes: {after:?}",
                rule.name
            );
            tx.rollback().await.unwrap();
        }
    }
    for (name, _) in BREAKERS {
        assert!(
            rules().iter().any(|rule| rule.name == *name),
            "{name} is not a rule"
        );
    }
}

// SEC-C2
#[tokio::test]
async fn boot_rejects_what_breaks_a_rule_and_says_what_to_do() {
    for (breaker, rule, object, remedy) in [
        (
            "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
            "row_security_on",
            "users",
            "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        ),
        (
            "CREATE POLICY users_wide ON users FOR SELECT TO atrium_app USING (true)",
            "policy_holds_tenant",
            "users.users_wide",
            "drop the policy",
        ),
        (
            "CREATE VIEW everybody AS SELECT * FROM users",
            "views_are_invoker",
            "everybody",
            "security_invoker = true",
        ),
        (
            "GRANT TRUNCATE ON memories TO atrium_app",
            "no_dangerous_privileges",
            "memories",
            "REVOKE TRUNCATE",
        ),
    ] {
        let db = TestDb::new().await;
        db.store.check().await.unwrap();
        sqlx::raw_sql(breaker).execute(&db.admin).await.unwrap();
        let refusal = db.store.check().await.unwrap_err();
        assert!(
            matches!(&refusal, CheckError::RuleBroken(found) if found.rule == rule && found.object == object),
            "{breaker}: {refusal:?}"
        );
        let refusal = refusal.to_string();
        assert!(
            refusal.contains(object) && refusal.contains(remedy),
            "{refusal}"
        );
    }
    assert!(
        RULES.iter().all(|rule| rule.remedy.is_some()),
        "each says what to do"
    );
}

/// The cost of the check at boot. The best of several runs counts, because tests
/// run concurrently.
#[tokio::test]
async fn checking_all_rules_takes_under_100_milliseconds() {
    let db = TestDb::new().await;
    let mut best = None;
    for _ in 0..5 {
        let start = Instant::now();
        assert_eq!(db.store.findings().await.unwrap(), Vec::new());
        best = best.into_iter().chain([start.elapsed()]).min();
    }
    let best = best.unwrap();
    println!("all rules: {best:?}");
    assert!(best.as_millis() < 100, "{best:?}");
}

/// Fails if the list of tables that the rules read were empty.
#[tokio::test]
async fn rules_cover_tables_and_partitions() {
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
