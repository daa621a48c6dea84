//! SEC-C5: the list of a memory's viewers comes from the policy itself, and so
//! matches what each member can read.

use domain::{
    Actor, ActorKind, Permission,
    access::SystemRole,
    memory::Visibility,
    share::{Audience, Viewers},
};
use store::{
    StoreError,
    actor::actor_load,
    memory::{AccessScope, memory_delete, memory_get, memory_viewers},
    role::{RoleSource, user_role_grant},
    testing::{NOW, id},
    user::{NewUser, user_create},
};

use crate::support::{Scene, create, share};

/// Members of every role, team and status that matters.
async fn people(scene: &Scene) -> Vec<Actor> {
    let acme = &scene.acme;
    let mut all = vec![
        scene.mia.clone(),
        scene.lena.clone(),
        scene.ada.clone(),
        acme.actor(SystemRole::Owner, "Olga").await,
        acme.actor(SystemRole::Viewer, "Vera").await,
        // The billing role can't read memories.
        acme.actor(SystemRole::Billing, "Bill").await,
    ];
    let mut members = Vec::new();
    for (name, status) in [
        ("Sven", "suspended"),
        ("Dora", "deactivated"),
        ("Ines", "invited"),
    ] {
        let user = acme.actor(SystemRole::Member, name).await.user_id;
        sqlx::query("UPDATE users SET status = $2 WHERE id = $1")
            .bind(user)
            .bind(status)
            .execute(&scene.db.admin)
            .await
            .unwrap();
        members.push(user);
    }
    members.push(acme.user("Nora").await);
    for (name, kind) in [
        ("Filing clerk", ActorKind::Agent),
        ("Export", ActorKind::Service),
    ] {
        let user = NewUser {
            id: id(),
            display_name: name,
            email: None,
            kind,
        };
        let mut tx = acme.enter().await;
        user_create(&mut tx, &user, NOW).await.unwrap();
        user_role_grant(&mut tx, user.id, "viewer", RoleSource::Manual, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        members.push(user.id);
    }
    // Reads by a custom role only, and belongs to Design like most of them.
    let reader = acme.user("Rita").await;
    sqlx::query(
        "WITH reader AS (
             INSERT INTO roles (tenant_id, id, key, name, description, permissions, is_system, created_at, updated_at, version)
             SELECT tenant_id, gen_random_uuid(), 'reader', 'Reader', '', '{memory.read}', false, now(), now(), 1
               FROM users WHERE id = $1 RETURNING tenant_id, id)
         INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_at)
         SELECT tenant_id, $1, id, 'manual', now() FROM reader",
    )
    .bind(reader)
    .execute(&scene.db.admin)
    .await
    .unwrap();
    members.push(reader);
    sqlx::query(
        "INSERT INTO team_members (tenant_id, team_id, user_id, role, source, added_at)
         SELECT tenant_id, $1, id, 'member', 'group', now() FROM users
          WHERE display_name IN ('Sven', 'Dora', 'Ines', 'Nora', 'Rita', 'Bill', 'Export', 'Mia')",
    )
    .bind(scene.design)
    .execute(&scene.db.admin)
    .await
    .unwrap();
    for user in members {
        all.push(acme.actor_of(user).await);
    }
    let gus = scene.db.tenant("globex").await;
    all.push(gus.actor(SystemRole::Owner, "Gus").await);
    all
}

async fn told(scene: &Scene, scope: AccessScope, limit: i64) -> Viewers {
    let mut tx = scene.begin(&scene.mia).await;
    memory_viewers(&mut tx, scope, limit).await.unwrap()
}

// Compares the list with what each member can read.
#[tokio::test]
async fn listed_viewers_are_the_members_who_can_read_the_memory() {
    let scene = Scene::new().await;
    let people = people(&scene).await;
    let mut counts = Vec::new();
    for (visibility, team) in [
        ("private", None),
        ("team", Some(scene.design)),
        ("team", Some(scene.sales)),
        ("org", None),
    ] {
        for trashed in [false, true] {
            let memory = create(&scene.db, &scene.mia, "the canary sings").await;
            share(&scene.db, memory, visibility, team).await;
            let mut tx = scene.begin(&scene.mia).await;
            if trashed {
                memory_delete(&mut tx, memory, NOW).await.unwrap();
            }
            let scope = AccessScope::of(&memory_get(&mut tx, memory).await.unwrap());
            tx.commit().await.unwrap();

            let mut seen = Vec::new();
            for person in &people {
                // As authentication does: inactive members can't act, and nobody reads without
                // the permission.
                let mut tx = scene.acme.enter().await;
                let may_act = match actor_load(&mut tx, person.user_id).await {
                    Ok(record) => record.may_act(),
                    Err(StoreError::NotFound) => person.tenant_id != scene.acme.id,
                    Err(error) => panic!("{error}"),
                };
                if !may_act || !person.permissions.contains(&Permission::MemoryRead) {
                    continue;
                }
                let mut tx = scene.begin(person).await;
                match memory_get(&mut tx, memory).await {
                    Ok(_) => seen.push(person.user_id),
                    Err(StoreError::NotFound) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            let viewers = told(&scene, scope, 99).await;
            let mut named: Vec<_> = viewers.first.iter().map(|viewer| viewer.id).collect();
            named.sort();
            seen.sort();
            assert_eq!(named, seen, "{visibility} {team:?} {trashed}");
            counts.push((viewers.people, viewers.programs));
        }
    }
    // Private; Design: Mia, Lena, Rita and a service; Sales: Mia and Lena;
    // everyone: also Ada, Olga, Vera and an agent.
    let alone = (1, 0);
    assert_eq!(
        counts,
        [alone, alone, (3, 1), alone, (2, 0), alone, (6, 2), alone]
    );
}

#[tokio::test]
async fn people_are_listed_first_by_name_and_the_rest_is_counted() {
    let scene = Scene::new().await;
    people(&scene).await;
    let scope = AccessScope::for_audience(scene.mia.user_id, Audience::Org);
    let viewers = told(&scene, scope, 3).await;
    let names: Vec<_> = viewers
        .first
        .iter()
        .map(|viewer| viewer.name.as_str())
        .collect();
    assert_eq!(names, ["Ada", "Lena", "Mia"]);
    assert_eq!((viewers.people, viewers.programs), (6, 2));
    let all = told(&scene, scope, 99).await;
    let last = all.first.last().unwrap();
    assert_eq!(
        (last.name.as_str(), last.kind),
        ("Filing clerk", ActorKind::Agent)
    );
    // Another tenant's member is not counted.
    let gus = scene.db.tenant("initech").await;
    let gus = gus.actor(SystemRole::Owner, "Gus").await;
    let mut tx = scene.begin(&gus).await;
    let strangers = memory_viewers(&mut tx, scope, 99).await.unwrap();
    assert_eq!(
        (strangers.people, strangers.first[0].name.as_str()),
        (1, "Gus")
    );
}

// If the function can't evaluate the policy, it lists nobody.
#[tokio::test]
async fn policy_with_further_conditions_is_not_misread() {
    let scene = Scene::new().await;
    scene
        .execute(
            "ALTER POLICY memories_app_select ON memories
                 USING (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
                        AND current_setting('app.mood', true) = 'good')",
        )
        .await;
    let scope = AccessScope {
        owner: scene.mia.user_id,
        visibility: Visibility::Org,
        team: None,
        deleted_at: None,
    };
    let mut tx = scene.begin(&scene.mia).await;
    let refused = memory_viewers(&mut tx, scope, 9).await;
    assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
}
