//! SEC-C3: the database decides who may share a memory, enforced for the runtime
//! role.

use domain::{
    Actor, MemoryId, Permission, access::SystemRole, memory::Visibility, share::Audience,
};
use store::{
    StoreError,
    memory::{memory_delete, memory_get, memory_share},
    team::{team_member_add, team_rename},
    testing::{NOW, id},
};
use time::Duration;

use crate::support::{Scene, create, share, tried};

const REASON: &str = "Because.";

/// A kept version: number, visibility, team, content, reason and author.
type KeptRow = (i32, String, Option<uuid::Uuid>, String, String, uuid::Uuid);

impl Scene {
    async fn shared(
        &self,
        actor: &Actor,
        memory: MemoryId,
        version: Option<i32>,
        audience: Option<Audience>,
    ) -> Result<i32, StoreError> {
        let mut tx = self.begin(actor).await;
        let shared = memory_share(&mut tx, memory, version, audience, REASON, NOW).await;
        if shared.is_ok() {
            tx.commit().await.unwrap();
        }
        shared
    }
}

fn without(actor: &Actor, permission: Permission) -> Actor {
    let mut actor = actor.clone();
    actor.permissions.remove(&permission);
    actor
}

#[tokio::test]
async fn owner_shares_only_with_an_audience_they_review_for() {
    let scene = Scene::new().await;
    let (design, sales) = (Audience::Team(scene.design), Audience::Team(scene.sales));
    let able = |permission| {
        let mut mia = scene.mia.clone();
        mia.permissions.insert(permission);
        mia
    };
    // Members are not leads, a lead of one team is not one of another, and without
    // the permission to share neither counts.
    for (actor, audience, may) in [
        (&scene.mia, design, false),
        (&scene.mia, sales, false),
        (&scene.mia, Audience::Org, false),
        (&scene.lena, design, true),
        (&scene.lena, sales, false),
        (&scene.lena, Audience::Org, false),
        (
            &without(&scene.lena, Permission::MemoryShare),
            design,
            false,
        ),
        (&scene.ada, design, true),
        (&scene.ada, sales, true),
        (&scene.ada, Audience::Org, true),
        (&without(&scene.ada, Permission::MemoryShare), design, false),
        (
            &without(&scene.ada, Permission::MemoryReview),
            Audience::Org,
            false,
        ),
        (&able(Permission::MemoryReview), Audience::Org, true),
        // Other permissions have no effect.
        (&able(Permission::TeamManage), design, false),
    ] {
        let memory = create(&scene.db, actor, "the canary sings").await;
        let shared = scene.shared(actor, memory, Some(1), Some(audience)).await;
        let standing = scene.standing(memory).await;
        if may {
            assert_eq!(shared.unwrap(), 2, "{} {audience:?}", actor.label);
            let visibility = audience.visibility().key().to_owned();
            assert_eq!(standing, (visibility, audience.team_id(), 2));
        } else {
            assert!(
                matches!(shared, Err(StoreError::Other(_))),
                "{} {audience:?}: {shared:?}",
                actor.label
            );
            assert_eq!(standing, ("private".to_owned(), None, 1));
        }
    }
}

#[tokio::test]
async fn nobody_shares_or_unshares_another_members_memory() {
    let scene = Scene::new().await;
    let memory = create(&scene.db, &scene.mia, "the canary sings").await;
    let globex = scene.db.tenant("globex").await;
    let gus = globex.actor(SystemRole::Owner, "Gus").await;
    for audience in [
        Some(Audience::Org),
        Some(Audience::Team(scene.design)),
        None,
    ] {
        share(&scene.db, memory, "private", None).await;
        if audience.is_none() {
            share(&scene.db, memory, "org", None).await;
        }
        let before = scene.standing(memory).await;
        for other in [&scene.ada, &scene.lena, &gus] {
            let shared = scene.shared(other, memory, None, audience).await;
            assert!(matches!(shared, Err(StoreError::NotFound)), "{shared:?}");
        }
        assert_eq!(scene.standing(memory).await, before);
    }
    // Another tenant's team is not found.
    let theirs = globex.team("Theirs", &[gus.user_id]).await;
    let own = create(&scene.db, &scene.ada, "the canary sings").await;
    let shared = scene
        .shared(&scene.ada, own, Some(1), Some(Audience::Team(theirs)))
        .await;
    assert!(
        matches!(&shared, Err(StoreError::Constraint(name)) if name == "memories_team_id_fkey"),
        "{shared:?}"
    );
}

