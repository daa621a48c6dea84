use domain::access::SystemRole;
use store::{
    StoreError,
    memory::{
        EmbeddedMemory, embedding_owners, embedding_pending, embedding_pending_count,
        embedding_set_many, memory_delete, memory_get, memory_update,
    },
    testing::{NOW, TestDb},
};

use crate::support::{DIMENSIONS, change, create, embed, model, share, toward};

#[tokio::test]
async fn own_memories_wait_until_they_are_embedded() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let a = create(&db, &mia, "a").await;
    let b = create(&db, &mia, "b").await;
    let c = create(&db, &mia, "c").await;
    let gone = create(&db, &mia, "gone").await;
    let his = create(&db, &noah, "his").await;
    share(&db, his, "org", None).await;

    let model = model(&db, &mia).await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_delete(&mut tx, gone, NOW).await.unwrap();
    let pending = embedding_pending(&mut tx, model.slot, 2, None)
        .await
        .unwrap();
    assert_eq!(pending.iter().map(|p| p.id).collect::<Vec<_>>(), [a, b]);
    assert_eq!((pending[0].content.as_str(), pending[0].version), ("a", 1));
    let rest = embedding_pending(&mut tx, model.slot, 2, Some(b))
        .await
        .unwrap();
    assert_eq!(rest.iter().map(|p| p.id).collect::<Vec<_>>(), [c]);
    assert_eq!(
        embedding_pending_count(&mut tx, model.slot).await.unwrap(),
        3,
        "own memories outside the trash"
    );

    // Vectors of changed, foreign and unknown memories are not stored.
    memory_update(&mut tx, b, 1, &change("b, changed"), NOW)
        .await
        .unwrap();
    let made = |id| EmbeddedMemory {
        id,
        version: 1,
        embedding: toward(3, 4, 0.5),
    };
    let set = embedding_set_many(&mut tx, &model, &[made(a), made(b), made(his)])
        .await
        .unwrap();
    assert_eq!(set, 1);
    assert!(memory_get(&mut tx, a).await.unwrap().is_embedded);
    assert!(!memory_get(&mut tx, b).await.unwrap().is_embedded);
    assert!(!memory_get(&mut tx, his).await.unwrap().is_embedded);
    assert_eq!(embedding_set_many(&mut tx, &model, &[]).await.unwrap(), 0);
    let pending = embedding_pending(&mut tx, model.slot, 10, None)
        .await
        .unwrap();
    assert_eq!(
        pending
            .iter()
            .map(|p| (p.id, p.version))
            .collect::<Vec<_>>(),
        [(b, 2), (c, 1)]
    );
}

#[tokio::test]
async fn impossible_vector_is_rejected() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let memory = create(&db, &mia, "a").await;
    let model = model(&db, &mia).await;
    let mut bad = toward(0, 1, 0.0);
    bad[7] = f32::NAN;
    let mut huge = toward(0, 1, 0.0);
    huge[7] = f32::INFINITY;
    for embedding in [bad, huge, vec![1.0; DIMENSIONS - 1], Vec::new()] {
        let mut tx = db.store.begin(&mia).await.unwrap();
        let set = embedding_set_many(
            &mut tx,
            &model,
            &[EmbeddedMemory {
                id: memory,
                version: 1,
                embedding,
            }],
        )
        .await;
        assert!(matches!(set, Err(StoreError::Other(_))), "{set:?}");
    }
}

#[tokio::test]
async fn sweep_finds_owners_in_every_organisation() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let gus = db
        .tenant("globex")
        .await
        .actor(SystemRole::Member, "Gus")
        .await;
    let ready = db
        .tenant("initech")
        .await
        .actor(SystemRole::Member, "Ida")
        .await;
    create(&db, &mia, "a").await;
    create(&db, &mia, "b").await;
    create(&db, &gus, "c").await;
    let done = create(&db, &ready, "d").await;
    embed(&db, &ready, done, toward(0, 1, 0.0)).await;

    let mut tx = db.store.begin_worker().await.unwrap();
    let mut owners = embedding_owners(&mut tx, true, 10, NOW).await.unwrap();
    owners.sort();
    let mut expected = [(mia.tenant_id, mia.user_id), (gus.tenant_id, gus.user_id)];
    expected.sort();
    assert_eq!(owners, expected);
    let one = embedding_owners(&mut tx, true, 1, NOW).await.unwrap();
    assert_eq!(one.len(), 1);
    // All of them lack the vector of an unknown model.
    let none = embedding_owners(&mut tx, false, 10, NOW).await.unwrap();
    assert_eq!(none, []);
}
