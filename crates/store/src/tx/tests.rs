//! SEC-C4: with a single connection for all transactions, nothing of one
//! reaches the next. Not under `tests`, because only this crate can access a
//! transaction's connection.

use std::{task::Poll, time::Duration};

use domain::{
    Actor,
    access::SystemRole,
    memory::{MemoryText, NewMemory, Origin},
};
use sqlx::PgPool;
use tokio::time::timeout;

use crate::{
    Login, Store, TenantTx,
    memory::{memory_counts, memory_create},
    testing::{NOW, TestDb, id},
    user::user_find,
};

/// The role and settings that the next user of the connection gets.
async fn session_settings(pool: &PgPool) -> Vec<(String, Option<String>)> {
    sqlx::query_as(
        "SELECT name, nullif(current_setting(name, true), '') FROM unnest(ARRAY[
             'role', 'app.current_tenant_id', 'app.current_user_id', 'app.current_team_ids',
             'app.led_team_ids', 'app.permissions', 'app.vendor',
             'app.break_glass_user_id']) AS name",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn assert_clean(store: &Store) {
    for (login, pool) in store.pools.each() {
        for (name, value) in session_settings(pool).await {
            let clean = if name == "role" { Some("none") } else { None };
            assert_eq!(
                value.as_deref(),
                clean,
                "{name} reached the next one on the connection of {login:?}"
            );
        }
    }
}

/// Number of members that the transaction sees, and how many of them belong to
/// its own tenant.
async fn members_visible(tx: &mut TenantTx) -> (i64, i64) {
    let tenant_id = tx.tenant_id().0;
    sqlx::query_as("SELECT count(*), count(*) FILTER (WHERE tenant_id = $1) FROM users")
        .bind(tenant_id)
        .fetch_one(tx.conn())
        .await
        .unwrap()
}

/// Writes a memory that is to be rolled back.
async fn create_memory(tx: &mut TenantTx) {
    let text = MemoryText::new("", "Half done".into(), "fact", &[]).unwrap();
    memory_create(tx, id(), &NewMemory::of(text, Origin::Dashboard), NOW)
        .await
        .unwrap();
}

/// Number of memories of the transaction's member.
async fn count_memories(tx: &mut TenantTx) -> i64 {
    memory_counts(tx, NOW).await.unwrap().own
}

struct Fixture {
    db: TestDb,
    mia: Actor,
    max: Actor,
}

/// Two tenants with two and three members, over one connection.
async fn fixture() -> Fixture {
    let db = TestDb::with_connections(1).await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    acme.user("Moe").await;
    let max = other.actor(SystemRole::Member, "Max").await;
    other.user("Meg").await;
    other.user("Mel").await;
    Fixture { db, mia, max }
}

// SEC-C4
#[tokio::test]
async fn interleaved_tenants_see_only_their_own_rows() {
    let Fixture { db, mia, max } = fixture().await;
    // More than the five executions after which a prepared statement may get a
    // generic plan.
    for round in 0..10 {
        for (actor, own, stranger) in [(&mia, 2, &max), (&max, 3, &mia)] {
            let mut tx = db.store.begin(actor).await.unwrap();
            assert_eq!(members_visible(&mut tx).await, (own, own), "round {round}");
            user_find(&mut tx, actor.user_id).await.unwrap();
            assert!(user_find(&mut tx, stranger.user_id).await.is_err());
            if round % 2 == 0 {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
            }
            assert_clean(&db.store).await;
        }
        // The other roles leak nothing either.
        drop(db.store.begin_worker().await.unwrap());
        drop(db.store.begin_operator().await.unwrap());
        drop(db.store.begin_auth().await.unwrap());
        assert_clean(&db.store).await;
    }
}

/// Polls `future` until it is ready or was pending `polls` times, then drops it.
async fn drop_after_polls<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut pending = 0;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            pending += 1;
            if pending == polls {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        }
    })
    .await
}

// SEC-E1, SEC-C4
#[tokio::test]
async fn cancelled_begin_leaves_no_open_transaction() {
    let Fixture { db, mia, .. } = fixture().await;
    // Each number of polls ends at another point: waiting for a connection, for
    // its ping, for the answer to BEGIN, for the role.
    for polls in 1..24 {
        if polls % 2 == 0 {
            let begun = drop_after_polls(db.store.begin(&mia), polls / 2).await;
            drop(begun.transpose().unwrap());
        } else {
            let begun = drop_after_polls(db.store.begin_page(&[1; 32], NOW), polls / 2 + 1).await;
            drop(begun.transpose().unwrap());
        }
        // Rollbacks run in the background.
        let mut open = 0_i64;
        for _ in 0..40 {
            open = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
            )
            .fetch_one(&db.admin)
            .await
            .unwrap();
            if open == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(open, 0, "after {polls} polls");
    }
}

