//! The migration that adds trees to existing audit logs.

use domain::{Actor, access::SystemRole};
use store::{
    audit::{AuditProblem, AuditVerdict},
    migrate,
    testing::{LOGINS, TestDb, TestTenant},
};

use crate::audit::{append, events, tree, verify};

/// The migration that added the tree.
const TREES: i64 = 34;

async fn organisation(db: &TestDb, slug: &str) -> (TestTenant, Actor) {
    let tenant = db.tenant(slug).await;
    let actor = tenant.actor(SystemRole::Member, "Mia").await;
    (tenant, actor)
}

// SEC-E2
#[tokio::test]
async fn logs_from_before_the_tree_verify_and_continue_after_the_upgrade() {
    let db = TestDb::new().await;
    let sizes = [1, 2, 7, 64, 100];
    let mut chains = Vec::new();
    for size in sizes {
        chains.push(organisation(&db, &format!("t{size}")).await);
    }
    let (holed, mia) = organisation(&db, "holed").await;
    let (cut, max) = organisation(&db, "cut").await;

    let url = db.admin_url();
    let newer = migrate::status(&url).await.unwrap();
    let newer = newer.iter().filter(|m| m.version >= TREES).count();
    migrate::down(&url, u32::try_from(newer).unwrap())
        .await
        .unwrap();

    // Written by the function of the earlier schema.
    let actors = chains.iter().map(|(_, actor)| actor).zip(sizes);
    for (actor, rows) in actors.chain([(&mia, 21), (&max, 21)]) {
        append(&db, actor, &events(actor, rows)).await.unwrap();
    }
    for (tenant, condition) in [(&holed, "seq IN (3, 4)"), (&cut, "seq > 18")] {
        let sql = format!("DELETE FROM audit_log WHERE tenant_id = $1 AND {condition}");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.id)
            .execute(&db.admin)
            .await
            .unwrap();
    }
    migrate::up(&url, &LOGINS).await.unwrap();

    for (size, (tenant, actor)) in sizes.into_iter().zip(&chains) {
        let before = tree(&db, tenant).await;
        assert!(
            matches!(verify(tenant, &[]).await, AuditVerdict::Intact(head) if head.seq == size),
            "{size}"
        );
        append(&db, actor, &events(actor, 5)).await.unwrap();
        let known = [before, tree(&db, tenant).await];
        assert!(
            matches!(verify(tenant, &known).await, AuditVerdict::Intact(head) if head.seq == size + 5),
            "{size}"
        );
    }
    // A log that was broken before is still reported, and appending to it works.
    for (tenant, actor, seq) in [(&holed, &mia, 3), (&cut, &max, 19)] {
        append(&db, actor, &events(actor, 1)).await.unwrap();
        let problem = AuditProblem::Missing;
        assert_eq!(
            verify(tenant, &[]).await,
            AuditVerdict::Broken { seq, problem }
        );
    }
}
