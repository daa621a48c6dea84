//! The database enforces which vendors may read a memory (SEC-C5).

use domain::{
    Actor, MemoryId, Vendor,
    access::SystemRole,
    memory::{AllowedVendors, MemoryAttributes, MemoryCriteria, NewMemory, Origin, SearchMode},
    proposal::ProposalView,
    share::{Audience, Comment},
};
use store::{
    StoreError,
    memory::{
        MemoryPage, SearchParams, SearchQuery, memory_create, memory_delete, memory_get,
        memory_list, memory_search, memory_trash_empty, memory_update, memory_version_and_next,
        memory_version_page, memory_versions,
    },
    proposal::{proposal_create, proposal_get, proposal_list, proposal_pending_count},
    testing::{NOW, TestDb, id},
};

use crate::support::{change, embed, model, share, text, toward};

const EVERYBODY: [Option<Vendor>; 7] = [
    None,
    Some(Vendor::Chatgpt),
    Some(Vendor::Claude),
    Some(Vendor::Cursor),
    Some(Vendor::Copilot),
    Some(Vendor::Gemini),
    Some(Vendor::Other),
];

fn using(actor: &Actor, vendor: Option<Vendor>) -> Actor {
    Actor {
        vendor,
        ..actor.clone()
    }
}

fn readable_by(content: &str, allowed_vendors: AllowedVendors) -> NewMemory {
    NewMemory {
        attributes: MemoryAttributes {
            allowed_vendors,
            ..MemoryAttributes::default()
        },
        ..NewMemory::of(text(content), Origin::Dashboard)
    }
}

async fn keep(db: &TestDb, actor: &Actor, allowed: AllowedVendors) -> Result<MemoryId, StoreError> {
    let id = id();
    let mut tx = db.store.begin(actor).await?;
    memory_create(&mut tx, id, &readable_by("a common word", allowed), NOW).await?;
    tx.commit().await?;
    Ok(id)
}

async fn listed(db: &TestDb, actor: &Actor) -> Vec<MemoryId> {
    let mut tx = db.store.begin(actor).await.unwrap();
    let page = memory_list(
        &mut tx,
        &MemoryCriteria::default(),
        MemoryPage::first(50),
        NOW,
    )
    .await;
    let mut ids: Vec<_> = page.unwrap().items.iter().map(|m| m.id).collect();
    ids.sort();
    ids
}

async fn found(db: &TestDb, actor: &Actor, vector: Option<&[f32]>) -> Vec<MemoryId> {
    let model = model(db, actor).await;
    let mut tx = db.store.begin(actor).await.unwrap();
    let request = SearchParams {
        query: &SearchQuery::parse("word"),
        vector: vector.map(|vector| (&model, vector)),
        mode: SearchMode::Both,
        criteria: &MemoryCriteria::default(),
        limit: 50,
        now: NOW,
    };
    let hits = memory_search(&mut tx, &request).await.unwrap();
    let mut ids: Vec<_> = hits.iter().map(|hit| hit.memory.id).collect();
    ids.sort();
    ids
}

/// Every list of vendors × every reader × list, keyword search, semantic search
/// and single read, for own and shared memories.
#[tokio::test]
async fn vendor_sees_memories_allowed_for_it_and_a_browser_sees_all() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let max = acme.actor(SystemRole::Member, "Max").await;
    let only = |vendors: &[Vendor]| AllowedVendors::Only(vendors.to_vec());
    let mut kept = Vec::new();
    for allowed in [
        AllowedVendors::All,
        only(&[]),
        only(&[Vendor::Claude]),
        only(&[Vendor::Claude, Vendor::Other]),
        only(&[Vendor::Chatgpt, Vendor::Gemini]),
    ] {
        let memory = keep(&db, &mia, allowed.clone()).await.unwrap();
        embed(&db, &mia, memory, toward(0, 1, 0.1)).await;
        share(&db, memory, "org", None).await;
        kept.push((memory, allowed));
    }
    let vector = toward(0, 1, 0.0);
    for person in [&mia, &max] {
        for vendor in EVERYBODY {
            let program = using(person, vendor);
            let mut expected: Vec<_> = kept
                .iter()
                .filter(|(_, allowed)| match (vendor, allowed) {
                    (None, _) | (_, AllowedVendors::All) => true,
                    (Some(vendor), AllowedVendors::Only(vendors)) => vendors.contains(&vendor),
                })
                .map(|(id, _)| *id)
                .collect();
            expected.sort();
            let who = format!("{} by {vendor:?}", person.label);
            assert_eq!(listed(&db, &program).await, expected, "list of {who}");
            assert_eq!(found(&db, &program, None).await, expected, "words of {who}");
            assert_eq!(
                found(&db, &program, Some(&vector)).await,
                expected,
                "meaning of {who}"
            );
            for (memory, _) in &kept {
                let mut tx = db.store.begin(&program).await.unwrap();
                let one = memory_get(&mut tx, *memory).await;
                assert_eq!(one.is_ok(), expected.contains(memory), "{who}");
            }
        }
    }
}

