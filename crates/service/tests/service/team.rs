//! Teams: leads, members, and what remains when a team is deleted.

use domain::{
    Actor, AppError, MemoryId, Permission, TeamId, UserId,
    access::SystemRole,
    member::MemberChange,
    memory::Visibility,
    team::{TeamChange, TeamRole},
};
use service::{member_change, memory_versions};

use crate::call_memory::{memory_create, memory_get};
use crate::{
    call::{team_create, team_delete, team_get, team_list, team_member_change, team_rename},
    support::{World, draft, json_text},
};

const JOIN: TeamChange = TeamChange::Join(TeamRole::Member);
const LEAD: TeamChange = TeamChange::Join(TeamRole::Lead);

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, AppError>) -> bool {
    matches!(result, Err(AppError::Conflict { .. }))
}

impl World {
    /// A memory of `owner` that a team can see.
    async fn shared(&self, owner: &Actor, team: TeamId) -> MemoryId {
        let id = memory_create(&self.ctx, owner, &draft("Where the spare key is"))
            .await
            .unwrap();
        sqlx::query("UPDATE memories SET visibility = 'team', team_id = $2, shared_at = updated_at WHERE id = $1")
            .bind(id)
            .bind(team)
            .execute(&self.db.admin)
            .await
            .unwrap();
        id
    }
}

#[tokio::test]
async fn lead_manages_the_own_team_and_no_other() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let lena = world.member("Lena").await.user_id;
    let mia = world.member("Mia").await.user_id;
    let ctx = &world.ctx;
    let design = team_create(ctx, &admin, "Design").await.unwrap();
    let sales = team_create(ctx, &admin, "Sales").await.unwrap();
    team_member_change(ctx, &admin, design, lena, LEAD)
        .await
        .unwrap();
    team_member_change(ctx, &admin, sales, lena, JOIN)
        .await
        .unwrap();
    let lena = world.tenant.actor_of(lena).await;

    team_member_change(ctx, &lena, design, mia, JOIN)
        .await
        .unwrap();
    team_member_change(ctx, &lena, design, mia, LEAD)
        .await
        .unwrap();
    team_rename(ctx, &lena, design, "Design and words")
        .await
        .unwrap();
    assert!(team_get(ctx, &lena, design).await.unwrap().may_manage);
    team_member_change(ctx, &lena, design, mia, TeamChange::Leave)
        .await
        .unwrap();

    // A member of a team doesn't manage it, and a lead can't delete it.
    let permission = Permission::TeamManage;
    let error = Err(AppError::Forbidden { permission });
    assert_eq!(
        team_member_change(ctx, &lena, sales, mia, JOIN).await,
        error
    );
    assert_eq!(team_rename(ctx, &lena, sales, "Mine").await, error);
    assert_eq!(
        team_delete(ctx, &lena, design, "Design and words").await,
        error
    );
    let seen = team_get(ctx, &lena, sales).await.unwrap();
    assert_eq!((seen.may_manage, seen.shared_memories), (false, None));
    // SEC-E1
    assert_eq!(world.audit().await[0].action, "team.delete");
}

#[tokio::test]
async fn team_accepts_people_and_agents_once_and_no_former_members() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let mia = world.member("Mia").await.user_id;
    let ctx = &world.ctx;
    let team = team_create(ctx, &admin, "  Design ").await.unwrap();
    let bot = world.agent("Filing clerk").await;
    for id in [mia, bot] {
        team_member_change(ctx, &admin, team, id, JOIN)
            .await
            .unwrap();
        let again = team_member_change(ctx, &admin, team, id, JOIN).await;
        assert!(is_conflict(&again), "{again:?}");
    }
    let detail = team_get(ctx, &admin, team).await.unwrap();
    assert_eq!(
        (
            detail.name.as_str(),
            detail.member_count,
            detail.members.len()
        ),
        ("Design", 2, 2)
    );
    let left = world.member("Max").await.user_id;
    member_change(ctx, &admin, left, MemberChange::Deactivate)
        .await
        .unwrap();
    assert!(is_conflict(
        &team_member_change(ctx, &admin, team, left, JOIN).await
    ));
    let gone = team_member_change(ctx, &admin, team, left, TeamChange::Leave).await;
    assert_eq!(gone, Err(AppError::NotFound));

    let taken = team_create(ctx, &admin, "Design").await.unwrap_err();
    assert!(taken.for_field("name").is_some(), "{taken:?}");
    let listed = team_list(ctx, &admin, "sig", None).await.unwrap().items;
    assert_eq!(listed.len(), 1);
    assert!(
        team_list(ctx, &admin, "%", None)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn member_by_a_group_stays_in_the_team_and_can_lead_it() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let mia = world.member("Mia").await.user_id;
    let ctx = &world.ctx;
    let team = world.tenant.team("Design", &[mia]).await;
    sqlx::query("UPDATE team_members SET source = 'group' WHERE team_id = $1")
        .bind(team)
        .execute(&world.db.admin)
        .await
        .unwrap();
    let refused = team_member_change(ctx, &admin, team, mia, TeamChange::Leave).await;
    assert!(is_conflict(&refused), "{refused:?}");
    team_member_change(ctx, &admin, team, mia, LEAD)
        .await
        .unwrap();
    let seen = team_get(ctx, &admin, team).await.unwrap();
    assert_eq!((seen.member_count, seen.members.len()), (1, 1));
    assert_eq!(
        (seen.members[0].role, seen.members[0].from_issuer),
        (TeamRole::Lead, true)
    );
}

