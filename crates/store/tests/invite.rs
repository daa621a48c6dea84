//! Invites: who sees and changes them, and what the database enforces.

use domain::{Actor, InviteId, access::SystemRole, invite::InviteListInput};
use store::{
    StoreError,
    invite::{
        NewInviteRow, invite_accept, invite_create, invite_find, invite_get, invite_list,
        invite_renew, invite_revoke,
    },
    testing::{NOW, TestDb, TestTenant, id},
};
use time::Duration;

fn record(hash: &[u8; 32]) -> NewInviteRow<'_> {
    NewInviteRow {
        id: id(),
        email: None,
        token_hash: hash,
        role_id: None,
        team_id: None,
        expires_at: NOW + Duration::DAY,
    }
}

async fn create(db: &TestDb, actor: &Actor, hash: u8) -> Result<InviteId, StoreError> {
    let hash = [hash; 32];
    let new = record(&hash);
    let mut tx = db.store.begin(actor).await?;
    invite_create(&mut tx, &new, NOW).await?;
    tx.commit().await?;
    Ok(new.id)
}

async fn operators(acme: &TestTenant, hash: u8) -> InviteId {
    let hash = [hash; 32];
    let new = record(&hash);
    let mut tx = acme.enter().await;
    invite_create(&mut tx, &new, NOW).await.unwrap();
    tx.commit().await.unwrap();
    new.id
}

// SEC-C6
#[tokio::test]
async fn invites_are_visible_and_changeable_to_inviters_of_the_organisation() {
    let db = TestDb::new().await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let ada = acme.actor(SystemRole::Admin, "Ada").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    let invite = create(&db, &ada, 1).await.unwrap();
    for stranger in [&mia, &eve] {
        let mut tx = db.store.begin(stranger).await.unwrap();
        let page = invite_list(&mut tx, &InviteListInput::default(), NOW, 50).await;
        assert_eq!(page.unwrap().items, []);
        for refused in [
            invite_get(&mut tx, invite).await.map(drop),
            invite_revoke(&mut tx, invite).await,
            invite_renew(&mut tx, invite, &[9; 32], NOW).await,
            invite_accept(&mut tx, invite, stranger.user_id, NOW).await,
        ] {
            assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
        }
        drop(tx);
        assert!(create(&db, &mia, 2).await.is_err());
    }
    let mut tx = db.store.begin(&ada).await.unwrap();
    assert_eq!(
        invite_get(&mut tx, invite).await.unwrap().inviter,
        Some(ada.user_id)
    );
    invite_revoke(&mut tx, invite).await.unwrap();
    let again = invite_revoke(&mut tx, invite).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
}

// SEC-G (privilege minted): an invite without an inviter is checked against no
// permissions, so no member can create one or turn another into it.
#[tokio::test]
async fn database_lets_no_member_create_or_change_the_operators_invites() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let olga = acme.actor(SystemRole::Owner, "Olga").await;
    let own = create(&db, &olga, 1).await.unwrap();
    let operators = operators(&acme, 2).await;
    let mut tx = db.store.begin(&olga).await.unwrap();
    for refused in [
        invite_revoke(&mut tx, operators).await,
        invite_renew(&mut tx, operators, &[9; 32], NOW).await,
        invite_accept(&mut tx, operators, olga.user_id, NOW).await,
    ] {
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
    drop(tx);

    let mut conn = db.admin.acquire().await.unwrap();
    let permissions: Vec<_> = olga.permissions.iter().map(|p| p.key()).collect();
    for forged in [
        "INSERT INTO invites (tenant_id, id, token_hash, renewals, status, created_at, expires_at)
         SELECT tenant_id, gen_random_uuid(), sha256('x'), 0, 'pending', created_at, expires_at FROM invites LIMIT 1",
        "INSERT INTO invites (tenant_id, id, token_hash, invited_by, renewals, status, created_at, expires_at)
         SELECT tenant_id, gen_random_uuid(), sha256('x'), (SELECT u.id FROM users u WHERE u.id <> invited_by LIMIT 1),
                0, 'pending', created_at, expires_at FROM invites WHERE invited_by IS NOT NULL LIMIT 1",
        "UPDATE invites SET invited_by = NULL WHERE invited_by IS NOT NULL",
    ] {
        let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
        acme_member(&mut tx, &olga, &permissions.join(",")).await;
        let refused = sqlx::query(forged).execute(&mut *tx).await.unwrap_err();
        assert!(
            refused.to_string().contains("row-level security"),
            "{forged}: {refused}"
        );
    }
    let _ = own;
}

