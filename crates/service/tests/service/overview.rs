//! The overview shows what its viewer may see, and the steps of a new
//! organisation.

use domain::{Permission, access::SystemRole, overview::SetupStep};

use crate::{call::overview_get, support::World};

#[tokio::test]
async fn overview_has_the_parts_that_the_permissions_allow() {
    let world = World::without_model().await;
    for (role, own, manages) in [
        (SystemRole::Owner, true, true),
        (SystemRole::Admin, true, true),
        (SystemRole::Member, true, false),
        (SystemRole::Billing, false, false),
    ] {
        let actor = world.tenant.actor(role, role.label()).await;
        let overview = overview_get(&world.ctx, &actor).await.unwrap();
        assert_eq!(overview.memories.is_some(), own, "{role:?}");
        assert_eq!(overview.proposals.is_some(), own, "{role:?}");
        assert_eq!(overview.keys.is_some(), own, "{role:?}");
        assert!(overview.members.is_some(), "{role:?}");
        assert_eq!(overview.invites.is_some(), manages, "{role:?}");
        assert_eq!(overview.organisation_keys.is_some(), manages, "{role:?}");
        assert_eq!(overview.groups.is_some(), manages, "{role:?}");
        assert_eq!(overview.audit.is_some(), manages, "{role:?}");
        assert_eq!(!overview.setup.is_empty(), manages, "{role:?}");
    }
}

/// As for an API key with fewer scopes than its owner has permissions.
#[tokio::test]
async fn overview_of_a_narrow_key_leaves_out_the_rest() {
    let world = World::without_model().await;
    let mut actor = world.tenant.actor(SystemRole::Owner, "Olga").await;
    actor.permissions = [Permission::ProfileManage, Permission::ApiKeyOwn].into();
    let overview = overview_get(&world.ctx, &actor).await.unwrap();
    assert!(overview.memories.is_none() && overview.members.is_none());
    assert!(overview.audit.is_none() && overview.organisation_keys.is_none());
    assert!(overview.keys.is_some() && overview.setup.is_empty());
}

#[tokio::test]
async fn setup_steps_are_done_when_their_rows_exist() {
    let world = World::without_model().await;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let open = async || {
        let overview = overview_get(&world.ctx, &olga).await.unwrap();
        let tasks = overview.setup.into_iter().filter(|task| !task.is_done);
        tasks.map(|task| task.step).collect::<Vec<_>>()
    };
    let before = open().await;
    assert!(before.contains(&SetupStep::InvitePeople), "{before:?}");
    assert!(before.contains(&SetupStep::FirstMemory), "{before:?}");
    crate::call_memory::memory_create(&world.ctx, &olga, &crate::support::draft("Tea"))
        .await
        .unwrap();
    world.tenant.actor(SystemRole::Member, "Mia").await;
    let after = open().await;
    assert!(!after.contains(&SetupStep::InvitePeople), "{after:?}");
    assert!(!after.contains(&SetupStep::FirstMemory), "{after:?}");
}
