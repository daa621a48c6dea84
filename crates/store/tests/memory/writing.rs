use domain::{
    MemoryId,
    access::SystemRole,
    memory::{
        MAX_CONTENT_BYTES, MemoryAttributes, MemoryChange, MemoryCriteria, MemoryKind, MemoryText,
        NewMemory, Origin, Visibility,
    },
};
use store::{
    StoreError,
    import::{
        EarlierVersion, ImportedMemory, ParentMemory, import_parents, memory_insert_imported,
        persona_ensure,
    },
    memory::{
        MemoryPage, memory_create, memory_delete, memory_get, memory_list, memory_restore,
        memory_update, memory_version_and_next, memory_version_page, memory_versions,
    },
    testing::{NOW, TestDb, id},
};
use time::Duration;

use crate::support::{change, create, embed, share, toward};

#[tokio::test]
async fn memory_is_read_back_as_written() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let tags = vec!["Küche".to_owned(), "a b".to_owned()];
    let given =
        MemoryText::new("Ein Titel", "  tab\t\r\n\u{202e}👩‍🚀 ".into(), "event", &tags).unwrap();
    let memory = id();
    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_create(
        &mut tx,
        memory,
        &NewMemory::of(given.clone(), Origin::Dashboard),
        NOW,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.store.begin(&mia).await.unwrap();
    let seen = memory_get(&mut tx, memory).await.unwrap();
    assert_eq!(
        (seen.title, seen.content, seen.tags),
        (given.title, given.content, tags)
    );
    assert_eq!(
        (seen.kind, seen.origin, seen.visibility),
        (MemoryKind::Event, Origin::Dashboard, Visibility::Private)
    );
    assert_eq!(
        (
            seen.owner_name.as_str(),
            seen.is_own,
            seen.is_embedded,
            seen.version
        ),
        ("Mia", true, false, 1)
    );
    assert_eq!(
        (seen.created_at, seen.updated_at, seen.deleted_at),
        (NOW, NOW, None)
    );
}

#[tokio::test]
async fn longest_and_strangest_texts_fit() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let filled = |piece: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        for n in 0.. {
            let next = piece(n);
            if text.len() + next.len() > MAX_CONTENT_BYTES {
                break;
            }
            text.push_str(&next);
        }
        text
    };
    let cases = [
        filled(&|n| format!("h{n}.example.com/p{n} ")),
        filled(&|n| format!("a{n}-b{n}-c{n} ")),
        filled(&|n| format!("{n:x} ")),
        filled(&|n| {
            format!(
                "{} ",
                char::from_u32(0x4e00 + u32::try_from(n % 20_000).unwrap()).unwrap()
            )
        }),
        "x".repeat(MAX_CONTENT_BYTES),
        format!("{}\u{1}\u{e000}\u{e001}\u{ffff}", "é".repeat(40_000)),
    ];
    for content in cases {
        let memory = create(&db, &mia, &content).await;
        let mut tx = db.store.begin(&mia).await.unwrap();
        assert!(memory_get(&mut tx, memory).await.unwrap().content == content);
    }
}