#[tokio::test]
async fn vendor_can_not_change_delete_or_inspect_a_memory_it_may_not_read() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let allowed = AllowedVendors::Only(vec![Vendor::Claude]);
    let memory = keep(&db, &mia, allowed).await.unwrap();
    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_update(&mut tx, memory, 1, &change("another word"), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    for (vendor, may) in [(Vendor::Claude, true), (Vendor::Cursor, false)] {
        let program = using(&mia, Some(vendor));
        let mut tx = db.store.begin(&program).await.unwrap();
        let versions = memory_versions(&mut tx, memory).await.unwrap();
        assert_eq!(!versions.is_empty(), may, "versions by {vendor:?}");
        let page = memory_version_page(&mut tx, memory, None, 9).await.unwrap();
        assert_eq!(!page.items.is_empty(), may, "a page by {vendor:?}");
        let one = memory_version_and_next(&mut tx, memory, 1).await;
        assert_eq!(one.is_ok(), may, "a version by {vendor:?}");
        let updated = memory_update(&mut tx, memory, 2, &change("mine"), NOW).await;
        assert_eq!(updated.is_ok(), may, "update by {vendor:?}");
        drop(tx);
        let mut tx = db.store.begin(&program).await.unwrap();
        let deleted = memory_delete(&mut tx, memory, NOW).await;
        assert_eq!(deleted.is_ok(), may, "delete by {vendor:?}");
    }

    // Also in the trash, and when all of the trash is emptied.
    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_delete(&mut tx, memory, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db
        .store
        .begin(&using(&mia, Some(Vendor::Cursor)))
        .await
        .unwrap();
    assert_eq!(memory_trash_empty(&mut tx, None, 10).await.unwrap(), []);
    drop(tx);
    let mut tx = db
        .store
        .begin(&using(&mia, Some(Vendor::Claude)))
        .await
        .unwrap();
    assert_eq!(
        memory_trash_empty(&mut tx, None, 10).await.unwrap(),
        [memory]
    );
}

/// A reviewer can't view the memory itself, so the proposal stores its text, and
/// the vendors that may read it.
#[tokio::test]
async fn proposal_is_hidden_from_vendors_that_may_not_read_its_memory() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let ada = acme.actor(SystemRole::Admin, "Ada").await;
    let allowed = AllowedVendors::Only(vec![Vendor::Claude, Vendor::Other]);
    let memory = keep(&db, &mia, allowed).await.unwrap();
    let proposal = id();
    let propose = async |by: &Actor| {
        let mut tx = db.store.begin(by).await?;
        let (org, comment) = (Audience::Org, Comment::default());
        proposal_create(&mut tx, proposal, memory, 1, org, &comment, NOW).await?;
        tx.commit().await
    };
    let refused = propose(&using(&mia, Some(Vendor::Cursor))).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    propose(&using(&mia, Some(Vendor::Claude))).await.unwrap();
    for (person, view) in [(&mia, ProposalView::Mine), (&ada, ProposalView::Waiting)] {
        for vendor in EVERYBODY {
            let may = matches!(vendor, None | Some(Vendor::Claude | Vendor::Other));
            let who = format!("{} by {vendor:?}", person.label);
            let mut tx = db.store.begin(&using(person, vendor)).await.unwrap();
            let found = proposal_get(&mut tx, proposal).await;
            assert_eq!(found.is_ok(), may, "{who}");
            let page = proposal_list(&mut tx, view, "", None, 9).await.unwrap();
            assert_eq!(page.items.len(), usize::from(may), "{who}");
            let waiting = proposal_pending_count(&mut tx).await.unwrap();
            assert_eq!(waiting > 0, may && person.user_id == ada.user_id, "{who}");
        }
    }
}

#[tokio::test]
async fn vendor_can_not_create_a_memory_that_it_could_not_read() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let claude = using(&mia, Some(Vendor::Claude));
    for (allowed, may) in [
        (AllowedVendors::All, true),
        (AllowedVendors::Only(vec![Vendor::Claude]), true),
        (AllowedVendors::Only(vec![Vendor::Cursor]), false),
        (AllowedVendors::Only(vec![]), false),
    ] {
        let kept = keep(&db, &claude, allowed.clone()).await;
        assert_eq!(kept.is_ok(), may, "{allowed:?}: {kept:?}");
        assert!(keep(&db, &mia, allowed).await.is_ok());
    }
    // Nor change one so that it could not read it any more.
    let memory = keep(&db, &claude, AllowedVendors::All).await.unwrap();
    let mut away = change("a common word");
    away.attributes = Some(MemoryAttributes {
        allowed_vendors: AllowedVendors::Only(vec![Vendor::Cursor]),
        ..MemoryAttributes::default()
    });
    let mut tx = db.store.begin(&claude).await.unwrap();
    assert!(memory_update(&mut tx, memory, 1, &away, NOW).await.is_err());

    // And unknown vendors are rejected.
    let unknown = sqlx::query("UPDATE memories SET allowed_vendors = '{hal}' WHERE id = $1")
        .bind(memory)
        .execute(&db.admin)
        .await
        .unwrap_err();
    assert!(
        unknown
            .to_string()
            .contains("memories_allowed_vendors_known_check"),
        "{unknown}"
    );
}