/// Takes the role `atrium_app` with the settings of `actor`, without the store.
async fn acme_member(conn: &mut sqlx::PgConnection, actor: &Actor, permissions: &str) {
    sqlx::query(
        "SELECT set_config('role', 'atrium_app', true), set_config('app.current_tenant_id', $1, true),
                set_config('app.current_user_id', $2, true), set_config('app.permissions', $3, true)",
    )
    .bind(actor.tenant_id.to_string())
    .bind(actor.user_id.to_string())
    .bind(permissions)
    .execute(conn)
    .await
    .unwrap();
}

// SEC-D5
#[tokio::test]
async fn only_the_auth_role_finds_an_invite_by_its_token_and_reads_little_of_it() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let ada = acme.actor(SystemRole::Admin, "Ada").await;
    let invite = create(&db, &ada, 1).await.unwrap();
    let mut tx = db.store.begin_auth().await.unwrap();
    assert_eq!(
        invite_find(&mut tx, &[1; 32]).await.unwrap(),
        Some((acme.id, invite))
    );
    assert_eq!(invite_find(&mut tx, &[2; 32]).await.unwrap(), None);
    for (role, column, may) in [
        ("atrium_auth", "token_hash", true),
        ("atrium_auth", "email", false),
        ("atrium_auth", "invited_by", false),
        ("atrium_auth", "role_id", false),
        ("atrium_app", "token_hash", false),
        ("atrium_app", "email", true),
        ("atrium_worker", "id", false),
        ("atrium_operator", "id", false),
    ] {
        let held: bool =
            sqlx::query_scalar("SELECT has_column_privilege($1, 'invites', $2, 'SELECT')")
                .bind(role)
                .bind(column)
                .fetch_one(&db.admin)
                .await
                .unwrap();
        assert_eq!(held, may, "{role} {column}");
    }
}

#[tokio::test]
async fn invites_are_paginated_and_filtered_by_status() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let ada = acme.actor(SystemRole::Admin, "Ada").await;
    let mut made = Vec::new();
    for n in 1..=5 {
        made.push(create(&db, &ada, n).await.unwrap());
    }
    let mut tx = db.store.begin(&ada).await.unwrap();
    invite_revoke(&mut tx, made[1]).await.unwrap();
    let mut seen = Vec::new();
    let mut input = InviteListInput::default();
    loop {
        let page = invite_list(&mut tx, &input, NOW, 2).await.unwrap();
        seen.extend(page.items.iter().map(|invite| invite.id));
        input.after = page.next;
        if input.after.is_none() {
            break;
        }
    }
    made.reverse();
    assert_eq!(seen, made);
    let later = NOW + Duration::DAY;
    for (status, now, count) in [
        ("pending", NOW, 4),
        ("pending", later, 0),
        ("expired", later, 4),
        ("revoked", later, 1),
        ("accepted", NOW, 0),
    ] {
        let input = InviteListInput {
            status: status.into(),
            ..InviteListInput::default()
        };
        let page = invite_list(&mut tx, &input, now, 50).await.unwrap();
        assert_eq!(page.items.len(), count, "{status}");
    }
    let input = InviteListInput {
        status: "lost".into(),
        ..InviteListInput::default()
    };
    let refused = invite_list(&mut tx, &input, NOW, 50).await;
    assert!(matches!(refused, Err(StoreError::Filter("status"))));
}
