//! The transaction of a page, whose session is found on the login of members'
//! requests.

use domain::{
    Actor,
    access::SystemRole,
    memory::{MemoryText, NewMemory, Origin},
};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use store::{
    Login, StoreError,
    memory::{memory_counts, memory_create},
    session::{NewSession, Rotation, session_create, session_revoke_others, session_rotate},
    testing::{NOW, TestDb, id},
};
use time::Duration;

const HASH: [u8; 32] = [1; 32];

async fn session(db: &TestDb, actor: &Actor) {
    let session = NewSession {
        id: id(),
        id_hash: HASH,
        tenant_id: actor.tenant_id,
        user_id: actor.user_id,
        idle_expires_at: NOW + Duration::hours(8),
        absolute_expires_at: NOW + Duration::days(7),
        ip: None,
        user_agent: None,
        identity_id: None,
        issuer_name: None,
        oidc_issuer: None,
        oidc_subject: None,
        oidc_sid: None,
        tokens_encrypted: Some(b"sealed".to_vec()),
        refresh_at: Some(NOW + Duration::hours(1)),
    };
    let mut tx = db.store.begin_auth().await.unwrap();
    session_create(&mut tx, &session, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

async fn is_found(db: &TestDb, hash: &[u8; 32], after: Duration) -> bool {
    let found = db.store.begin_page(hash, NOW + after).await.unwrap();
    found.is_some()
}

async fn create(db: &TestDb, actor: &Actor) {
    let mut tx = db.store.begin(actor).await.unwrap();
    let text = MemoryText::new("", "Where the key is".into(), "fact", &[]).unwrap();
    memory_create(&mut tx, id(), &NewMemory::of(text, Origin::Dashboard), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn page_reads_as_the_member_of_its_session_and_changes_nothing() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let max = db
        .tenant("other")
        .await
        .actor(SystemRole::Member, "Max")
        .await;
    session(&db, &mia).await;
    create(&db, &mia).await;
    create(&db, &max).await;

    let (mut tx, found) = db.store.begin_page(&HASH, NOW).await.unwrap().unwrap();
    assert_eq!(found.record.profile.user_id, mia.user_id);
    assert_eq!(found.record.to_actor(mia.request.clone()), mia);
    assert!(!found.by_previous_id && !found.refresh_is_due);
    let stranger = tx.enter_actor(&max).await;
    assert!(
        matches!(stranger, Err(StoreError::Other(_))),
        "{stranger:?}"
    );
    tx.enter_actor(&mia).await.unwrap();
    let counts = memory_counts(&mut tx, NOW).await.unwrap();
    assert_eq!((counts.own, counts.shared), (1, 0));
    // Committed meanwhile.
    create(&db, &mia).await;
    assert_eq!(memory_counts(&mut tx, NOW).await.unwrap().own, 1);
    let text = MemoryText::new("", "Another".into(), "fact", &[]).unwrap();
    let memory = NewMemory::of(text, Origin::Dashboard);
    let written = memory_create(&mut tx, id(), &memory, NOW).await;
    assert!(matches!(written, Err(StoreError::Other(_))), "{written:?}");

    let due = db.store.begin_page(&HASH, NOW + Duration::hours(1)).await;
    assert!(due.unwrap().unwrap().1.refresh_is_due);
}

// SEC-B1, SEC-B2, SEC-B3
#[tokio::test]
async fn only_a_live_session_opens_a_page() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    assert!(!is_found(&db, &HASH, Duration::ZERO).await);
    session(&db, &mia).await;
    assert!(is_found(&db, &HASH, Duration::hours(7)).await);
    assert!(!is_found(&db, &[2; 32], Duration::ZERO).await, "unknown");
    assert!(!is_found(&db, &HASH, Duration::hours(8)).await, "idle");

    let rotation = Rotation {
        id_hash: [3; 32],
        privileges: [0; 32],
        previous_until: NOW + Duration::seconds(30),
    };
    let mut tx = db.store.begin_auth().await.unwrap();
    session_rotate(&mut tx, &HASH, &rotation, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(is_found(&db, &[3; 32], Duration::ZERO).await);
    assert!(is_found(&db, &HASH, Duration::seconds(29)).await);
    assert!(
        !is_found(&db, &HASH, Duration::seconds(30)).await,
        "rotated"
    );

    let mut tx = db.store.begin_auth().await.unwrap();
    session_revoke_others(&mut tx, mia.tenant_id, mia.user_id, None, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(!is_found(&db, &[3; 32], Duration::ZERO).await, "revoked");
}

async fn conn_as(db: &TestDb, login: Login) -> PgConnection {
    db.login_options(login).connect().await.unwrap()
}

/// SQL that runs for a member can call the function, too.
#[tokio::test]
async fn session_function_tells_nothing_without_the_hash() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    session(&db, &mia).await;
    let mut conn = conn_as(&db, Login::App).await;
    let mut tx = conn.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL ROLE atrium_app; SET LOCAL app.current_tenant_id = 'x'")
        .execute(&mut *tx)
        .await
        .unwrap();
    let hashes: [Option<Vec<u8>>; 4] = [None, Some(vec![]), Some(vec![2; 32]), Some(vec![1; 31])];
    for hash in hashes {
        let (found, tenant): (bool, String) = sqlx::query_as(
            "SELECT s IS DISTINCT FROM NULL AND s.session_id IS NOT NULL,
                    current_setting('app.current_tenant_id')
               FROM session_enter($1, $2) AS s",
        )
        .bind(&hash)
        .bind(NOW)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
        assert!(!found && tenant.is_empty(), "{hash:?}: {tenant}");
    }
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT unnest(proargnames) FROM pg_proc WHERE proname = 'session_enter'",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    assert_eq!(
        columns,
        [
            "p_id_hash",
            "p_now",
            "tenant_id",
            "user_id",
            "session_id",
            "last_seen_at",
            "privileges_hash",
            "by_previous_id",
            "refresh_is_due",
        ]
    );
    let direct = sqlx::query("SELECT FROM web_sessions")
        .execute(&mut *tx)
        .await;
    assert!(
        direct
            .unwrap_err()
            .to_string()
            .contains("permission denied")
    );

    for role in ["atrium_auth", "atrium_session"] {
        let mut conn = conn_as(&db, Login::App).await;
        let taken = sqlx::query("SELECT set_config('role', $1, false)")
            .bind(role)
            .execute(&mut conn)
            .await;
        assert!(taken.is_err(), "{role}");
    }
    for login in [Login::Auth, Login::Worker, Login::Operator] {
        let mut conn = conn_as(&db, login).await;
        let role = login.roles()[0];
        sqlx::query("SELECT set_config('role', $1, false)")
            .bind(role)
            .execute(&mut conn)
            .await
            .unwrap();
        let called = sqlx::query("SELECT session_enter($1, $2)")
            .bind(HASH.as_slice())
            .bind(NOW)
            .execute(&mut conn)
            .await;
        let error = called.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{role}: {error}");
    }
}