#[tokio::test]
async fn owner_can_always_unshare() {
    let scene = Scene::new().await;
    let mut bare = scene.mia.clone();
    bare.permissions.clear();
    let mut left = bare.clone();
    left.team_ids.clear();

    // From the organisation to an own team, and to nobody; never to a team that is
    // not theirs.
    let memory = create(&scene.db, &scene.mia, "the canary sings").await;
    share(&scene.db, memory, "org", None).await;
    let foreign = Some(Audience::Team(scene.sales));
    let refused = scene.shared(&bare, memory, Some(1), foreign).await;
    assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    let design = Some(Audience::Team(scene.design));
    assert_eq!(
        scene.shared(&bare, memory, Some(1), design).await.unwrap(),
        2
    );
    let wider = scene
        .shared(&bare, memory, Some(2), Some(Audience::Org))
        .await;
    assert!(matches!(wider, Err(StoreError::Other(_))), "{wider:?}");
    // Whatever the version, and after leaving the team.
    assert_eq!(scene.shared(&left, memory, None, None).await.unwrap(), 3);
    assert_eq!(
        scene.standing(memory).await,
        ("private".to_owned(), None, 3)
    );

    // Also from the trash.
    share(&scene.db, memory, "org", None).await;
    let mut tx = scene.begin(&scene.mia).await;
    memory_delete(&mut tx, memory, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(scene.shared(&left, memory, None, None).await.unwrap(), 4);
}

#[tokio::test]
async fn changed_deleted_expired_or_reply_memory_is_not_shared() {
    let scene = Scene::new().await;
    let memory = create(&scene.db, &scene.ada, "the canary sings").await;
    let org = Some(Audience::Org);
    let conflict = |shared: Result<i32, StoreError>| {
        assert!(matches!(shared, Err(StoreError::Conflict)), "{shared:?}");
    };
    conflict(scene.shared(&scene.ada, memory, Some(2), org).await);
    let again = scene.shared(&scene.ada, memory, Some(1), org).await;
    assert_eq!(again.unwrap(), 2);
    conflict(scene.shared(&scene.ada, memory, Some(2), org).await);

    let trashed = create(&scene.db, &scene.ada, "the canary sings").await;
    let mut tx = scene.begin(&scene.ada).await;
    memory_delete(&mut tx, trashed, NOW).await.unwrap();
    tx.commit().await.unwrap();
    conflict(scene.shared(&scene.ada, trashed, Some(1), org).await);

    let expired = create(&scene.db, &scene.ada, "the canary sings").await;
    let reply = create(&scene.db, &scene.ada, "it does").await;
    sqlx::query("UPDATE memories SET expires_at = $2 WHERE id = $1")
        .bind(expired)
        .bind(NOW)
        .execute(&scene.db.admin)
        .await
        .unwrap();
    sqlx::query("UPDATE memories SET parent_id = $2 WHERE id = $1")
        .bind(reply)
        .bind(expired)
        .execute(&scene.db.admin)
        .await
        .unwrap();
    conflict(scene.shared(&scene.ada, expired, Some(1), org).await);
    conflict(scene.shared(&scene.ada, reply, Some(1), org).await);
}

#[tokio::test]
async fn replies_are_as_visible_as_their_root() {
    let scene = Scene::new().await;
    let root = create(&scene.db, &scene.lena, "the canary sings").await;
    let replies = [
        create(&scene.db, &scene.lena, "it does").await,
        create(&scene.db, &scene.mia, "I heard it").await,
    ];
    let apart = create(&scene.db, &scene.mia, "something else").await;
    for reply in replies {
        sqlx::query("UPDATE memories SET parent_id = $2 WHERE id = $1")
            .bind(reply)
            .bind(root)
            .execute(&scene.db.admin)
            .await
            .unwrap();
    }
    let team = Some(Audience::Team(scene.design));
    for (audience, visibility) in [(team, "team"), (None, "private")] {
        scene
            .shared(&scene.lena, root, None, audience)
            .await
            .unwrap();
        for reply in replies {
            let (seen, of, version) = scene.standing(reply).await;
            let team = audience.and_then(Audience::team_id);
            assert_eq!((seen.as_str(), of, version), (visibility, team, 1));
        }
        assert_eq!(scene.standing(apart).await.0, "private");
    }
}

#[tokio::test]
async fn each_change_of_visibility_keeps_a_version_and_moves_the_memory_up() {
    let scene = Scene::new().await;
    let memory = create(&scene.db, &scene.lena, "the canary sings").await;
    let later = NOW + Duration::HOUR;
    for (audience, at) in [
        (Some(Audience::Team(scene.design)), later),
        (None, later + Duration::HOUR),
    ] {
        let mut tx = scene.begin(&scene.lena).await;
        memory_share(&mut tx, memory, None, audience, REASON, at)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let kept: Vec<KeptRow> = sqlx::query_as(
        "SELECT version, visibility, team_id, content, change_reason, changed_by FROM memory_versions ORDER BY version",
    )
    .fetch_all(&scene.db.admin)
    .await
    .unwrap();
    let words = || ("the canary sings".to_owned(), REASON.to_owned());
    let by = scene.lena.user_id.0;
    assert_eq!(
        kept,
        [
            (1, "private".to_owned(), None, words().0, words().1, by),
            (
                2,
                "team".to_owned(),
                Some(scene.design.0),
                words().0,
                words().1,
                by
            ),
        ]
    );
    let mut tx = scene.begin(&scene.lena).await;
    let now = memory_get(&mut tx, memory).await.unwrap();
    assert_eq!((now.version, now.visibility), (3, Visibility::Private));
    assert_eq!(now.updated_at, later + Duration::HOUR);
}

#[tokio::test]
async fn functions_can_not_be_bypassed() {
    let scene = Scene::new().await;
    create(&scene.db, &scene.ada, "the canary sings").await;
    let denied = Err("42501".to_owned());
    let mut conn = scene.connection(&scene.ada).await;
    for sql in [
        "UPDATE memories SET visibility = 'org'",
        "UPDATE memories SET shared_at = now()",
        "UPDATE memories SET team_id = (SELECT id FROM teams LIMIT 1)",
        "UPDATE memory_versions SET visibility = 'org'",
        "SELECT memory_version_keep(id, 'x', now()) FROM memories",
        "INSERT INTO memories (tenant_id, id, user_id, kind, title, content, tags, visibility, origin, importance,
                               version, created_at, updated_at, allowed_vendors)
         SELECT tenant_id, gen_random_uuid(), user_id, kind, title, content, tags, 'org', origin, importance, 1,
                created_at, updated_at, allowed_vendors FROM memories",
        "INSERT INTO memories (tenant_id, id, user_id, kind, title, content, tags, visibility, team_id, origin,
                               importance, version, created_at, updated_at, allowed_vendors)
         SELECT memories.tenant_id, gen_random_uuid(), user_id, kind, title, content, tags, 'team', teams.id, origin,
                importance, 1, memories.created_at, memories.updated_at, allowed_vendors FROM memories, teams",
    ] {
        assert_eq!(tried(&mut conn, sql).await, denied, "{sql}");
    }
    for role in ["atrium_auth", "atrium_worker", "atrium_operator"] {
        let mut conn = scene.db.connection_for(role).await.unwrap();
        let take = format!("SELECT set_config('role', '{role}', false)");
        tried(&mut conn, &take).await.unwrap();
        for call in [
            "SELECT memory_share(gen_random_uuid(), NULL, 'org', NULL, '', now())",
            "SELECT memory_edit(gen_random_uuid(), 1, '', '', '', '{}', NULL, '', now())",
            "SELECT memory_insert('[]', now())",
            "SELECT memory_proposal_accept(gen_random_uuid(), '', '', now())",
            "SELECT memory_proposal_close(gen_random_uuid(), true, '', now())",
            "SELECT memory_viewers(gen_random_uuid(), 'org', NULL, NULL, '{}', 1)",
            "SELECT team_memories_release(gen_random_uuid(), 1, '', now())",
            "SELECT team_proposals_release(gen_random_uuid(), '', now())",
            "SELECT user_memories_hand_over(gen_random_uuid(), gen_random_uuid(), 1, '', now())",
            "SELECT user_proposals_withdraw(gen_random_uuid(), '', now())",
        ] {
            assert_eq!(tried(&mut conn, call).await, denied, "{role}: {call}");
        }
    }
}

