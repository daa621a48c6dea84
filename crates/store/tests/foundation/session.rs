//! Sessions and sign-ins in progress.

use domain::{SessionId, TenantId, Timestamp, UserId};
use store::{
    AuthTx, Store, StoreError,
    login_attempt::{
        FollowedInvite, LoginAttempt, login_attempt_create, login_attempt_purge, login_attempt_take,
    },
    session::{
        NewSession, RefreshedTokens, Rotation, session_create, session_delete, session_list,
        session_load, session_purge, session_refresh_claim, session_refresh_finish, session_revoke,
        session_revoke_others, session_rotate, session_touch,
    },
    testing::{NOW, TestDb, id},
};
use time::Duration;
use uuid::Uuid;

const IDLE: Duration = Duration::hours(8);
const ABSOLUTE: Duration = Duration::days(7);

struct Member {
    tenant_id: TenantId,
    user_id: UserId,
}

impl Member {
    fn new() -> Self {
        Self {
            tenant_id: id(),
            user_id: id(),
        }
    }

    fn session(&self, hash: u8) -> NewSession {
        NewSession {
            id: id(),
            id_hash: [hash; 32],
            tenant_id: self.tenant_id,
            user_id: self.user_id,
            idle_expires_at: NOW + IDLE,
            absolute_expires_at: NOW + ABSOLUTE,
            ip: Some([192, 0, 2, 1].into()),
            user_agent: Some("Test browser".into()),
            identity_id: None,
            issuer_name: None,
            oidc_issuer: None,
            oidc_subject: None,
            oidc_sid: None,
            tokens_encrypted: Some(b"sealed".to_vec()),
            refresh_at: Some(NOW),
        }
    }

    /// Opens a session and returns its public id.
    async fn open(&self, store: &Store, hash: u8) -> SessionId {
        let session = self.session(hash);
        let mut tx = door(store).await;
        session_create(&mut tx, &session, NOW).await.unwrap();
        tx.commit().await.unwrap();
        session.id
    }
}

/// A rotation to the id `hash`, with half a minute for requests in flight.
fn rotation(hash: u8, now: Timestamp) -> Rotation {
    Rotation {
        id_hash: [hash; 32],
        privileges: [0; 32],
        previous_until: now + Duration::seconds(30),
    }
}

async fn door(store: &Store) -> AuthTx {
    store.begin_auth().await.unwrap()
}

async fn is_live(store: &Store, hash: u8, after: Duration) -> bool {
    session_load(&mut door(store).await, &[hash; 32], NOW + after)
        .await
        .unwrap()
        .is_some()
}

// SEC-B1
#[tokio::test]
async fn only_the_hash_of_the_id_is_stored() {
    let db = TestDb::new().await;
    let member = Member::new();
    let public_id = member.open(&db.store, 1).await;
    let session = session_load(&mut door(&db.store).await, &[1; 32], NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((session.id, session.user_id), (public_id, member.user_id));

    let stored: Vec<u8> = sqlx::query_scalar("SELECT id_hash FROM web_sessions")
        .fetch_one(&db.admin)
        .await
        .unwrap();
    assert_eq!(stored, [1; 32]);
    let short = vec![1_u8; 16];
    let error = sqlx::query("UPDATE web_sessions SET id_hash = $1")
        .bind(short)
        .execute(&db.admin)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("web_sessions_id_hash_check"),
        "a value that isn't a hash is rejected: {error}"
    );
}

