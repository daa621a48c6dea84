//! API keys: who can see and revoke them, and what is stored.

use std::collections::BTreeSet;

use domain::{
    Actor, ActorKind, ApiKeyId, Permission, UserId, Vendor,
    access::SystemRole,
    api_key::{ApiKeyListInput, ApiKeyScope, ApiKeyState, NewApiKey},
};
use sqlx::Connection as _;
use store::{
    StoreError,
    api_key::{
        ApiKeySecret, api_key_create, api_key_find, api_key_get, api_key_list, api_key_revoke,
        api_key_revoke_all, api_key_touch, service_account_list,
    },
    testing::{NOW, TestDb, TestTenant, id},
    user::{NewUser, user_create},
};
use time::Duration;

fn new(label: &str) -> NewApiKey {
    NewApiKey {
        label: label.into(),
        scopes: BTreeSet::from([Permission::MemoryRead]),
        vendor: Vendor::Other,
        lifetime: Some(Duration::days(30)),
    }
}

async fn create(
    db: &TestDb,
    actor: &Actor,
    owner: UserId,
    hash: u8,
) -> Result<ApiKeyId, StoreError> {
    let key = id();
    let mark = ApiKeySecret {
        hash: &[hash; 32],
        prefix: "atr_abcd",
    };
    let mut tx = db.store.begin(actor).await?;
    api_key_create(&mut tx, key, owner, mark, &new("Export"), NOW).await?;
    tx.commit().await?;
    Ok(key)
}

async fn labels(db: &TestDb, actor: &Actor, scope: ApiKeyScope, ended: bool) -> Vec<ApiKeyId> {
    let mut tx = db.store.begin(actor).await.unwrap();
    let input = ApiKeyListInput {
        ended,
        ..ApiKeyListInput::default()
    };
    let page = api_key_list(&mut tx, scope, &input, NOW, 50).await.unwrap();
    page.items.into_iter().map(|key| key.id).collect()
}

async fn service(acme: &TestTenant) -> UserId {
    let user_id = id();
    let mut tx = acme.enter().await;
    let user = NewUser {
        id: user_id,
        display_name: "Exporter",
        email: None,
        kind: ActorKind::Service,
    };
    user_create(&mut tx, &user, NOW).await.unwrap();
    tx.commit().await.unwrap();
    user_id
}

// SEC-D5, SEC-C6
#[tokio::test]
async fn key_is_visible_and_revocable_to_its_owner_and_to_key_managers() {
    let db = TestDb::new().await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let ada = acme.actor(SystemRole::Admin, "Ada").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    let key = create(&db, &mia, mia.user_id, 1).await.unwrap();

    assert_eq!(labels(&db, &mia, ApiKeyScope::Own, false).await, [key]);
    assert_eq!(labels(&db, &ada, ApiKeyScope::Any, false).await, [key]);
    assert_eq!(labels(&db, &ada, ApiKeyScope::Own, false).await, []);
    for stranger in [&max, &eve] {
        assert_eq!(labels(&db, stranger, ApiKeyScope::Any, false).await, []);
        let mut tx = db.store.begin(stranger).await.unwrap();
        let seen = api_key_get(&mut tx, key).await;
        assert!(matches!(seen, Err(StoreError::NotFound)), "{seen:?}");
        let ended = api_key_revoke(&mut tx, key, NOW).await;
        assert!(matches!(ended, Err(StoreError::NotFound)), "{ended:?}");
    }

    let mut tx = db.store.begin(&ada).await.unwrap();
    api_key_revoke(&mut tx, key, NOW).await.unwrap();
    let again = api_key_revoke(&mut tx, key, NOW).await;
    assert!(matches!(again, Err(StoreError::NotFound)));
    assert_eq!(
        api_key_get(&mut tx, key).await.unwrap().state(NOW),
        ApiKeyState::Revoked
    );
    tx.commit().await.unwrap();
    assert_eq!(labels(&db, &mia, ApiKeyScope::Own, true).await, [key]);
    assert_eq!(labels(&db, &mia, ApiKeyScope::Own, false).await, []);
}

