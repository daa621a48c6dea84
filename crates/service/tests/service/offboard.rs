//! Offboarding: previewed first, then applied completely or not at all.

use domain::{
    Actor, AppError, MemoryId, Permission, TeamId, UserId,
    access::SystemRole,
    api_key::NewApiKey,
    member::{MemberChange, UserStatus},
    offboard::OffboardInput,
    share::{Audience, EditOutcome, ShareOutcome},
};
use service::{actor_find, member_change};

use store::api_key::{ApiKeySecret, api_key_create};

use crate::call_memory::{memory_create, memory_get, memory_share, memory_update, proposal_get};
use crate::{
    call::{member_get, offboard, offboard_preview},
    support::{World, change, draft, json_text},
};

fn input(id: UserId, confirm: &str, heir: Option<UserId>) -> OffboardInput {
    OffboardInput {
        id,
        confirm: confirm.into(),
        heir,
    }
}

impl World {
    /// A memory of `owner` shared with a team (`None`: the organisation).
    pub(crate) async fn shared_with(&self, owner: &Actor, team: Option<TeamId>) -> MemoryId {
        let id = memory_create(&self.ctx, owner, &draft("The contract ends in May"))
            .await
            .unwrap();
        sqlx::query(
            "UPDATE memories SET visibility = CASE WHEN $2::uuid IS NULL THEN 'org' ELSE 'team' END, team_id = $2,
                    shared_at = updated_at WHERE id = $1",
        )
        .bind(id)
        .bind(team)
        .execute(&self.db.admin)
        .await
        .unwrap();
        id
    }
}

// SEC-B3
#[expect(
    clippy::too_many_lines,
    reason = "one story, from the preview to the result"
)]
#[tokio::test]
async fn offboarding_ends_all_that_was_previewed_at_once() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let heir = world.member("Hans").await;
    let (mia, max) = (
        world.member("Mia").await.user_id,
        world.member("Max").await.user_id,
    );
    let ctx = &world.ctx;
    let team = world.tenant.team("Design", &[mia, max]).await;
    sqlx::query("UPDATE team_members SET role = 'lead' WHERE user_id = $1")
        .bind(mia)
        .execute(&world.db.admin)
        .await
        .unwrap();
    let mia = world.tenant.actor_of(mia).await;
    let max = world.tenant.actor_of(max).await;
    world.session(mia.user_id).await;
    world.session(mia.user_id).await;
    let key = NewApiKey {
        label: "Laptop".into(),
        scopes: [Permission::MemoryRead].into(),
        vendor: domain::Vendor::Other,
        lifetime: None,
    };
    let mark = ApiKeySecret {
        hash: &ctx.ids.bytes(),
        prefix: "atr_1234",
    };
    let mut tx = ctx.store.begin(&mia).await.unwrap();
    api_key_create(
        &mut tx,
        ctx.ids.id(),
        mia.user_id,
        mark,
        &key,
        ctx.clock.now(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let private = memory_create(ctx, &mia, &draft("Only mine")).await.unwrap();
    let with_team = world.shared_with(&mia, Some(team)).await;
    let with_all = world.shared_with(&mia, None).await;

    let outcome = memory_share(ctx, &mia, private, 1, &Audience::Org, "").await;
    let Ok(ShareOutcome::Proposed {
        proposal_id: proposal,
    }) = outcome
    else {
        panic!("{outcome:?}");
    };

    let told = offboard_preview(ctx, &admin, mia.user_id).await.unwrap();
    assert_eq!(
        (
            told.sessions,
            told.keys,
            told.shared_memories,
            told.private_memories
        ),
        (2, 1, 2, 1)
    );
    assert_eq!(told.left_without_lead, ["Design"]);
    assert_eq!((told.member.roles.len(), told.blocked_reason), (1, None));
    // The preview changed nothing.
    assert_eq!(world.live_sessions(mia.user_id).await.len(), 2);

    // An incomplete confirmation changes nothing.
    for (bad, field) in [
        (input(mia.user_id, "mia", Some(heir.user_id)), "confirm"),
        (input(mia.user_id, "Mia", None), "heir"),
        (input(mia.user_id, "Mia", Some(mia.user_id)), "heir"),
        (
            input(mia.user_id, "Mia", Some(store::testing::id())),
            "heir",
        ),
    ] {
        let refused = offboard(ctx, &admin, bad.clone()).await.unwrap_err();
        assert!(refused.for_field(field).is_some(), "{bad:?}: {refused:?}");
        assert_eq!(world.live_sessions(mia.user_id).await.len(), 2);
    }

    offboard(ctx, &admin, input(mia.user_id, " Mia ", Some(heir.user_id)))
        .await
        .unwrap();
    assert!(world.live_sessions(mia.user_id).await.is_empty());
    let found = actor_find(ctx, mia.tenant_id, mia.user_id, mia.request.clone()).await;
    assert_eq!(found, Ok(None));
    let gone = member_get(ctx, &admin, mia.user_id).await.unwrap().member;
    assert_eq!(gone.status, UserStatus::Deactivated);
    assert!(gone.roles.is_empty() && gone.teams.is_empty());

    let after = offboard_preview(ctx, &admin, mia.user_id).await.unwrap();
    assert_eq!((after.sessions, after.keys), (0, 0));

    // The heir owns shared memories and may propose to change them, for a team's
    // memories as a member of the team; others still see them as they were.
    for (memory, may) in [(with_team, false), (with_all, true)] {
        let kept = memory_get(ctx, &heir, memory).await.unwrap();
        assert!(kept.is_own);
        let edited = memory_update(ctx, &heir, memory, 2, &change("It ended in May")).await;
        match edited {
            Ok(EditOutcome::Proposed(_)) if may => {}
            Err(AppError::Conflict { message }) if !may => {
                assert!(message.contains("team"), "{message}");
            }
            other => panic!("{other:?}"),
        }
        let seen = memory_get(ctx, &max, memory).await.unwrap();
        assert_eq!(seen.content, "The contract ends in May");
    }
    // SEC-C: nobody can read the private memory, including the heir.
    for stranger in [&heir, &admin, &max] {
        let seen = memory_get(ctx, stranger, private).await.map(drop);
        assert_eq!(seen, Err(AppError::NotFound));
    }
    let gone = proposal_get(ctx, &admin, proposal).await.map(drop);
    assert_eq!(gone, Err(AppError::NotFound));
    // SEC-E1: each memory has a version, which stays the former member's, and an
    // audit row.
    let rows = &world.audit().await;
    for memory in [with_team, with_all] {
        let row = rows.iter().find(|row| {
            row.action == "member.offboard"
                && row.resource_id.as_deref() == Some(&memory.to_string())
        });
        let changes = json_text(row.unwrap().changes.as_ref());
        assert!(changes.contains(&heir.user_id.to_string()), "{changes}");
        let kept: Vec<(i32, uuid::Uuid, uuid::Uuid, String)> = sqlx::query_as(
            "SELECT version, user_id, changed_by, change_reason FROM memory_versions
              WHERE memory_id = $1 AND version = 1",
        )
        .bind(memory)
        .fetch_all(&world.db.admin)
        .await
        .unwrap();
        let (owner, by) = (mia.user_id.0, admin.user_id.0);
        assert_eq!(kept, [(1, owner, by, "Its owner has left.".to_owned())]);
    }
    let row = rows.iter().find(|row| {
        row.action == "member.offboard" && row.resource_type.as_deref() == Some("user")
    });
    let changes = json_text(row.unwrap().changes.as_ref());
    for part in [
        r#""sessions_ended":2"#,
        r#""keys_revoked":1"#,
        r#""memories_handed_over":2"#,
        r#""proposals_withdrawn":1"#,
        &heir.user_id.to_string(),
        &team.to_string(),
    ] {
        assert!(changes.contains(part), "{changes} has no {part}");
    }
}

#[tokio::test]
async fn offboarded_member_comes_back_without_roles_and_teams() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let mia = world.member("Mia").await;
    let ctx = &world.ctx;
    // The member was deactivated before; what remained is removed.
    member_change(ctx, &admin, mia.user_id, MemberChange::Deactivate)
        .await
        .unwrap();
    offboard(ctx, &admin, input(mia.user_id, "Mia", None))
        .await
        .unwrap();
    member_change(ctx, &admin, mia.user_id, MemberChange::Reactivate)
        .await
        .unwrap();
    let back = actor_find(ctx, mia.tenant_id, mia.user_id, mia.request.clone())
        .await
        .unwrap()
        .unwrap();
    assert!(back.permissions.is_empty() && back.team_ids.is_empty());
}