#[tokio::test]
async fn attributes_of_an_edit_or_a_new_memory_set_no_other_column() {
    let scene = Scene::new().await;
    let memory = create(&scene.db, &scene.ada, "the canary sings").await;
    let mut conn = scene.connection(&scene.ada).await;
    let others = r#""user_id": "00000000-0000-0000-0000-000000000007", "deleted_at": "2026-01-01T00:00:00Z",
        "tenant_id": "00000000-0000-0000-0000-000000000007", "visibility": "org",
        "shared_at": "2026-01-01T00:00:00Z", "importance": 0.9"#;
    let edit = format!(
        r#"SELECT memory_edit('{memory}', 1, 'fact', '', 'it does', '{{}}',
            '{{"id": "00000000-0000-0000-0000-000000000007", "version": 7, "content": "x", {others}}}', '', now())"#
    );
    tried(&mut conn, &edit).await.unwrap();
    let new = id::<MemoryId>();
    let insert = format!(
        r#"SELECT memory_insert('[{{"id": "{new}", "kind": "fact", "title": "", "content": "new", "tags": [],
            "origin": "api", "version": 1, "allowed_vendors": ["*"], "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z", {others}}}]', now())"#
    );
    tried(&mut conn, &insert).await.unwrap();
    let mut tx = scene.begin(&scene.ada).await;
    for (id, content, version) in [(memory, "it does", 2), (new, "new", 1)] {
        let found = memory_get(&mut tx, id).await.unwrap();
        assert_eq!((found.content.as_str(), found.version), (content, version));
        assert_eq!((found.is_own, found.deleted_at), (true, None));
        assert_eq!(found.visibility, Visibility::Private);
        assert!((found.attributes.importance - 0.9).abs() < f32::EPSILON);
    }
}

