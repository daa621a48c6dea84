//! SEC-C3: changes to shared memories are made by reviewers, enforced by the
//! database for the runtime role.

use domain::{
    Actor, MemoryId, Permission, ProposalId, Vendor,
    access::SystemRole,
    memory::{AllowedVendors, MemoryAttributes, MemoryChange, MemoryKind, NewMemory, Origin},
    proposal::{ProposalStatus, SharedMemory},
    share::Comment,
};
use store::{
    StoreError,
    memory::{memory_get, memory_persona_set, memory_reply, memory_update},
    proposal::{proposal_accept, proposal_change_create, proposal_get, proposal_pending},
    testing::{NOW, id},
};
use time::Duration;

use crate::support::{Scene, change, create, embed, share, text, toward, tried};

impl Scene {
    async fn edited(
        &self,
        actor: &Actor,
        memory: MemoryId,
        change: &MemoryChange,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin(actor).await;
        let version = memory_get(&mut tx, memory).await?.version;
        memory_update(&mut tx, memory, version, change, NOW).await?;
        tx.commit().await
    }

    async fn change_proposed(
        &self,
        actor: &Actor,
        memory: MemoryId,
        change: &MemoryChange,
    ) -> Result<ProposalId, StoreError> {
        let mut tx = self.begin(actor).await;
        let before = memory_get(&mut tx, memory).await?;
        let after = SharedMemory::after(&before, change);
        let (proposal, why) = (id(), Comment::parse("It died").unwrap());
        proposal_change_create(&mut tx, proposal, memory, before.version, &after, &why, NOW)
            .await?;
        tx.commit().await?;
        Ok(proposal)
    }

    async fn change_accepted(
        &self,
        actor: &Actor,
        proposal: ProposalId,
    ) -> Result<(MemoryId, i32), StoreError> {
        let mut tx = self.begin(actor).await;
        let comment = Comment::default();
        let accepted = proposal_accept(&mut tx, proposal, &comment, "Accepted.", NOW).await?;
        tx.commit().await?;
        Ok(accepted)
    }

    async fn content(&self, memory: MemoryId) -> String {
        sqlx::query_scalar("SELECT content FROM memories WHERE id = $1")
            .bind(memory)
            .fetch_one(&self.db.admin)
            .await
            .unwrap()
    }
}

fn with(attributes: MemoryAttributes) -> MemoryChange {
    MemoryChange {
        attributes: Some(attributes),
        ..change("the canary sings")
    }
}

#[tokio::test]
async fn owner_changes_a_shared_memory_only_as_its_reviewer() {
    let scene = Scene::new().await;
    let mut bare = scene.ada.clone();
    bare.permissions.remove(&Permission::MemoryShare);
    for (owner, visibility, team, may) in [
        (&scene.mia, "private", None, true),
        (&scene.mia, "team", Some(scene.design), false),
        (&scene.mia, "org", None, false),
        (&scene.lena, "team", Some(scene.design), true),
        // Members of the team are not its reviewers.
        (&scene.lena, "team", Some(scene.sales), false),
        (&scene.lena, "org", None, false),
        (&scene.ada, "team", Some(scene.design), true),
        (&scene.ada, "org", None, true),
        (&bare, "org", None, false),
    ] {
        let memory = create(&scene.db, owner, "the canary sings").await;
        share(&scene.db, memory, visibility, team).await;
        let edited = scene
            .edited(owner, memory, &change("the canary is dead"))
            .await;
        let (label, version) = (&owner.label, scene.standing(memory).await.2);
        if may {
            edited.unwrap();
            assert_eq!(version, 2, "{label} {visibility}");
        } else {
            assert!(
                matches!(edited, Err(StoreError::Other(_))),
                "{label} {visibility}: {edited:?}"
            );
            assert_eq!(version, 1, "{label} {visibility}");
            assert_eq!(scene.content(memory).await, "the canary sings");
        }
    }
}

#[tokio::test]
async fn no_shared_field_changes_without_a_review() {
    let scene = Scene::new().await;
    let memory = create(&scene.db, &scene.mia, "the canary sings").await;
    share(&scene.db, memory, "org", None).await;
    let mut kind = change("the canary sings");
    kind.text.kind = MemoryKind::Event;
    let mut title = change("the canary sings");
    title.text.title = "Canary".into();
    let mut tags = change("the canary sings");
    tags.text.tags = vec!["bird".into()];
    let usual = MemoryAttributes::default();
    for (name, change) in [
        ("content", change("the canary is dead")),
        ("kind", kind),
        ("title", title),
        ("tags", tags),
        (
            "importance",
            with(MemoryAttributes {
                importance: 0.9,
                ..usual.clone()
            }),
        ),
        (
            "allowed_vendors",
            with(MemoryAttributes {
                allowed_vendors: AllowedVendors::Only(vec![Vendor::Claude]),
                ..usual.clone()
            }),
        ),
        (
            "expires_at",
            with(MemoryAttributes {
                expires_at: Some(NOW + Duration::DAY),
                ..usual
            }),
        ),
    ] {
        let edited = scene.edited(&scene.mia, memory, &change).await;
        assert!(
            matches!(edited, Err(StoreError::Other(_))),
            "{name}: {edited:?}"
        );
    }
    // The owner's persona of a memory is hidden from others.
    let mut tx = scene.begin(&scene.mia).await;
    memory_persona_set(&mut tx, memory, 1, None).await.unwrap();
    let late = memory_persona_set(&mut tx, memory, 2, None).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    drop(tx);
    let mut conn = scene.connection(&scene.mia).await;
    for column in [
        "kind = 'event'",
        "title = 'x'",
        "content = 'x'",
        "tags = '{x}'",
        "importance = 1",
        "allowed_vendors = '{claude}'",
        "version = 9",
    ] {
        let sql = format!("UPDATE memories SET {column}");
        let denied = tried(&mut conn, &sql).await;
        assert_eq!(denied, Err("42501".to_owned()), "{sql}");
    }
    assert_eq!(scene.standing(memory).await.2, 1);
}