/// A connection that is inside a transaction, as one whose BEGIN was forgotten
/// would be, is rolled back.
#[tokio::test]
async fn forgotten_transaction_is_rolled_back_when_another_begins() {
    let Fixture { db, mia, .. } = fixture().await;
    let pool = &db.store.pools.app;
    for state in ["BEGIN; SELECT 1", "BEGIN; SELECT 1 / 0"] {
        let mut conn = pool.acquire().await.unwrap();
        let _ = sqlx::raw_sql(state).execute(&mut *conn).await;
        drop(conn);
        let found = db.store.begin_page(&[1; 32], NOW).await.unwrap();
        assert!(found.is_none(), "after {state}");
        let mut tx = db.store.begin(&mia).await.unwrap();
        assert_eq!(count_memories(&mut tx).await, 0, "after {state}");
        drop(tx);
        assert_clean(&db.store).await;
    }
}

/// A connection is as good as before after its role was rejected.
#[tokio::test]
async fn rejected_role_leaves_no_aborted_transaction() {
    let Fixture { db, mia, .. } = fixture().await;
    let rejected = db
        .store
        .begin_with(Login::App, "BEGIN; SET LOCAL ROLE atrium_auth")
        .await;
    assert!(rejected.is_err(), "the login took the role");
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert_eq!(count_memories(&mut tx).await, 0);
    drop(tx);
    assert_clean(&db.store).await;
}

/// SEC-F4: a connection that the server closed while it was idle is replaced.
#[tokio::test]
async fn closed_connection_is_replaced_when_a_transaction_begins() {
    let db = TestDb::with_connections(3).await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    for round in 0..3 {
        let all = tokio::join!(
            db.store.begin(&mia),
            db.store.begin(&mia),
            db.store.begin(&mia)
        );
        drop((all.0.unwrap(), all.1.unwrap(), all.2.unwrap()));
        assert_clean(&db.store).await;
        let closed: i64 = sqlx::query_scalar(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
              WHERE datname = current_database() AND usename = 'atrium_test_app'",
        )
        .fetch_one(&db.admin)
        .await
        .unwrap();
        assert_eq!(closed, 3, "round {round}");
        let mut tx = db.store.begin(&mia).await.unwrap();
        assert_eq!(count_memories(&mut tx).await, 0);
    }
}

// SEC-C4
#[tokio::test]
async fn a_panic_inside_a_transaction_leaks_nothing() {
    let Fixture { db, mia, max } = fixture().await;
    let (store, panicking) = (db.store.clone(), mia.clone());
    let task = tokio::spawn(async move {
        let mut tx = store.begin(&panicking).await.unwrap();
        create_memory(&mut tx).await;
        panic!("in the middle of it");
    });
    let panic = task.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"in the middle of it"));

    assert_clean(&db.store).await;
    let mut tx = db.store.begin(&max).await.unwrap();
    assert_eq!(members_visible(&mut tx).await, (3, 3));
    drop(tx);
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert_eq!(count_memories(&mut tx).await, 0, "it was rolled back");
}

// SEC-C4
#[tokio::test]
async fn a_cancelled_future_inside_a_transaction_leaks_nothing() {
    let Fixture { db, mia, max } = fixture().await;
    // Cancelled at any moment: while beginning, while setting the role, during
    // a statement, between statements.
    for wait_micros in [0, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 51_200] {
        let work = async {
            let mut tx = db.store.begin(&mia).await.unwrap();
            create_memory(&mut tx).await;
            sqlx::query("SELECT pg_sleep(0.1)")
                .execute(tx.conn())
                .await
                .unwrap();
            std::future::pending::<()>().await;
        };
        timeout(Duration::from_micros(wait_micros), work)
            .await
            .unwrap_err();

        assert_clean(&db.store).await;
        let mut tx = db.store.begin(&max).await.unwrap();
        assert_eq!(
            members_visible(&mut tx).await,
            (3, 3),
            "after {wait_micros} µs"
        );
        drop(tx);
        let mut tx = db.store.begin(&mia).await.unwrap();
        let kept = count_memories(&mut tx).await;
        assert_eq!(kept, 0, "after {wait_micros} µs it was rolled back");
    }
}

// SEC-C4
#[tokio::test]
async fn a_failed_statement_leaks_nothing() {
    let Fixture { db, mia, max } = fixture().await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    sqlx::query("SELECT 1 / 0")
        .execute(tx.conn())
        .await
        .unwrap_err();
    // Committing a failed transaction rolls back.
    let _ = tx.commit().await;
    assert_clean(&db.store).await;
    let mut tx = db.store.begin(&max).await.unwrap();
    assert_eq!(members_visible(&mut tx).await, (3, 3));
}

/// The logins themselves have no privileges; only the roles have.
#[tokio::test]
async fn logins_without_a_role_have_no_access() {
    let db = TestDb::with_connections(1).await;
    for table in [
        "tenants",
        "users",
        "web_sessions",
        "identities",
        "audit_log",
    ] {
        for (login, pool) in db.store.pools.each() {
            let sql = sqlx::AssertSqlSafe(format!("SELECT 1 FROM {table}"));
            let error = sqlx::query(sql).execute(pool).await.unwrap_err();
            assert!(
                error.to_string().contains("permission denied"),
                "{login:?} {table}: {error}"
            );
        }
    }
}