#[tokio::test]
async fn update_keeps_the_earlier_version_and_drops_the_embedding() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let memory = create(&db, &mia, "the first words").await;
    embed(&db, &mia, memory, toward(0, 1, 0.0)).await;

    let later = NOW + Duration::hours(1);
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert!(memory_get(&mut tx, memory).await.unwrap().is_embedded);
    let second = MemoryText::new(
        "Now titled",
        "the second words".into(),
        "context",
        &["t".into()],
    )
    .unwrap();
    memory_update(&mut tx, memory, 1, &MemoryChange::of(second), later)
        .await
        .unwrap();
    memory_update(
        &mut tx,
        memory,
        2,
        &change("the third words"),
        later + Duration::hours(1),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.store.begin(&mia).await.unwrap();
    let seen = memory_get(&mut tx, memory).await.unwrap();
    assert_eq!(
        (seen.version, seen.content.as_str(), seen.is_embedded),
        (3, "the third words", false)
    );
    assert_eq!(
        (seen.created_at, seen.updated_at),
        (NOW, later + Duration::hours(1))
    );
    let versions = memory_versions(&mut tx, memory).await.unwrap();
    assert_eq!(
        versions.iter().map(|v| v.version).collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!(
        (versions[0].title.as_str(), versions[0].kind),
        ("Now titled", MemoryKind::Context)
    );
    assert_eq!(
        (versions[1].content.as_str(), versions[1].changed_at),
        ("the first words", later)
    );
    assert_eq!(versions[1].changed_by_name, "Mia");
    // The same one by one, and paginated.
    let (first, next) = memory_version_and_next(&mut tx, memory, 1).await.unwrap();
    assert_eq!((&first, next.as_ref()), (&versions[1], Some(&versions[0])));
    let last = memory_version_and_next(&mut tx, memory, 2).await.unwrap();
    assert_eq!(last, (versions[0].clone(), None));
    for never in [0, 3, -1] {
        let none = memory_version_and_next(&mut tx, memory, never).await;
        assert!(matches!(none, Err(StoreError::NotFound)), "{none:?}");
    }
    let page = memory_version_page(&mut tx, memory, None, 1).await.unwrap();
    assert_eq!(page.items, versions[..1]);
    let after = page.next.as_deref();
    let page = memory_version_page(&mut tx, memory, after, 1)
        .await
        .unwrap();
    assert_eq!((page.items, page.next), (versions[1..].to_vec(), None));
}

#[tokio::test]
async fn lost_update_is_a_conflict() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let memory = create(&db, &mia, "first").await;

    // The second writer waits for the first and then finds another version.
    let mut first = db.store.begin(&mia).await.unwrap();
    memory_update(&mut first, memory, 1, &change("by the first"), NOW)
        .await
        .unwrap();
    let (store, actor) = (db.store.clone(), mia.clone());
    let second = tokio::spawn(async move {
        let mut tx = store.begin(&actor).await.unwrap();
        memory_update(&mut tx, memory, 1, &change("by the second"), NOW).await
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!second.is_finished());
    first.commit().await.unwrap();
    assert!(matches!(second.await.unwrap(), Err(StoreError::Conflict)));

    let mut tx = db.store.begin(&mia).await.unwrap();
    assert_eq!(
        memory_get(&mut tx, memory).await.unwrap().content,
        "by the first"
    );
    assert_eq!(memory_versions(&mut tx, memory).await.unwrap().len(), 1);
}

// SEC-C6, SEC-G (memory IDOR, also through the body of a failed update)
#[tokio::test]
async fn nobody_else_can_write_a_memory() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let owner = acme.actor(SystemRole::Owner, "Olga").await;
    let stranger = db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    let private = create(&db, &mia, "private").await;
    let shared = create(&db, &mia, "shared").await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_update(&mut tx, shared, 1, &change("shared, without the slip"), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    share(&db, shared, "org", None).await;

    for other in [&owner, &stranger] {
        for memory in [private, shared, id::<MemoryId>()] {
            let mut tx = db.store.begin(other).await.unwrap();
            for version in [1, 2, 3] {
                let update =
                    memory_update(&mut tx, memory, version, &change("mine now"), NOW).await;
                assert!(matches!(update, Err(StoreError::NotFound)), "{update:?}");
            }
            assert!(matches!(
                memory_delete(&mut tx, memory, NOW).await,
                Err(StoreError::NotFound)
            ));
            assert!(matches!(
                memory_restore(&mut tx, memory, NOW).await,
                Err(StoreError::NotFound)
            ));
            assert!(memory_versions(&mut tx, memory).await.unwrap().is_empty());
        }
    }
    let mut tx = db.store.begin(&owner).await.unwrap();
    let seen = memory_get(&mut tx, shared).await.unwrap();
    assert_eq!(
        (seen.content.as_str(), seen.is_own),
        ("shared, without the slip", false)
    );
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert_eq!(memory_versions(&mut tx, shared).await.unwrap().len(), 1);
}

#[tokio::test]
async fn deletion_can_be_undone() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let memory = create(&db, &mia, "to be deleted").await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert!(matches!(
        memory_restore(&mut tx, memory, NOW).await,
        Err(StoreError::Conflict)
    ));
    memory_delete(&mut tx, memory, NOW).await.unwrap();
    assert!(matches!(
        memory_delete(&mut tx, memory, NOW).await,
        Err(StoreError::Conflict)
    ));
    let update = memory_update(&mut tx, memory, 1, &change("x"), NOW).await;
    assert!(matches!(update, Err(StoreError::Conflict)));
    assert_eq!(
        memory_get(&mut tx, memory).await.unwrap().deleted_at,
        Some(NOW)
    );
    assert!(
        memory_list(
            &mut tx,
            &MemoryCriteria::default(),
            MemoryPage::first(10),
            NOW
        )
        .await
        .unwrap()
        .items
        .is_empty()
    );

    memory_restore(&mut tx, memory, NOW).await.unwrap();
    assert_eq!(memory_get(&mut tx, memory).await.unwrap().deleted_at, None);
    memory_update(&mut tx, memory, 1, &change("again"), NOW)
        .await
        .unwrap();
}