// SEC-G: a permission that membership does not include.
#[tokio::test]
async fn team_member_is_not_a_lead() {
    let scene = Scene::new().await;
    assert_eq!(scene.lena.led_team_ids, [scene.design]);
    assert_eq!(scene.mia.led_team_ids, []);
    let max = scene.acme.user("Max").await;
    let name = domain::team::TeamName::parse("Mine").unwrap();
    for (actor, team, may) in [
        (&scene.mia, scene.design, false),
        (&scene.lena, scene.sales, false),
        (&scene.lena, scene.design, true),
    ] {
        let mut tx = scene.begin(actor).await;
        let added = team_member_add(&mut tx, team, max, NOW).await;
        assert_eq!(added.is_ok(), may, "{}: {added:?}", actor.label);
        drop(tx);
        let mut tx = scene.begin(actor).await;
        let renamed = team_rename(&mut tx, team, &name, NOW).await;
        assert_eq!(renamed.is_ok(), may, "{}: {renamed:?}", actor.label);
        drop(tx);
        let mut conn = scene.connection(actor).await;
        for sql in [
            "UPDATE team_members SET role = 'lead' WHERE team_id = ",
            "DELETE FROM team_members WHERE team_id = ",
        ] {
            tried(&mut conn, "BEGIN").await.unwrap();
            let done = tried(&mut conn, &format!("{sql}'{team}'")).await.unwrap();
            assert_eq!(done > 0, may, "{}: {sql}", actor.label);
            tried(&mut conn, "ROLLBACK").await.unwrap();
        }
    }
}
