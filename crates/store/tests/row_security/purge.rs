//! A purge deletes all rows of an organisation and none of any other, and runs
//! only when the grace period is over.

use std::collections::BTreeMap;

use domain::TenantId;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::{
    StoreError,
    tenant_lifecycle::{tenant_lock_expired, tenant_purge},
    testing::{NOW, TestDb},
};
use time::Duration;
use uuid::Uuid;

use crate::rows::{Maker, Table, tables};

/// The number of rows of a tenant in each table.
async fn rows(conn: &mut PgConnection, tables: &[Table], tenant: Uuid) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    for table in tables {
        let Some(column) = table.tenant_column() else {
            continue;
        };
        let sql = format!(
            "SELECT count(*) FROM {} WHERE {column} = '{tenant}'",
            table.name
        );
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        found.insert(table.name.clone(), count);
    }
    found
}

async fn status_set(db: &TestDb, tenant: Uuid, status: &str, delete_after: Option<Duration>) {
    sqlx::query("UPDATE tenants SET status = $2, delete_after = $3 WHERE id = $1")
        .bind(tenant)
        .bind(status)
        .bind(delete_after.map(|after| NOW + after))
        .execute(&db.admin)
        .await
        .unwrap();
}

struct World {
    db: TestDb,
    tables: Vec<Table>,
    ours: Uuid,
    theirs: Uuid,
}

/// Two tenants with rows in every table.
async fn world() -> World {
    let db = TestDb::new().await;
    let mut admin = db.admin.acquire().await.unwrap();
    let tables = tables(&mut admin).await;
    let (mut ours, mut theirs) = (Maker::new(), Maker::new());
    ours.fill(&mut admin, &tables).await;
    theirs.fill(&mut admin, &tables).await;
    drop(admin);
    World {
        db,
        tables,
        ours: ours.tenant_id,
        theirs: theirs.tenant_id,
    }
}

#[tokio::test]
async fn purged_tenant_leaves_no_row_and_deletes_nobody_elses() {
    let World {
        db,
        tables,
        ours,
        theirs,
    } = world().await;
    let mut admin = db.admin.acquire().await.unwrap();
    let before = rows(&mut admin, &tables, ours).await;
    for (table, count) in &before {
        assert!(*count > 0, "{table} has no row to be purged");
    }
    let neighbours = rows(&mut admin, &tables, theirs).await;
    status_set(&db, ours, "deleted", Some(Duration::ZERO)).await;

    let mut tx = db.store.begin_operator().await.unwrap();
    let due = tenant_lock_expired(&mut tx, NOW).await.unwrap().unwrap();
    assert_eq!(due.id, TenantId(ours));
    let purged = tenant_purge(&mut tx, due.id, NOW).await.unwrap();
    tx.commit().await.unwrap();

    for (table, count) in rows(&mut admin, &tables, ours).await {
        assert_eq!(count, 0, "{table}");
    }
    assert_eq!(rows(&mut admin, &tables, theirs).await, neighbours);
    assert!(purged.head.is_some());
    for (table, count) in before {
        if table != "tenants" {
            assert_eq!(purged.rows[&table], count, "{table}");
        }
    }
    let mut tx = db.store.begin_operator().await.unwrap();
    assert_eq!(tenant_lock_expired(&mut tx, NOW).await.unwrap(), None);
}

// SEC-G: enforced by the database, whatever the program does.
#[tokio::test]
async fn tenant_is_not_purged_before_its_grace_period_is_over() {
    let World {
        db, tables, ours, ..
    } = world().await;
    let mut admin = db.admin.acquire().await.unwrap();
    let before = rows(&mut admin, &tables, ours).await;
    for (status, delete_after) in [
        ("active", None),
        ("suspended", None),
        ("deleted", None),
        ("deleted", Some(Duration::SECOND)),
    ] {
        status_set(&db, ours, status, delete_after).await;
        let mut tx = db.store.begin_operator().await.unwrap();
        assert_eq!(
            tenant_lock_expired(&mut tx, NOW).await.unwrap(),
            None,
            "{status} {delete_after:?}"
        );
        let purged = tenant_purge(&mut tx, TenantId(ours), NOW).await;
        assert!(
            matches!(&purged, Err(StoreError::Other(cause)) if cause.to_string().contains("its time of grace is not over")),
            "{status} {delete_after:?}: {purged:?}"
        );
        let _ = tx.commit().await;
        assert_eq!(rows(&mut admin, &tables, ours).await, before);
    }
}

// SEC-C5, SEC-G
#[tokio::test]
async fn only_the_operator_role_purges_and_only_its_own_transactions_tenant() {
    let World {
        db,
        tables,
        ours,
        theirs,
        ..
    } = world().await;
    let mut admin = db.admin.acquire().await.unwrap();
    status_set(&db, ours, "deleted", Some(Duration::ZERO)).await;
    let before = rows(&mut admin, &tables, ours).await;
    for (role, tenant, refusal) in [
        ("atrium_app", ours, "permission denied"),
        ("atrium_auth", ours, "permission denied"),
        ("atrium_worker", ours, "permission denied"),
        (
            "atrium_operator",
            theirs,
            "only the transaction's own tenant",
        ),
    ] {
        let mut conn = db.connection_for(role).await.unwrap();
        let mut tx = conn.begin().await.unwrap();
        sqlx::query(
            "SELECT set_config('role', $1, true), set_config('app.current_tenant_id', $2, true)",
        )
        .bind(role)
        .bind(tenant.to_string())
        .execute(&mut *tx)
        .await
        .unwrap();
        let refused = sqlx::query("SELECT tenant_purge($1, $2)")
            .bind(ours)
            .bind(NOW)
            .execute(&mut *tx)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains(refusal), "{role}: {refused}");
        tx.rollback().await.unwrap();
    }
    assert_eq!(rows(&mut admin, &tables, ours).await, before);
}