// SEC-A11
#[tokio::test]
async fn last_owner_is_not_offboarded_and_an_owner_only_by_an_owner() {
    let world = World::without_model().await;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ctx = &world.ctx;
    world.session(olga.user_id).await;
    let refused = offboard(ctx, &olga, input(olga.user_id, "Olga", None))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("last owner"), "{refused}");
    let permission = Permission::OwnerGrant;
    let refused = offboard(ctx, &admin, input(olga.user_id, "Olga", None)).await;
    assert_eq!(refused, Err(AppError::Forbidden { permission }));
    assert_eq!(world.live_sessions(olga.user_id).await.len(), 1);

    let otto = world.tenant.actor(SystemRole::Owner, "Otto").await;
    offboard(ctx, &otto, input(olga.user_id, "Olga", None))
        .await
        .unwrap();
}

// SEC-C6, SEC-C3
#[tokio::test]
async fn another_tenants_member_does_not_exist_and_the_database_requires_the_permission() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let max = world.member("Max").await;
    let memory = world.shared_with(&mia, None).await;
    let other = world.db.tenant("other").await;
    let otto = other.actor(SystemRole::Owner, "Otto").await;
    let ctx = &world.ctx;
    for id in [mia.user_id, store::testing::id::<UserId>()] {
        let seen = offboard_preview(ctx, &otto, id).await.map(drop);
        assert_eq!(seen, Err(AppError::NotFound));
        let done = offboard(ctx, &otto, input(id, "Mia", Some(otto.user_id))).await;
        assert_eq!(done, Err(AppError::NotFound));
    }
    // Without the service: neither another tenant nor an ordinary member finds any.
    for stranger in [&otto, &max] {
        let mut tx = ctx.store.begin(stranger).await.unwrap();
        let (from, to) = (mia.user_id, stranger.user_id);
        let now = ctx.clock.now();
        let handed = store::offboard::user_memories_transfer(&mut tx, from, to, 9, "Mine", now)
            .await
            .unwrap();
        assert_eq!(handed, [], "{}", stranger.label);
        tx.commit().await.unwrap();
    }
    assert!(memory_get(ctx, &mia, memory).await.unwrap().is_own);
}
