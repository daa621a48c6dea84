//! The probes that run on the live database: they pass with row security in
//! place, and name each table on which it was removed.

use domain::isolation::{IsolationReport, Probe, ProbeResult};
use sqlx::AssertSqlSafe;
use store::{
    isolation::isolation_probe,
    testing::{NOW, TestDb, id},
};

async fn probe(db: &TestDb) -> IsolationReport {
    isolation_probe(&db.store, &id, NOW).await.unwrap()
}

fn reached(report: &IsolationReport, table: &str, reach: Probe) -> ProbeResult {
    let table = report.tables.iter().find(|t| t.table == table).unwrap();
    let place = Probe::ALL.iter().position(|r| *r == reach).unwrap();
    table.reached[place]
}

#[tokio::test]
async fn probes_pass_and_leave_nothing_behind() {
    let db = TestDb::new().await;
    let report = probe(&db).await;
    assert!(report.holds(), "{report:#?}");
    for table in [
        "tenants",
        "users",
        "user_roles",
        "teams",
        "team_members",
        "memories",
        "memory_versions",
        "audit_log",
        "jobs",
        "imports",
        "import_chunks",
        "break_glass_grants",
        "notifications",
    ] {
        let found = report.tables.iter().find(|t| t.table == table);
        assert!(
            found.is_some_and(|t| t.sees_own),
            "{table} is not probed with real rows"
        );
    }
    // Both kinds of denial occur, not only missing privileges.
    assert_eq!(
        reached(&report, "memories", Probe::Add),
        ProbeResult::Refused
    );
    assert_eq!(
        reached(&report, "memories", Probe::Change),
        ProbeResult::Nothing
    );
    assert_eq!(
        reached(&report, "audit_log", Probe::Change),
        ProbeResult::NoPrivilege
    );
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM tenants")
        .fetch_one(&db.admin)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn probes_name_each_table_without_row_security() {
    for (breaker, table, reach) in [
        ("ALTER TABLE teams DISABLE ROW LEVEL SECURITY", "teams", Probe::Read),
        ("ALTER TABLE teams DISABLE ROW LEVEL SECURITY", "teams", Probe::Add),
        ("DROP POLICY memories_app_update ON memories;
          CREATE POLICY memories_app_update ON memories FOR UPDATE TO atrium_app USING (true) WITH CHECK (true);
          CREATE POLICY memories_seen ON memories FOR SELECT TO atrium_app USING (true)", "memories", Probe::Change),
        ("CREATE POLICY users_nobody ON users FOR SELECT TO atrium_app USING (
              coalesce(current_setting('app.current_tenant_id', true), '') = '')", "users", Probe::ReadUnset),
        ("CREATE POLICY team_members_all ON team_members FOR DELETE TO atrium_app USING (true);
          CREATE POLICY team_members_seen ON team_members FOR SELECT TO atrium_app USING (true)", "team_members", Probe::Delete),
    ] {
        let db = TestDb::new().await;
        // Existing rows, which no probe created.
        let acme = db.tenant("acme").await;
        acme.user("Mia").await;
        sqlx::raw_sql(AssertSqlSafe(breaker.to_owned())).execute(&db.admin).await.unwrap();
        let report = probe(&db).await;
        assert!(!report.holds(), "{breaker}");
        assert_eq!(reached(&report, table, reach), ProbeResult::Row, "{breaker}");
    }
}