// SEC-G: a key for somebody else, whatever the service allows.
#[tokio::test]
async fn database_rejects_a_key_for_somebody_else() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let ben = acme.actor(SystemRole::Billing, "Ben").await;
    let ada = acme.actor(SystemRole::Admin, "Ada").await;
    for (actor, owner) in [
        (&mia, max.user_id),
        (&ben, ben.user_id),
        (&ben, mia.user_id),
    ] {
        let refused = create(&db, actor, owner, 1).await;
        assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    }
    let exporter = service(&acme).await;
    create(&db, &ada, exporter, 2).await.unwrap();
    let mut tx = db.store.begin(&ada).await.unwrap();
    let services = service_account_list(&mut tx, NOW, 50).await.unwrap();
    let [only] = services.as_slice() else {
        panic!("{services:?}")
    };
    assert_eq!(
        (only.id, only.key_count, only.is_active),
        (exporter, 1, true)
    );
}

// SEC-D5
#[tokio::test]
async fn auth_role_finds_a_key_by_its_hash_and_records_its_use_once_a_minute() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let key = create(&db, &mia, mia.user_id, 1).await.unwrap();

    let mut tx = db.store.begin_auth().await.unwrap();
    assert_eq!(api_key_find(&mut tx, &[2; 32]).await.unwrap(), None);
    let found = api_key_find(&mut tx, &[1; 32]).await.unwrap().unwrap();
    assert_eq!((found.id, found.user_id), (key, mia.user_id));
    assert_eq!(found.scopes, [Permission::MemoryRead]);
    assert_eq!(found.expires_at, Some(NOW + Duration::days(30)));
    for (seconds, noted) in [(0, 0), (59, 0), (60, 60)] {
        let now = NOW + Duration::seconds(seconds);
        api_key_touch(&mut tx, &[1; 32], now).await.unwrap();
        let found = api_key_find(&mut tx, &[1; 32]).await.unwrap().unwrap();
        assert_eq!(found.last_used_at, Some(NOW + Duration::seconds(noted)));
    }
}

// SEC-D5: an organisation's own transactions can't read a key's hash.
#[tokio::test]
async fn only_the_auth_role_reads_the_hash() {
    let db = TestDb::new().await;
    for (role, reads) in [("atrium_app", false), ("atrium_auth", true)] {
        let mut conn = db.connection_for(role).await.unwrap();
        let mut tx = conn.begin().await.unwrap();
        sqlx::query("SELECT set_config('role', $1, true)")
            .bind(role)
            .execute(&mut *tx)
            .await
            .unwrap();
        let read = sqlx::query("SELECT key_hash FROM api_keys")
            .execute(&mut *tx)
            .await;
        assert_eq!(read.is_ok(), reads, "{role}: {read:?}");
    }
}

#[tokio::test]
async fn all_keys_of_a_member_end_together() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let ada = acme.actor(SystemRole::Admin, "Ada").await;
    for hash in [1, 2] {
        create(&db, &mia, mia.user_id, hash).await.unwrap();
    }
    let left = create(&db, &max, max.user_id, 3).await.unwrap();
    let mut tx = db.store.begin(&ada).await.unwrap();
    assert_eq!(
        api_key_revoke_all(&mut tx, mia.user_id, NOW).await.unwrap(),
        2
    );
    assert_eq!(
        api_key_revoke_all(&mut tx, mia.user_id, NOW).await.unwrap(),
        0
    );
    tx.commit().await.unwrap();
    assert_eq!(labels(&db, &ada, ApiKeyScope::Any, false).await, [left]);
}

#[tokio::test]
async fn list_is_paginated_newest_first() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let mut made = Vec::new();
    for hash in 0..5 {
        made.push(create(&db, &mia, mia.user_id, hash).await.unwrap());
    }
    made.reverse();
    let mut tx = db.store.begin(&mia).await.unwrap();
    let (mut seen, mut input) = (Vec::new(), ApiKeyListInput::default());
    loop {
        let page = api_key_list(&mut tx, ApiKeyScope::Own, &input, NOW, 2)
            .await
            .unwrap();
        seen.extend(page.items.iter().map(|key| key.id));
        input.after = page.next;
        if input.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, made);
    input.after = Some("x".into());
    let nonsense = api_key_list(&mut tx, ApiKeyScope::Own, &input, NOW, 2).await;
    assert!(matches!(nonsense, Err(StoreError::Cursor)));
}
