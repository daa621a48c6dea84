//! Uploaded files and their imports.

use domain::{
    Actor, ImportId, JobId,
    access::SystemRole,
    import::{Field, ImportFormat, ImportOptions, ImportProblem, ImportReport, ImportState},
    job::JobStatus,
};
use serde_json::json;
use store::{
    StoreError,
    import::{
        NewImport, import_chunk, import_chunk_put, import_chunks_clear, import_confirm,
        import_create, import_discard, import_find_duplicate, import_get, import_list,
        import_list_abandoned, import_options, import_set_report, import_upload_complete,
    },
    job::{NewJob, job_enqueue},
    testing::{NOW, TestDb, id},
};
use time::Duration;

const CONTENT: &[u8] = b"one\n\ntwo \xff\0";

fn file() -> NewImport<'static> {
    NewImport {
        id: id::<ImportId>(),
        job_id: id::<JobId>(),
        file_name: "notes.txt",
        format: ImportFormat::PlainText,
    }
}

/// Stores a file that waits for review.
async fn give(db: &TestDb, actor: &Actor, import: &NewImport<'_>, digest: u8, minute: i64) {
    let mut tx = db.store.begin(actor).await.unwrap();
    import_create(&mut tx, import, NOW + Duration::minutes(minute))
        .await
        .unwrap();
    import_chunk_put(&mut tx, import.id, 0, CONTENT)
        .await
        .unwrap();
    import_upload_complete(
        &mut tx,
        import.id,
        CONTENT.len() as u64,
        [digest; 32],
        import.format,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn waiting_file_is_started_and_its_bytes_are_deleted() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let given = file();
    give(&db, &mia, &given, 1, 0).await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    let seen = import_get(&mut tx, given.id).await.unwrap();
    assert_eq!(
        (seen.file_name.as_str(), seen.size, seen.state),
        ("notes.txt", 11, ImportState::Preview)
    );
    assert_eq!((seen.job, seen.report), (None, ImportReport::default()));
    assert_eq!(import_chunk(&mut tx, given.id, 0).await.unwrap(), CONTENT);
    assert!(matches!(
        import_chunk(&mut tx, given.id, 1).await,
        Err(StoreError::NotFound)
    ));

    let choice = ImportOptions {
        tags: "a".into(),
        columns: [(Field::Content.key().to_owned(), "note".to_owned())].into(),
        ..ImportOptions::default()
    };
    let job_id = import_confirm(&mut tx, given.id, ImportFormat::Csv, &choice)
        .await
        .unwrap();
    assert_eq!(job_id, given.job_id);
    let job = NewJob {
        id: job_id,
        kind: "memory.import",
        payload: json!({ "import_id": given.id }),
        dedupe_key: None,
        run_at: NOW,
        max_attempts: 3,
        priority: 0,
        progress_total: 0,
    };
    job_enqueue(&mut tx, &job, NOW).await.unwrap();
    let seen = import_get(&mut tx, given.id).await.unwrap();
    assert_eq!(
        (seen.format, seen.state),
        (ImportFormat::Csv, ImportState::Started)
    );
    assert_eq!(seen.job.unwrap().status, JobStatus::Pending);
    assert_eq!(import_options(&mut tx, given.id).await.unwrap(), choice);
    for again in [
        import_confirm(&mut tx, given.id, ImportFormat::Csv, &choice)
            .await
            .map(drop),
        import_discard(&mut tx, given.id).await,
    ] {
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    }

    let report = ImportReport {
        imported: 2,
        duplicates: 1,
        failed: 1,
        problems: vec![ImportProblem {
            line: 7,
            entry: Some("a.json".into()),
            reason: "Not JSON: “\u{1F600}”.".into(),
        }],
        changed: 1,
        changes: vec![ImportProblem {
            line: 8,
            entry: None,
            reason: "NUL characters were removed.".into(),
        }],
    };
    import_set_report(&mut tx, given.id, &report).await.unwrap();
    import_chunks_clear(&mut tx, given.id).await.unwrap();
    assert!(matches!(
        import_chunk(&mut tx, given.id, 0).await,
        Err(StoreError::NotFound)
    ));
    let seen = import_get(&mut tx, given.id).await.unwrap();
    assert_eq!((seen.report, seen.size), (report, 11));
}

#[tokio::test]
async fn report_from_before_archives_is_still_readable() {
    let old: ImportProblem = serde_json::from_value(json!({ "line": 3, "reason": "x" })).unwrap();
    assert_eq!((old.line, old.entry), (3, None));
}

#[tokio::test]
async fn duplicate_bytes_are_found_while_they_wait_per_member() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let (first, second) = (file(), file());
    give(&db, &mia, &first, 1, 0).await;
    give(&db, &mia, &second, 2, 1).await;
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert_eq!(
        import_find_duplicate(&mut tx, [1; 32]).await.unwrap(),
        Some(first.id)
    );
    assert_eq!(import_find_duplicate(&mut tx, [3; 32]).await.unwrap(), None);
    let listed: Vec<_> = import_list(&mut tx, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|i| i.id)
        .collect();
    assert_eq!(listed, [second.id, first.id]);
    assert_eq!(import_list(&mut tx, 1).await.unwrap().len(), 1);
    import_discard(&mut tx, first.id).await.unwrap();
    assert_eq!(import_find_duplicate(&mut tx, [1; 32]).await.unwrap(), None);
    drop(tx);
    let mut tx = db.store.begin(&noah).await.unwrap();
    assert_eq!(import_find_duplicate(&mut tx, [1; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn aborted_and_abandoned_uploads_are_found_for_deletion() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let (broken, waits) = (file(), file());
    let mut tx = db.store.begin(&mia).await.unwrap();
    import_create(&mut tx, &broken, NOW).await.unwrap();
    assert!(import_list(&mut tx, 10).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    give(&db, &mia, &waits, 1, 0).await;
    let mut tx = db.store.begin_worker().await.unwrap();
    let later = NOW + Duration::minutes(1);
    let whose = |id| vec![(mia.tenant_id, mia.user_id, id)];
    for (uploads, previews, expected) in [
        (NOW, NOW, vec![]),
        (later, NOW, whose(broken.id)),
        (NOW, later, whose(waits.id)),
    ] {
        let found = import_list_abandoned(&mut tx, uploads, previews, 10).await;
        assert_eq!(found.unwrap(), expected);
    }
    assert_eq!(
        import_list_abandoned(&mut tx, later, later, 1)
            .await
            .unwrap()
            .len(),
        1
    );
    sqlx::query("UPDATE tenants SET status = 'suspended'")
        .execute(&db.admin)
        .await
        .unwrap();
    assert_eq!(
        import_list_abandoned(&mut tx, later, later, 10)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn import_is_private_to_its_member() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let owner = acme.actor(SystemRole::Owner, "Olga").await;
    let stranger = db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    let given = file();
    give(&db, &mia, &given, 1, 0).await;
    for other in [&owner, &stranger] {
        let mut tx = db.store.begin(other).await.unwrap();
        let report = ImportReport::default();
        let choice = ImportOptions::default();
        for refused in [
            import_get(&mut tx, given.id).await.map(drop),
            import_chunk(&mut tx, given.id, 0).await.map(drop),
            import_options(&mut tx, given.id).await.map(drop),
            import_set_report(&mut tx, given.id, &report).await,
            import_confirm(&mut tx, given.id, ImportFormat::Csv, &choice)
                .await
                .map(drop),
            import_discard(&mut tx, given.id).await,
        ] {
            assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
        }
        assert!(import_list(&mut tx, 10).await.unwrap().is_empty());
        // Nor its bytes: the chunk would belong to another member's file.
        import_chunks_clear(&mut tx, given.id).await.unwrap();
        let piece = import_chunk_put(&mut tx, given.id, 1, b"x").await;
        assert!(matches!(piece, Err(StoreError::Constraint(_))), "{piece:?}");
    }
    let mut tx = db.store.begin(&mia).await.unwrap();
    assert_eq!(import_chunk(&mut tx, given.id, 0).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn impossible_file_is_rejected_by_constraint_name() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let nameless = NewImport {
        file_name: "",
        ..file()
    };
    let mut tx = db.store.begin(&mia).await.unwrap();
    match import_create(&mut tx, &nameless, NOW).await {
        Err(StoreError::Constraint(name)) => assert_eq!(name, "imports_file_name_check"),
        other => panic!("{other:?}"),
    }
    for (size, constraint) in [
        (0, "imports_arrived_check"),
        (1 << 40, "imports_size_check"),
    ] {
        let given = file();
        let mut tx = db.store.begin(&mia).await.unwrap();
        import_create(&mut tx, &given, NOW).await.unwrap();
        match import_upload_complete(&mut tx, given.id, size, [1; 32], given.format).await {
            Err(StoreError::Constraint(name)) => assert_eq!(name, constraint),
            other => panic!("{other:?}"),
        }
    }
    for (position, bytes, constraint) in [
        (0, &b""[..], "import_chunks_bytes_check"),
        (256, b"x", "import_chunks_position_check"),
    ] {
        let given = file();
        let mut tx = db.store.begin(&mia).await.unwrap();
        import_create(&mut tx, &given, NOW).await.unwrap();
        match import_chunk_put(&mut tx, given.id, position, bytes).await {
            Err(StoreError::Constraint(name)) => assert_eq!(name, constraint),
            other => panic!("{other:?}"),
        }
    }
}