fn imported(digest: u8, text: MemoryText) -> ImportedMemory {
    ImportedMemory {
        id: id(),
        memory: NewMemory::of(text, Origin::Import),
        parent_id: None,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
        earlier: Vec::new(),
        digest: [digest; 32],
    }
}

#[tokio::test]
async fn imported_reply_to_an_expired_memory_is_not_attached() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let text = |content: &str| MemoryText::new("", content.into(), "event", &[]).unwrap();
    let mut tx = db.store.begin(&mia).await.unwrap();
    let expired = ImportedMemory {
        memory: NewMemory {
            attributes: MemoryAttributes {
                expires_at: Some(NOW),
                ..MemoryAttributes::default()
            },
            ..NewMemory::of(text("expired"), Origin::Import)
        },
        ..imported(1, text("expired"))
    };
    let late = ImportedMemory {
        parent_id: Some(expired.id),
        ..imported(2, text("late"))
    };
    let created = memory_insert_imported(&mut tx, std::slice::from_ref(&expired), NOW).await;
    assert_eq!(created.unwrap(), [expired.id]);
    let parents = import_parents(&mut tx, &[[1; 32]], NOW).await.unwrap();
    assert!(parents.is_empty());
    let created = memory_insert_imported(&mut tx, &[late], NOW).await.unwrap();
    assert!(created.is_empty());
}