#[tokio::test]
async fn organisation_can_let_owners_change_shared_memories() {
    let scene = Scene::new().await;
    let memory = create(&scene.db, &scene.mia, "the canary sings").await;
    share(&scene.db, memory, "org", None).await;
    scene
        .execute("UPDATE tenants SET settings = '{\"owners_change_reviewed\": true}'")
        .await;
    scene
        .edited(&scene.mia, memory, &change("the canary is dead"))
        .await
        .unwrap();
    assert_eq!(scene.standing(memory).await.2, 2);
    // Only their own.
    let other = scene.edited(&scene.lena, memory, &change("mine")).await;
    assert!(matches!(other, Err(StoreError::NotFound)), "{other:?}");
    scene.execute("UPDATE tenants SET settings = '{}'").await;
    let edited = scene.edited(&scene.mia, memory, &change("it sings")).await;
    assert!(matches!(edited, Err(StoreError::Other(_))), "{edited:?}");
}

#[tokio::test]
async fn accepted_change_replaces_the_shared_text() {
    let scene = Scene::new().await;
    let memory = create(&scene.db, &scene.mia, "the canary sings").await;
    share(&scene.db, memory, "team", Some(scene.design)).await;
    embed(&scene.db, &scene.mia, memory, toward(0, 1, 0.0)).await;
    let reply = id();
    let mut tx = scene.begin(&scene.lena).await;
    let said = NewMemory::of(text("it does"), Origin::Dashboard);
    memory_reply(&mut tx, reply, memory, &said, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let ends = Some(NOW + Duration::DAY);
    let claude = AllowedVendors::Only(vec![Vendor::Claude]);
    let after = MemoryChange {
        attributes: Some(MemoryAttributes {
            expires_at: ends,
            importance: 0.9,
            allowed_vendors: claude.clone(),
            ..MemoryAttributes::default()
        }),
        ..change("the canary is dead")
    };
    let proposal = scene
        .change_proposed(&scene.mia, memory, &after)
        .await
        .unwrap();
    assert_eq!(scene.content(memory).await, "the canary sings");
    let mut tx = scene.begin(&scene.mia).await;
    let pending = proposal_pending(&mut tx, memory).await.unwrap().unwrap();
    assert!(pending.is_change && !pending.is_stale);
    drop(tx);
    // The reviewer reads both sides, even if the memory is not visible to them.
    let mut tx = scene.begin(&scene.ada).await;
    let found = proposal_get(&mut tx, proposal).await.unwrap().proposal;
    let read = found.change.unwrap();
    assert!(found.summary.is_change && found.may_decide);
    assert_eq!(read.before.content, "the canary sings");
    assert_eq!(read.before.attributes.expires_at, None);
    assert_eq!(read.after.content, "the canary is dead");
    assert_eq!(read.after.attributes.expires_at, ends);
    assert_eq!(read.after.attributes.allowed_vendors, claude);
    drop(tx);
    let own = scene.change_accepted(&scene.mia, proposal).await;
    assert!(matches!(own, Err(StoreError::Other(_))), "{own:?}");

    let accepted = scene.change_accepted(&scene.lena, proposal).await;
    assert_eq!(accepted.unwrap(), (memory, 2));
    let mut tx = scene.begin(&scene.lena).await;
    for (id, content) in [(memory, "the canary is dead"), (reply, "it does")] {
        let now = memory_get(&mut tx, id).await.unwrap();
        assert_eq!(now.content, content);
        assert_eq!(
            (now.attributes.expires_at, &now.attributes.allowed_vendors),
            (ends, &claude)
        );
        assert_eq!(now.team_id, Some(scene.design));
        assert!(!now.is_embedded);
    }
    drop(tx);
    let kept: (i32, String, uuid::Uuid) =
        sqlx::query_as("SELECT version, content, changed_by FROM memory_versions")
            .fetch_one(&scene.db.admin)
            .await
            .unwrap();
    let by = scene.lena.user_id.0;
    assert_eq!(kept, (1, "the canary sings".to_owned(), by));
}

#[tokio::test]
async fn change_is_accepted_only_onto_the_version_it_was_compared_with() {
    let scene = Scene::new().await;
    let memory = create(&scene.db, &scene.mia, "the canary sings").await;
    share(&scene.db, memory, "org", None).await;
    let dead = MemoryChange {
        attributes: Some(MemoryAttributes {
            expires_at: Some(NOW + Duration::DAY),
            ..MemoryAttributes::default()
        }),
        ..change("the canary is dead")
    };
    let proposal = scene
        .change_proposed(&scene.mia, memory, &dead)
        .await
        .unwrap();
    let twice = scene.change_proposed(&scene.mia, memory, &dead).await;
    assert!(
        matches!(&twice, Err(StoreError::Constraint(name)) if name == "memory_proposals_pending_idx"),
        "{twice:?}"
    );
    for (spoil, mend) in [
        (
            "UPDATE memories SET version = 2",
            "UPDATE memories SET version = 1",
        ),
        (
            "UPDATE memories SET content = 'other'",
            "UPDATE memories SET content = 'the canary sings'",
        ),
        (
            "UPDATE memories SET importance = 0.9",
            "UPDATE memories SET importance = 0.5",
        ),
        (
            "UPDATE memories SET visibility = 'private'",
            "UPDATE memories SET visibility = 'org'",
        ),
        (
            "UPDATE memories SET deleted_at = now()",
            "UPDATE memories SET deleted_at = NULL",
        ),
        // A forged “before” text in the proposal.
        (
            "UPDATE memory_proposals SET replaces = jsonb_set(replaces, '{content}', '\"the canary is ill\"')",
            "UPDATE memory_proposals SET replaces = jsonb_set(replaces, '{content}', '\"the canary sings\"')",
        ),
        // A proposed expiry that has passed by now.
        (
            "UPDATE memory_proposals SET attributes = jsonb_set(attributes, '{expires_at}', '\"2020-01-01\"')",
            "UPDATE memory_proposals SET attributes = jsonb_set(attributes, '{expires_at}', '\"2100-01-01\"')",
        ),
    ] {
        scene.execute(spoil).await;
        let accepted = scene.change_accepted(&scene.ada, proposal).await;
        assert!(
            matches!(accepted, Err(StoreError::Conflict)),
            "{spoil}: {accepted:?}"
        );
        scene.execute(mend).await;
    }
    let accepted = scene.change_accepted(&scene.ada, proposal).await;
    assert_eq!(accepted.unwrap(), (memory, 2));
    assert_eq!(scene.content(memory).await, "the canary is dead");

    // A private memory needs no review.
    let private = create(&scene.db, &scene.mia, "the canary sings").await;
    let refused = scene.change_proposed(&scene.mia, private, &dead).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
}

#[tokio::test]
async fn vendor_reads_a_change_if_it_may_read_both_sides() {
    let scene = Scene::new().await;
    let only = |vendor| {
        with(MemoryAttributes {
            allowed_vendors: AllowedVendors::Only(vec![vendor]),
            ..MemoryAttributes::default()
        })
    };
    let memory = create(&scene.db, &scene.mia, "the canary sings").await;
    scene
        .edited(&scene.mia, memory, &only(Vendor::Claude))
        .await
        .unwrap();
    share(&scene.db, memory, "org", None).await;
    let wider = with(MemoryAttributes::default());
    let proposal = scene
        .change_proposed(&scene.mia, memory, &wider)
        .await
        .unwrap();
    for (vendor, reads) in [
        (None, true),
        (Some(Vendor::Claude), true),
        (Some(Vendor::Cursor), false),
    ] {
        let mut ada = scene.ada.clone();
        ada.vendor = vendor;
        let mut tx = scene.begin(&ada).await;
        let found = proposal_get(&mut tx, proposal).await;
        assert_eq!(found.is_ok(), reads, "{vendor:?}");
    }
}

#[tokio::test]
async fn change_ends_with_its_memory() {
    let scene = Scene::new().await;
    let vera = scene.acme.actor(SystemRole::Viewer, "Vera").await;
    let memory = create(&scene.db, &scene.mia, "the canary sings").await;
    share(&scene.db, memory, "org", None).await;
    let proposal = scene
        .change_proposed(&scene.mia, memory, &change("the canary is dead"))
        .await
        .unwrap();
    let mut tx = scene.begin(&vera).await;
    let hidden = proposal_get(&mut tx, proposal).await;
    assert!(matches!(hidden, Err(StoreError::NotFound)));
    drop(tx);
    let mut tx = scene.begin(&scene.mia).await;
    store::memory::memory_share(&mut tx, memory, None, None, "Taken back.", NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = scene.begin(&scene.mia).await;
    let found = proposal_get(&mut tx, proposal).await.unwrap().proposal;
    assert_eq!(found.summary.status, ProposalStatus::Withdrawn);
}
