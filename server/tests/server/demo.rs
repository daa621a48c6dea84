//! The company of `--demo`: its history is written by the operations, once.

use domain::Timestamp;
use server::{
    auth::{MasterKey, demo::DemoKind},
    demo,
};
use service::{
    Clock, Ctx, Embedder, Entropy,
    identity::{SessionLifetimes, SessionSettings, TokenSealer},
};
use sqlx::{AssertSqlSafe, PgPool};
use store::testing::{NOW, TestDb};
use time::Duration;

const ISSUER: &str = "http://127.0.0.1:3000/demo/issuer";

fn sessions() -> SessionSettings {
    SessionSettings {
        lifetimes: SessionLifetimes::default(),
        sealer: TokenSealer::new(&MasterKey::new([3; 32]).derive(TokenSealer::PURPOSE)),
    }
}

/// A context whose randomness is the same in each database.
fn ctx(db: &TestDb, now: Timestamp) -> Ctx {
    let counter = std::sync::atomic::AtomicU64::new(0);
    let entropy = Entropy::from_fn(move |bytes| {
        for chunk in bytes.chunks_mut(8) {
            let next = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let mixed = next
                .wrapping_add(1)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(23);
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    });
    let embedder = Embedder::off("There is no model here.");
    Ctx::new(
        db.store.clone(),
        Clock::from_fn(move || now),
        entropy,
        embedder,
    )
    .with_public_url("http://127.0.0.1:3000")
}

async fn prepare(db: &TestDb, now: Timestamp) -> Ctx {
    let ctx = ctx(db, now);
    demo::prepare(&ctx, DemoKind::Company, ISSUER, &sessions())
        .await
        .unwrap();
    ctx
}

/// The rows of every table, as text.
async fn rows(admin: &PgPool) -> Vec<(String, i64, String)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relname NOT LIKE '\\_sqlx%' ORDER BY 1",
    )
    .fetch_all(admin)
    .await
    .unwrap();
    let mut all = Vec::new();
    for table in tables {
        let sql = format!(
            "SELECT count(*), coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '') FROM {table} t"
        );
        let (count, digest) = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_one(admin)
            .await
            .unwrap();
        all.push((table, count, digest));
    }
    all
}

async fn number(db: &TestDb, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&db.admin).await.unwrap()
}

#[tokio::test]
async fn history_is_written_once_and_its_audit_chain_verifies() {
    let db = TestDb::new().await;
    let ctx = prepare(&db, NOW).await;
    for listed in service::tenant_list(&ctx).await.unwrap() {
        assert!(listed.is_demo);
        let report = service::audit_verify(&ctx, &[], listed.tenant.id, &[]).await;
        let report = report.unwrap();
        assert!(report.holds(), "{}: {report:?}", listed.tenant.slug);
    }
    let before = rows(&db.admin).await;
    prepare(&db, NOW + Duration::hours(1)).await;
    assert_eq!(rows(&db.admin).await, before);
}

#[tokio::test]
async fn two_histories_with_the_same_clock_and_ids_are_identical() {
    let (one, two) = (TestDb::new().await, TestDb::new().await);
    prepare(&one, NOW).await;
    prepare(&two, NOW).await;
    let (one, two) = (rows(&one.admin).await, rows(&two.admin).await);
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one, two);
    }
}

#[tokio::test]
async fn history_has_what_a_company_has_and_ends_before_the_start() {
    let db = TestDb::new().await;
    prepare(&db, NOW).await;
    let counts = [
        ("memories", "SELECT count(*) FROM memories", 290..=330),
        (
            "authors",
            "SELECT count(DISTINCT user_id) FROM memories",
            12..=20,
        ),
        (
            "origins",
            "SELECT count(DISTINCT origin) FROM memories",
            7..=10,
        ),
        ("kinds", "SELECT count(DISTINCT kind) FROM memories", 5..=5),
        (
            "replies",
            "SELECT count(*) FROM memories WHERE parent_id IS NOT NULL",
            15..=60,
        ),
        (
            "versions",
            "SELECT count(*) FROM memory_versions",
            100..=400,
        ),
        (
            "private memories",
            "SELECT count(*) FROM memories WHERE visibility = 'private'",
            40..=150,
        ),
        ("teams", "SELECT count(*) FROM teams", 3..=3),
        (
            "custom roles",
            "SELECT count(*) FROM roles WHERE NOT is_system",
            3..=3,
        ),
        ("group rules", "SELECT count(*) FROM group_mappings", 3..=3),
        (
            "proposals that wait",
            "SELECT count(*) FROM memory_proposals WHERE status = 'pending'",
            5..=8,
        ),
        (
            "declined proposals",
            "SELECT count(*) FROM memory_proposals WHERE status = 'declined'",
            1..=1,
        ),
        (
            "agents and services",
            "SELECT count(*) FROM users WHERE kind <> 'human'",
            3..=3,
        ),
        (
            "rejected rows",
            "SELECT (report ->> 'failed')::int8 FROM imports",
            2..=2,
        ),
        (
            "rows imported with changes",
            "SELECT (report ->> 'changed')::int8 FROM imports",
            1..=1,
        ),
        (
            "notifications",
            "SELECT count(*) FROM notifications n JOIN users u ON u.id = n.user_id WHERE n.read_at IS NULL AND u.kind = 'human'",
            3..=60,
        ),
        ("audit rows", "SELECT count(*) FROM audit_log", 600..=2_000),
        (
            "denials",
            "SELECT count(*) FROM audit_log WHERE outcome = 'denied'",
            4..=10,
        ),
    ];
    for (what, sql, expected) in counts {
        let found = number(&db, sql).await;
        assert!(expected.contains(&found), "{what}: {found}");
    }
    for (what, column) in [
        ("memories", "SELECT max(updated_at) FROM memories"),
        (
            "audit_log",
            "SELECT max(at) FROM audit_log WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'northwind')",
        ),
    ] {
        let last: Timestamp = sqlx::query_scalar(column)
            .fetch_one(&db.admin)
            .await
            .unwrap();
        assert!(
            last < NOW && last > NOW - Duration::hours(2),
            "{what}: {last}"
        );
    }
}