#[tokio::test]
async fn imported_memory_keeps_its_versions_times_and_parent() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let text = |content: &str| MemoryText::new("T", content.into(), "event", &[]).unwrap();
    let mut tx = db.store.begin(&mia).await.unwrap();
    let root = ImportedMemory {
        created_at: NOW - Duration::days(9),
        updated_at: NOW - Duration::days(2),
        version: 5,
        earlier: [2, 4]
            .map(|version| EarlierVersion {
                version,
                text: text(&format!("was {version}")),
                changed_at: NOW - Duration::days(9 - i64::from(version)),
                change_reason: (version == 4).then(|| "why".to_owned()),
            })
            .to_vec(),
        ..imported(1, text("root"))
    };
    assert_eq!(
        memory_insert_imported(&mut tx, std::slice::from_ref(&root), NOW)
            .await
            .unwrap(),
        [root.id]
    );
    let parents = import_parents(&mut tx, &[[1; 32], [2; 32]], NOW)
        .await
        .unwrap();
    assert_eq!(
        parents,
        [ParentMemory {
            id: root.id,
            digest: [1; 32]
        }]
    );
    let reply = ImportedMemory {
        parent_id: Some(root.id),
        ..imported(2, text("reply"))
    };
    // A memory that exists already gets no versions from the file.
    let again = ImportedMemory {
        id: id(),
        ..root.clone()
    };
    assert_eq!(
        memory_insert_imported(&mut tx, &[again, reply.clone()], NOW)
            .await
            .unwrap(),
        [reply.id]
    );
    // Neither a reply nor a memory in the trash can be a parent.
    assert!(
        import_parents(&mut tx, &[[2; 32]], NOW)
            .await
            .unwrap()
            .is_empty()
    );
    let seen = memory_get(&mut tx, root.id).await.unwrap();
    assert_eq!(
        (seen.version, seen.created_at, seen.updated_at),
        (5, root.created_at, root.updated_at)
    );
    assert_eq!(seen.visibility, Visibility::Private);
    assert_eq!(
        memory_get(&mut tx, reply.id).await.unwrap().parent_id,
        Some(root.id)
    );
    let versions = memory_versions(&mut tx, root.id).await.unwrap();
    let versions: Vec<_> = versions
        .iter()
        .map(|v| (v.version, v.content.as_str(), v.reason.as_deref()))
        .collect();
    assert_eq!(versions, [(4, "was 4", Some("why")), (2, "was 2", None)]);
    // After the import it is changed like any other.
    memory_update(&mut tx, root.id, 5, &change("changed"), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.store.begin(&noah).await.unwrap();
    assert!(
        import_parents(&mut tx, &[[1; 32]], NOW)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn imported_memory_never_gets_into_somebody_elses_persona() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let text = MemoryText::new("", "x".into(), "fact", &[]).unwrap();
    let mut tx = db.store.begin(&mia).await.unwrap();
    let hers = persona_ensure(&mut tx, &[(id(), "Work".to_owned())], NOW)
        .await
        .unwrap()["Work"];
    let again = persona_ensure(
        &mut tx,
        &[(id(), "Work".to_owned()), (id(), "Home".to_owned())],
        NOW,
    )
    .await
    .unwrap();
    assert_eq!((again["Work"], again.len()), (hers, 2));
    tx.commit().await.unwrap();

    let mut tx = db.store.begin(&noah).await.unwrap();
    let his = persona_ensure(&mut tx, &[(id(), "Work".to_owned())], NOW)
        .await
        .unwrap()["Work"];
    assert_ne!(his, hers);
    let mut memory = imported(1, text);
    memory.memory.persona_id = Some(hers);
    match memory_insert_imported(&mut tx, &[memory], NOW).await {
        Err(StoreError::Constraint(name)) => assert_eq!(name, "memories_persona_id_fkey"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn imported_record_is_inserted_once() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let record = |digest: u8, content: &str| {
        let tags = ["one".to_owned(), "two words".to_owned()];
        let tags = if digest == 1 { &tags[..] } else { &[] };
        imported(
            digest,
            MemoryText::new("T", content.into(), "fact", tags).unwrap(),
        )
    };

    let mut tx = db.store.begin(&mia).await.unwrap();
    let batch = [
        record(1, "a, \"b\" {c}"),
        record(2, "NULL"),
        record(1, "a, \"b\" {c}"),
    ];
    assert_eq!(
        memory_insert_imported(&mut tx, &batch, NOW).await.unwrap(),
        [batch[0].id, batch[1].id]
    );
    tx.commit().await.unwrap();

    // Also after the memory was changed or deleted.
    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_delete(&mut tx, batch[0].id, NOW).await.unwrap();
    memory_update(&mut tx, batch[1].id, 1, &change("changed"), NOW)
        .await
        .unwrap();
    let again = [record(1, "a"), record(2, "b"), record(3, "c")];
    assert_eq!(
        memory_insert_imported(&mut tx, &again, NOW).await.unwrap(),
        [again[2].id]
    );
    assert!(
        memory_insert_imported(&mut tx, &[], NOW)
            .await
            .unwrap()
            .is_empty()
    );
    tx.commit().await.unwrap();

    let mut tx = db.store.begin(&mia).await.unwrap();
    let first = memory_get(&mut tx, batch[0].id).await.unwrap();
    assert_eq!(
        (first.content.as_str(), first.origin),
        ("a, \"b\" {c}", Origin::Import)
    );
    assert_eq!(first.tags, ["one", "two words"]);
    assert!(
        memory_get(&mut tx, batch[1].id)
            .await
            .unwrap()
            .tags
            .is_empty()
    );

    let mut tx = db.store.begin(&noah).await.unwrap();
    let his = [record(1, "a")];
    assert_eq!(
        memory_insert_imported(&mut tx, &his, NOW).await.unwrap(),
        [his[0].id]
    );
}