// SEC-B2
#[tokio::test]
async fn idle_and_absolute_lifetimes_are_enforced() {
    let db = TestDb::new().await;
    let member = Member::new();
    member.open(&db.store, 1).await;
    let second = Duration::seconds(1);
    assert!(is_live(&db.store, 1, IDLE - second).await);
    assert!(!is_live(&db.store, 1, IDLE).await);

    // Regular use extends it, but not beyond its absolute lifetime.
    let mut used = Duration::ZERO;
    while used < ABSOLUTE - IDLE {
        used += IDLE - second;
        let now = NOW + used;
        let mut tx = door(&db.store).await;
        session_touch(&mut tx, &[1; 32], now + IDLE, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert!(is_live(&db.store, 1, ABSOLUTE - second).await);
    assert!(!is_live(&db.store, 1, ABSOLUTE).await);
}

#[tokio::test]
async fn use_is_recorded_at_most_once_a_minute() {
    let db = TestDb::new().await;
    Member::new().open(&db.store, 1).await;
    for (seconds, seen) in [(59, 0), (60, 60), (90, 60), (120, 120)] {
        let now = NOW + Duration::seconds(seconds);
        let mut tx = door(&db.store).await;
        session_touch(&mut tx, &[1; 32], now + IDLE, now)
            .await
            .unwrap();
        let session = session_load(&mut tx, &[1; 32], now).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            session.last_seen_at,
            NOW + Duration::seconds(seen),
            "after {seconds} s"
        );
        assert_eq!(
            session.idle_expires_at,
            NOW + Duration::seconds(seen) + IDLE,
            "after {seconds} s"
        );
    }
}

// SEC-B2
#[tokio::test]
async fn slow_request_can_not_resurrect_a_session() {
    let db = TestDb::new().await;
    let member = Member::new();
    let tail = b"late".as_slice();
    for (hash, way) in [(1, "revoked"), (2, "deleted"), (3, "expired"), (4, "live")] {
        let public_id = member.open(&db.store, hash).await;
        let mut slow = door(&db.store).await;
        assert!(
            session_load(&mut slow, &[hash; 32], NOW)
                .await
                .unwrap()
                .is_some()
        );

        let mut now = NOW;
        let mut tx = door(&db.store).await;
        match way {
            "revoked" => session_revoke(&mut tx, member.tenant_id, member.user_id, public_id, NOW)
                .await
                .unwrap(),
            "deleted" => assert!(session_delete(&mut tx, &[hash; 32], NOW).await.unwrap()),
            "expired" => now += IDLE,
            _ => {}
        }
        tx.commit().await.unwrap();

        let lives = way == "live";
        let (tenant_id, lease) = (member.tenant_id, now + Duration::MINUTE);
        let claimed = session_refresh_claim(&mut slow, tenant_id, public_id, lease, now)
            .await
            .unwrap();
        assert_eq!(claimed.is_some(), lives, "{way}: claim");
        let tokens = RefreshedTokens {
            sealed: Some(tail.to_vec()),
            refresh_at: now + IDLE,
        };
        assert_eq!(
            session_refresh_finish(&mut slow, tenant_id, public_id, lease, &tokens, now)
                .await
                .unwrap(),
            lives,
            "{way}: tokens"
        );
        assert_eq!(
            session_rotate(&mut slow, &[hash; 32], &rotation(hash + 100, now), now)
                .await
                .unwrap(),
            lives,
            "{way}: rotate"
        );
        session_touch(&mut slow, &[hash; 32], now + IDLE, now)
            .await
            .unwrap();
        slow.commit().await.unwrap();
        let after = now - NOW;
        assert_eq!(
            is_live(&db.store, hash + 100, after).await,
            lives,
            "{way}: new id"
        );
        let grace = Duration::SECOND * 30;
        assert_eq!(
            is_live(&db.store, hash, after).await,
            lives,
            "{way}: old id"
        );
        assert!(
            !is_live(&db.store, hash, after + grace).await,
            "{way}: old id"
        );
    }
}

// SEC-B2
#[tokio::test]
async fn old_id_of_a_rotated_session_expires_after_a_moment() {
    let db = TestDb::new().await;
    let public_id = Member::new().open(&db.store, 1).await;
    let mut tx = door(&db.store).await;
    assert!(
        session_rotate(&mut tx, &[1; 32], &rotation(2, NOW), NOW)
            .await
            .unwrap()
    );
    // A second concurrent request with the old id.
    assert!(
        !session_rotate(&mut tx, &[1; 32], &rotation(3, NOW), NOW)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert!(!is_live(&db.store, 3, Duration::ZERO).await);
    for (hash, by_previous_id) in [(1, true), (2, false)] {
        let session = session_load(&mut door(&db.store).await, &[hash; 32], NOW)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((session.id, session.created_at), (public_id, NOW));
        assert_eq!(session.by_previous_id, by_previous_id, "{hash}");
    }
    let grace = Duration::seconds(30);
    assert!(is_live(&db.store, 1, grace - Duration::MILLISECOND).await);
    assert!(!is_live(&db.store, 1, grace).await);
    assert!(is_live(&db.store, 2, grace).await);

    // Using the old id doesn't extend the session; signing out with it ends both.
    let mut tx = door(&db.store).await;
    let later = NOW + Duration::MINUTE * 2;
    session_touch(&mut tx, &[1; 32], later + IDLE, later)
        .await
        .unwrap();
    assert!(
        !session_delete(&mut tx, &[1; 32], NOW + grace)
            .await
            .unwrap()
    );
    assert!(session_delete(&mut tx, &[1; 32], NOW).await.unwrap());
    tx.commit().await.unwrap();
    for hash in [1, 2] {
        assert!(!is_live(&db.store, hash, Duration::ZERO).await, "{hash}");
    }
}

// SEC-B3
#[tokio::test]
async fn member_lists_and_ends_own_sessions_only() {
    let db = TestDb::new().await;
    let (mia, other) = (Member::new(), Member::new());
    let current = mia.open(&db.store, 1).await;
    let elsewhere = mia.open(&db.store, 2).await;
    let forgotten = mia.open(&db.store, 3).await;
    let others = other.open(&db.store, 4).await;

    let mut tx = door(&db.store).await;
    let list = session_list(&mut tx, mia.tenant_id, mia.user_id, Some(current), NOW)
        .await
        .unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!(
        list.iter()
            .filter(|s| s.is_current)
            .map(|s| s.id)
            .collect::<Vec<_>>(),
        [current]
    );
    assert_eq!(list[0].ip.as_deref(), Some("192.0.2.1"));

    // Another member's session, or the own one under another tenant, is not found.
    let strange = session_revoke(&mut tx, mia.tenant_id, mia.user_id, others, NOW).await;
    assert!(matches!(strange, Err(StoreError::NotFound)));
    let strange = session_revoke(&mut tx, other.tenant_id, mia.user_id, elsewhere, NOW).await;
    assert!(matches!(strange, Err(StoreError::NotFound)));

    session_revoke(&mut tx, mia.tenant_id, mia.user_id, elsewhere, NOW)
        .await
        .unwrap();
    let again = session_revoke(&mut tx, mia.tenant_id, mia.user_id, elsewhere, NOW).await;
    assert!(matches!(again, Err(StoreError::NotFound)));
    assert_eq!(
        session_revoke_others(&mut tx, mia.tenant_id, mia.user_id, Some(current), NOW)
            .await
            .unwrap(),
        1,
        "only {forgotten} was left"
    );
    tx.commit().await.unwrap();

    for (hash, lives) in [(1, true), (2, false), (3, false), (4, true)] {
        assert_eq!(
            is_live(&db.store, hash, Duration::ZERO).await,
            lives,
            "session {hash}"
        );
    }
    let tokens: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM web_sessions WHERE revoked_at IS NOT NULL AND tokens_encrypted IS NOT NULL",
    )
    .fetch_one(&db.admin)
    .await
    .unwrap();
    assert_eq!(tokens, 0, "ended sessions keep no tokens");
}

#[tokio::test]
async fn purging_removes_ended_sessions_only() {
    let db = TestDb::new().await;
    let member = Member::new();
    member.open(&db.store, 1).await;
    let revoked = member.open(&db.store, 2).await;
    let mut tx = door(&db.store).await;
    session_revoke(&mut tx, member.tenant_id, member.user_id, revoked, NOW)
        .await
        .unwrap();
    assert_eq!(session_purge(&mut tx, NOW).await.unwrap(), 1);
    assert!(
        session_load(&mut tx, &[1; 32], NOW)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(session_purge(&mut tx, NOW + IDLE).await.unwrap(), 1);
}

fn attempt() -> LoginAttempt {
    LoginAttempt {
        issuer_name: "oidc".into(),
        browser_hash: [9; 32],
        issuer: "https://issuer.test".into(),
        nonce: "nonce".into(),
        pkce_verifier: "verifier".into(),
        return_to: "/memories".into(),
        invite: Some(FollowedInvite {
            tenant_id: Uuid::from_u128(1).into(),
            id: Uuid::from_u128(2).into(),
            renewals: 3,
        }),
        expires_at: NOW + Duration::minutes(10),
    }
}

// SEC-A1
#[tokio::test]
async fn login_attempt_is_used_once_within_ten_minutes() {
    let db = TestDb::new().await;
    let mut tx = door(&db.store).await;
    login_attempt_create(&mut tx, &[1; 32], &attempt(), NOW)
        .await
        .unwrap();
    login_attempt_create(&mut tx, &[2; 32], &attempt(), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut tx = door(&db.store).await;
    assert_eq!(
        login_attempt_take(&mut tx, &[7; 32], NOW).await.unwrap(),
        None,
        "unknown"
    );
    assert_eq!(
        login_attempt_take(&mut tx, &[1; 32], NOW).await.unwrap(),
        Some(attempt())
    );
    assert_eq!(
        login_attempt_take(&mut tx, &[1; 32], NOW).await.unwrap(),
        None,
        "replayed"
    );
    let late = NOW + Duration::minutes(10);
    assert_eq!(
        login_attempt_take(&mut tx, &[2; 32], late).await.unwrap(),
        None,
        "too old"
    );
    assert_eq!(
        login_attempt_take(&mut tx, &[2; 32], NOW).await.unwrap(),
        None,
        "an expired attempt was accepted"
    );
}

// SEC-A1
#[tokio::test]
async fn one_of_two_concurrent_callbacks_gets_the_attempt() {
    let db = TestDb::new().await;
    let mut tx = door(&db.store).await;
    login_attempt_create(&mut tx, &[1; 32], &attempt(), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let takes: Vec<_> = (0..2)
        .map(|_| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let mut tx = door(&store).await;
                let taken = login_attempt_take(&mut tx, &[1; 32], NOW).await.unwrap();
                tx.commit().await.unwrap();
                taken.is_some()
            })
        })
        .collect();
    let mut winners = 0;
    for take in takes {
        winners += u32::from(take.await.unwrap());
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn unfinished_login_attempts_are_purged() {
    let db = TestDb::new().await;
    let mut tx = door(&db.store).await;
    login_attempt_create(&mut tx, &[1; 32], &attempt(), NOW)
        .await
        .unwrap();
    assert_eq!(login_attempt_purge(&mut tx, NOW).await.unwrap(), 0);
    assert_eq!(
        login_attempt_purge(&mut tx, NOW + Duration::minutes(10))
            .await
            .unwrap(),
        1
    );
}