#[tokio::test]
async fn memory_shared_with_a_deleted_team_becomes_private() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let (mia, max) = (
        world.member("Mia").await.user_id,
        world.member("Max").await.user_id,
    );
    let ctx = &world.ctx;
    let team = world.tenant.team("Design", &[mia, max]).await;
    let other = world.tenant.team("Sales", &[mia, max]).await;
    let (mia, max) = (
        world.tenant.actor_of(mia).await,
        world.tenant.actor_of(max).await,
    );
    let memory = world.shared(&mia, team).await;
    let elsewhere = world.shared(&mia, other).await;
    memory_get(ctx, &max, memory).await.unwrap();

    let preview = team_get(ctx, &admin, team).await.unwrap();
    assert_eq!(
        (preview.shared_memories, preview.member_count),
        (Some(1), 2)
    );
    let refused = team_delete(ctx, &admin, team, "design").await.unwrap_err();
    assert!(refused.for_field("confirm").is_some(), "{refused:?}");
    team_delete(ctx, &admin, team, "Design").await.unwrap();

    let (mia, max) = (
        world.tenant.actor_of(mia.user_id).await,
        world.tenant.actor_of(max.user_id).await,
    );
    let kept = memory_get(ctx, &mia, memory).await.unwrap();
    assert_eq!((kept.visibility, kept.version), (Visibility::Private, 2));
    // SEC-E1: the earlier version is kept, and the memory has an audit row.
    let versions = memory_versions(ctx, &mia, memory).await.unwrap();
    assert_eq!(versions[0].visibility, Visibility::Team);
    assert_eq!(versions[0].reason.as_deref(), Some("The team was deleted."));
    let rows = world.audit().await;
    let row = rows
        .iter()
        .find(|row| row.resource_id.as_deref() == Some(&memory.to_string()));
    let row = row.unwrap();
    assert_eq!(row.action, "team.delete");
    assert!(
        json_text(row.changes.as_ref()).contains("private"),
        "{row:?}"
    );
    for stranger in [&max, &admin] {
        let seen = memory_get(ctx, stranger, memory).await.map(drop);
        assert_eq!(seen, Err(AppError::NotFound));
    }
    memory_get(ctx, &max, elsewhere).await.unwrap();
    let row = &world.audit().await[0];
    assert_eq!(row.action, "team.delete");
    assert!(
        json_text(row.changes.as_ref()).contains(r#""memories_made_private":1"#),
        "{row:?}"
    );
}

// SEC-C6
#[tokio::test]
async fn another_tenants_team_does_not_exist_and_accepts_no_foreign_members() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let mia = world.member("Mia").await;
    let team = world.tenant.team("Design", &[mia.user_id]).await;
    let memory = world
        .shared(&world.tenant.actor_of(mia.user_id).await, team)
        .await;
    let other = world.db.tenant("other").await;
    let otto = other.actor(SystemRole::Owner, "Otto").await;
    let ctx = &world.ctx;
    for id in [team, store::testing::id::<TeamId>()] {
        assert_eq!(
            team_get(ctx, &otto, id).await.map(drop),
            Err(AppError::NotFound)
        );
        assert_eq!(
            team_rename(ctx, &otto, id, "X").await,
            Err(AppError::NotFound)
        );
        assert_eq!(
            team_delete(ctx, &otto, id, "Design").await,
            Err(AppError::NotFound)
        );
        assert_eq!(
            team_member_change(ctx, &otto, id, otto.user_id, JOIN).await,
            Err(AppError::NotFound)
        );
    }
    for id in [otto.user_id, store::testing::id::<UserId>()] {
        assert_eq!(
            team_member_change(ctx, &admin, team, id, JOIN).await,
            Err(AppError::NotFound)
        );
    }
    // The functions that bypass row security check the tenant as well.
    let mut tx = ctx.store.begin(&otto).await.unwrap();
    assert_eq!(
        store::team::team_memories_count(&mut tx, team)
            .await
            .unwrap(),
        0
    );
    let now = ctx.clock.now();
    let released = store::team::team_memories_unshare(&mut tx, team, 9, "Mine", now).await;
    assert_eq!(released.unwrap(), []);
    assert!(store::team::team_delete(&mut tx, team).await.is_err());
    tx.commit().await.unwrap();
    let mia = world.tenant.actor_of(mia.user_id).await;
    let kept = memory_get(ctx, &mia, memory).await.unwrap();
    assert_eq!(kept.visibility, Visibility::Team);
}

// SEC-C3: the database enforces it too, whatever the service checks.
#[tokio::test]
async fn database_unshares_no_memory_without_the_permission() {
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let team = world.tenant.team("Design", &[mia.user_id]).await;
    let mia = world.tenant.actor_of(mia.user_id).await;
    let memory = world.shared(&mia, team).await;
    let mut tx = world.ctx.store.begin(&mia).await.unwrap();
    assert_eq!(
        store::team::team_memories_count(&mut tx, team)
            .await
            .unwrap(),
        0
    );
    let now = world.ctx.clock.now();
    let released = store::team::team_memories_unshare(&mut tx, team, 9, "Mine", now).await;
    assert_eq!(released.unwrap(), []);
    let deleted = store::team::team_delete(&mut tx, team).await;
    assert!(
        matches!(deleted, Err(store::StoreError::NotFound)),
        "{deleted:?}"
    );
    tx.commit().await.unwrap();
    let kept = memory_get(&world.ctx, &mia, memory).await.unwrap();
    assert_eq!(kept.visibility, Visibility::Team);
}
