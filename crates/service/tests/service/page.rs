//! The snapshot in which a page is read.

use crate::{
    call_memory::{memory_create, memory_list},
    support::{World, text},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Actor, AppError, NoInput, Permission, RequestFacts,
    memory::{MemoryFilter, NewMemory, Origin},
};
use service::{
    Ctx, IsolationProbe,
    identity::{CallerError, SessionMember, SessionToken, Visit, session_resolve},
};
use sha2::{Digest as _, Sha256};

const TOKEN: [u8; 16] = [7; 16];

async fn resolve(world: &World, facts: &RequestFacts) -> Result<SessionMember, CallerError> {
    let token = SessionToken::parse(&URL_SAFE_NO_PAD.encode(TOKEN)).unwrap();
    let visit = Visit {
        is_use: true,
        may_rotate: true,
        is_page: true,
    };
    session_resolve(&world.ctx, &token, facts, visit).await
}

/// The member's session, resolved for a page.
async fn open_page(world: &World, actor: &Actor) -> (Ctx, SessionMember) {
    let id = world.session(actor.user_id).await;
    sqlx::query("UPDATE web_sessions SET id_hash = $2 WHERE id = $1")
        .bind(id.0)
        .bind(Sha256::digest(TOKEN).as_slice())
        .execute(&world.db.admin)
        .await
        .unwrap();
    // The first request writes to the session.
    resolve(world, &actor.request).await.unwrap();
    let member = resolve(world, &actor.request).await.unwrap();
    let ctx = world.ctx.clone().with_page(Some(member.page.clone()));
    (ctx, member)
}

async fn count(ctx: &Ctx, actor: &Actor) -> usize {
    let listed = memory_list(ctx, actor, &MemoryFilter::default(), None).await;
    listed.unwrap().items.len()
}

async fn create(ctx: &Ctx, actor: &Actor) {
    let memory = NewMemory::of(text("The key is under the mat"), Origin::Dashboard);
    memory_create(ctx, actor, &memory).await.unwrap();
}

#[tokio::test]
async fn reads_of_a_page_share_one_snapshot() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let (page, member) = open_page(&world, &mia).await;
    let actor = &member.actor;
    assert_eq!(actor.permissions, mia.permissions);
    assert_eq!(count(&page, actor).await, 0);
    // Of another request.
    create(&world.ctx, &mia).await;
    assert_eq!(count(&page, actor).await, 0, "the snapshot is from before");
    assert_eq!(count(&world.ctx, actor).await, 1);
    member.page.end().await;
    assert_eq!(count(&page, actor).await, 1, "the snapshot is over");
}

#[tokio::test]
async fn change_is_seen_by_what_is_read_after_it() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let (page, member) = open_page(&world, &mia).await;
    assert_eq!(count(&page, &member.actor).await, 0);
    create(&page, &member.actor).await;
    assert_eq!(count(&page, &member.actor).await, 1);
}

#[tokio::test]
async fn another_actor_does_not_read_in_the_page() {
    let world = World::without_model().await;
    let (mia, max) = (world.member("Mia").await, world.member("Max").await);
    create(&world.ctx, &mia).await;
    let (page, member) = open_page(&world, &mia).await;
    assert_eq!(count(&page, &member.actor).await, 1);
    assert_eq!(count(&page, &max).await, 0, "Max reads as himself");
}

// SEC-E1
#[tokio::test]
async fn denial_in_a_page_is_audited() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let (page, member) = open_page(&world, &mia).await;
    assert_eq!(count(&page, &member.actor).await, 0);
    let denied = service::call::<IsolationProbe>(&page, &member.actor, NoInput {}).await;
    let permission = Permission::IsolationProbe;
    assert_eq!(denied.unwrap_err(), AppError::Forbidden { permission });
    let audited: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM audit_log WHERE action = 'isolation.probe' AND outcome = 'denied'",
    )
    .fetch_one(&world.db.admin)
    .await
    .unwrap();
    assert_eq!(audited, 1);
    assert_eq!(count(&page, &member.actor).await, 0, "the page goes on");
}

// SEC-B3
#[tokio::test]
async fn ended_session_and_inactive_member_open_no_page() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    open_page(&world, &mia).await;
    for (change, undo) in [
        (
            "UPDATE web_sessions SET revoked_at = created_at",
            "UPDATE web_sessions SET revoked_at = NULL",
        ),
        (
            "UPDATE web_sessions SET idle_expires_at = created_at",
            "UPDATE web_sessions SET idle_expires_at = absolute_expires_at",
        ),
        (
            "UPDATE users SET status = 'suspended'",
            "UPDATE users SET status = 'active'",
        ),
        (
            "UPDATE tenants SET status = 'suspended'",
            "UPDATE tenants SET status = 'active'",
        ),
    ] {
        sqlx::query(change).execute(&world.db.admin).await.unwrap();
        let refused = resolve(&world, &mia.request).await.err();
        assert!(
            matches!(
                refused,
                Some(CallerError::Unknown | CallerError::Inactive(_))
            ),
            "{change}: {refused:?}"
        );
        sqlx::query(undo).execute(&world.db.admin).await.unwrap();
        resolve(&world, &mia.request).await.unwrap();
    }
}

// SEC-B3
#[tokio::test]
async fn revoked_role_is_gone_on_the_next_page() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let (_, before) = open_page(&world, &mia).await;
    assert!(before.actor.permissions.contains(&Permission::MemoryRead));
    sqlx::query("DELETE FROM user_roles")
        .execute(&world.db.admin)
        .await
        .unwrap();
    let after = resolve(&world, &mia.request).await.unwrap();
    assert!(after.actor.permissions.is_empty() && !after.has_role);
    assert!(after.rotated.is_some(), "with a new token (SEC-B2)");
}
