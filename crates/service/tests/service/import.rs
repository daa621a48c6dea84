//! Importing files.

use domain::{
    AppError,
    access::SystemRole,
    import::{ImportFormat, ImportOptions, MAX_FILE_BYTES, MAX_REPORTED_PROBLEMS, UploadProblem},
    job::JobStatus,
    memory::{MemoryFilter, MemoryKind, Visibility},
};
use service::{Upload, UploadError};

use crate::call_import::{import_confirm, import_discard, import_preview};
use crate::call_memory::{memory_get, memory_list};
use crate::support::World;

#[tokio::test]
async fn valid_lines_are_imported_and_invalid_ones_are_reported() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let worker = world.worker();
    let text = "{\"content\":\"one\",\"tags\":[\"a\"]}\nnot json\n{\"content\":\"\"}\n{\"content\":\"two\"}\n";
    let import = world.import(&actor, ImportFormat::JsonLines, text).await;
    worker.stop().await;

    let job = import.job.unwrap();
    assert_eq!(job.status, JobStatus::Completed);
    assert_eq!((job.progress_done, job.progress_total), (4, 4));
    let report = import.report;
    assert_eq!(
        (report.imported, report.duplicates, report.failed),
        (2, 0, 2)
    );
    let lines: Vec<_> = report.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 3]);
    let list = memory_list(&world.ctx, &actor, &MemoryFilter::default(), None)
        .await
        .unwrap();
    let contents: Vec<_> = list
        .items
        .iter()
        .map(|memory| memory.excerpt.as_str())
        .collect();
    assert_eq!(contents, ["two", "one"]);
}

// SEC-B9: the quota is the organisation's, though members don't see each other's files.
#[tokio::test]
async fn waiting_files_have_a_quota_for_the_organisation() {
    let mut world = World::without_model().await;
    let (mia, nils) = (world.member("Mia").await, world.member("Nils").await);
    world.ctx.quotas.waiting_files = 2;
    world.ctx.quotas.waiting_bytes = 3 * 1024 * 1024;
    let give = async |actor: &domain::Actor, bytes: &[u8]| {
        let mut upload = Upload::begin(&world.ctx, actor, "a.txt").await?;
        let id = upload.id();
        let given = async {
            upload.write(bytes).await?;
            upload.finish(None).await
        };
        match given.await {
            Ok(started) => Ok(started.id),
            Err(error) => {
                Upload::abandon(&world.ctx, actor, id).await?;
                Err(error)
            }
        }
    };
    let full = Err(UploadError::Problem(UploadProblem::QueueFull));
    let first = give(&mia, b"one").await.unwrap();
    let second = give(&nils, b"two").await.unwrap();
    assert_eq!(give(&mia, b"three").await, full);
    assert_eq!(give(&nils, b"three").await, full);
    import_discard(&world.ctx, &nils, second).await.unwrap();
    let large = vec![b'a'; 2 * 1024 * 1024];
    let second = give(&nils, &large).await.unwrap();
    import_discard(&world.ctx, &mia, first).await.unwrap();
    // The size counts, not the number of files, and nothing of a rejected file stays.
    assert_eq!(give(&mia, &large).await, full);
    assert_eq!(give(&mia, b"three").await.map(drop), Ok(()));
    import_discard(&world.ctx, &nils, second).await.unwrap();

    // Another organisation has its own quota.
    let other = world.db.tenant("other").await;
    let olga = other.actor(SystemRole::Member, "Olga").await;
    assert_eq!(give(&olga, b"one").await.map(drop), Ok(()));
    assert_eq!(give(&olga, b"two").await.map(drop), Ok(()));
    assert_eq!(give(&olga, b"three").await.map(drop), full.map(drop));
}

#[tokio::test]
async fn nothing_is_imported_twice() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let worker = world.worker();
    let first = world
        .import(&actor, ImportFormat::PlainText, "one\n\ntwo\n")
        .await;
    assert_eq!(first.report.imported, 2);
    // The same bytes, uploaded again: every row is a duplicate.
    let again = world
        .import(&actor, ImportFormat::PlainText, "one\n\ntwo\n")
        .await;
    assert_eq!((again.report.imported, again.report.duplicates), (0, 2));
    // Bytes that already wait for review lead to the same import.
    let waits = world.give(&actor, "a.txt", None, "three\n").await.unwrap();
    let twice = world.give(&actor, "b.txt", None, "three\n").await.unwrap();
    assert!(!waits.is_duplicate && twice.is_duplicate);
    assert_eq!(waits.id, twice.id);
    // A longer file: only its new rows are imported.
    let longer = world
        .import(&actor, ImportFormat::PlainText, "one\n\ntwo\n\nthree\n")
        .await;
    assert_eq!((longer.report.imported, longer.report.duplicates), (1, 2));
    // Another member's file is independent.
    let other = world.member("Max").await;
    let others = world
        .import(&other, ImportFormat::PlainText, "one\n\ntwo\n")
        .await;
    assert_eq!(others.report.imported, 2);
    worker.stop().await;
}

#[tokio::test]
async fn changes_are_reported_apart_from_rejected_records_and_not_for_duplicates() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let worker = world.worker();
    let line = |n: usize| format!("{{\"content\":\"{n}\",\"kind\":\"song\"}}");
    let lines: Vec<_> = (0..MAX_REPORTED_PROBLEMS + 10).map(line).collect();
    let text = format!("{}\nnot json\n", lines.join("\n"));
    let id = world.give(&actor, "a.jsonl", None, &text).await.unwrap().id;
    let preview = import_preview(&world.ctx, &actor, id, &ImportOptions::default())
        .await
        .unwrap();
    assert!(preview.changes[0].reason.contains("“song”"));

    import_confirm(&world.ctx, &actor, id, &ImportOptions::default())
        .await
        .unwrap();
    let report = world.import_ended(&actor, id).await.report;
    assert_eq!((report.imported, report.changed), (210, 210));
    assert_eq!(report.changes.len(), MAX_REPORTED_PROBLEMS);
    assert_eq!(report.problems[0].line, 211);

    let text = text.replace("not json", "not json either");
    let again = world.import(&actor, ImportFormat::JsonLines, &text).await;
    worker.stop().await;
    assert_eq!((again.report.duplicates, again.report.failed), (210, 1));
    assert_eq!((again.report.changed, again.report.changes.len()), (0, 0));
}

#[tokio::test]
async fn import_larger_than_a_batch_keeps_the_files_order() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let worker = world.worker();
    let text: String = (0..1_234)
        .map(|n| format!("note {n}\n\n"))
        .collect::<Vec<_>>()
        .concat();
    let import = world.import(&actor, ImportFormat::PlainText, &text).await;
    worker.stop().await;
    assert_eq!(import.report.imported, 1_234);
    let list = memory_list(&world.ctx, &actor, &MemoryFilter::default(), None)
        .await
        .unwrap();
    assert_eq!(list.items[0].excerpt, "note 1233");
    assert_eq!(list.items[1].excerpt, "note 1232");
}

#[tokio::test]
async fn unreadable_file_is_rejected_and_leaves_nothing() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    for (name, content, problem) in [
        ("a.png", vec![0x89, b'P', 0, 0], UploadProblem::NotText),
        ("a.odd", b"text".to_vec(), UploadProblem::UnknownFormat),
        ("a.txt", b" \n".to_vec(), UploadProblem::Empty),
        (
            "a.zip",
            b"PK\x03\x04 and no more".to_vec(),
            UploadProblem::BadArchive,
        ),
    ] {
        let mut upload = Upload::begin(&world.ctx, &actor, name).await.unwrap();
        let id = upload.id();
        upload.write(&content).await.unwrap();
        let refused = upload.finish(None).await.unwrap_err();
        assert_eq!(refused, UploadError::Problem(problem), "{name}");
        Upload::abandon(&world.ctx, &actor, id).await.unwrap();
    }
    let mut upload = Upload::begin(&world.ctx, &actor, "a.txt").await.unwrap();
    let piece = vec![b'a'; 16 * 1024 * 1024];
    let mut taken = 0;
    let refused = loop {
        match upload.write(&piece).await {
            Ok(()) => taken += piece.len() as u64,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, UploadError::Problem(UploadProblem::TooLarge));
    assert_eq!(taken, MAX_FILE_BYTES);
    Upload::abandon(&world.ctx, &actor, upload.id())
        .await
        .unwrap();
    for table in ["imports", "import_chunks"] {
        let left: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
                .fetch_one(&world.db.admin)
                .await
                .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test]
async fn nothing_is_imported_before_confirmation_and_the_preview_says_what_would_be() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let worker = world.worker();
    let rows: String = (0..30)
        .map(|n| format!("Row {n},note {n},x\n"))
        .collect::<Vec<_>>()
        .concat();
    let file = format!("heading,note,other\n{rows},,\n");
    let id = world.give(&actor, "a.csv", None, &file).await.unwrap().id;

    // The text column is guessed from its name “note”.
    let guess = import_preview(&world.ctx, &actor, id, &ImportOptions::default())
        .await
        .unwrap();
    assert_eq!((guess.good, guess.failed, guess.is_whole), (30, 1, true));
    assert_eq!(guess.records.len(), 20);
    assert_eq!(guess.columns, ["heading", "note", "other"]);
    assert_eq!(guess.unmapped, ["other"]);
    assert_eq!(guess.problems[0].line, 32);

    let choice = ImportOptions {
        kind: "event".into(),
        tags: "old".into(),
        persona: "Work".into(),
        columns: [
            ("content".into(), "other".into()),
            ("title".into(), "note".into()),
        ]
        .into(),
        ..ImportOptions::default()
    };
    let chosen = import_preview(&world.ctx, &actor, id, &choice)
        .await
        .unwrap();
    assert_eq!(chosen.records[0].title, "note 0");
    assert_eq!(chosen.unmapped, ["heading"]);
    let none = memory_list(&world.ctx, &actor, &MemoryFilter::default(), None)
        .await
        .unwrap();
    assert!(none.items.is_empty());

    import_confirm(&world.ctx, &actor, id, &choice)
        .await
        .unwrap();
    let import = world.import_ended(&actor, id).await;
    worker.stop().await;
    assert_eq!((import.report.imported, import.report.failed), (30, 1));
    let list = memory_list(&world.ctx, &actor, &MemoryFilter::default(), None)
        .await
        .unwrap();
    let memory = memory_get(&world.ctx, &actor, list.items[0].id)
        .await
        .unwrap();
    assert_eq!(
        (memory.title.as_str(), memory.content.as_str()),
        ("note 29", "x")
    );
    assert_eq!(
        (memory.kind, memory.tags),
        (MemoryKind::Event, vec!["old".to_owned()])
    );
    assert_eq!(memory.persona_name.as_deref(), Some("Work"));
    assert_eq!(memory.visibility, Visibility::Private);

    // A started import can't be previewed, confirmed or discarded.
    let again = import_confirm(&world.ctx, &actor, id, &choice).await;
    assert!(matches!(again, Err(AppError::Conflict { .. })), "{again:?}");
    let gone = import_discard(&world.ctx, &actor, id).await;
    assert!(matches!(gone, Err(AppError::Conflict { .. })), "{gone:?}");
}

#[tokio::test]
async fn invalid_option_is_rejected_by_field_name() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let id = world.give(&actor, "a.txt", None, "one\n").await.unwrap().id;
    let long = "x".repeat(51);
    for (choice, field) in [
        (
            ImportOptions {
                format: "song".into(),
                ..ImportOptions::default()
            },
            "format",
        ),
        (
            ImportOptions {
                kind: "song".into(),
                ..ImportOptions::default()
            },
            "kind",
        ),
        (
            ImportOptions {
                tags: long.clone(),
                ..ImportOptions::default()
            },
            "tags",
        ),
        (
            ImportOptions {
                persona: long,
                ..ImportOptions::default()
            },
            "persona",
        ),
    ] {
        for refused in [
            import_preview(&world.ctx, &actor, id, &choice)
                .await
                .unwrap_err(),
            import_confirm(&world.ctx, &actor, id, &choice)
                .await
                .unwrap_err(),
        ] {
            assert!(refused.for_field(field).is_some(), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn too_large_choice_is_rejected_by_its_field() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let file = "note,other\nx,y\n";
    let id = world.give(&actor, "a.csv", None, file).await.unwrap().id;
    let unknown = (1..100).map(|n| (format!("{n:0>500}"), "x".repeat(500)));
    let choice = ImportOptions {
        columns: unknown.chain([("content".into(), "note".into())]).collect(),
        ..ImportOptions::default()
    };
    let refused = import_confirm(&world.ctx, &actor, id, &choice).await;
    let refused = refused.unwrap_err();
    assert!(refused.for_field("columns").is_some(), "{refused:?}");
}

#[tokio::test]
async fn waiting_file_is_private_to_its_owner_and_can_be_discarded() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let other = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let id = world.give(&actor, "a.txt", None, "one\n").await.unwrap().id;
    let choice = ImportOptions::default();
    for refused in [
        import_preview(&world.ctx, &other, id, &choice)
            .await
            .map(drop),
        import_confirm(&world.ctx, &other, id, &choice).await,
        import_discard(&world.ctx, &other, id).await,
    ] {
        assert_eq!(refused, Err(AppError::NotFound));
    }
    import_discard(&world.ctx, &actor, id).await.unwrap();
    let gone = import_preview(&world.ctx, &actor, id, &choice).await;
    assert_eq!(gone.map(drop), Err(AppError::NotFound));
}

#[tokio::test]
async fn housekeeping_deletes_aborted_uploads_and_abandoned_files() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let left = world.give(&actor, "a.txt", None, "one\n").await.unwrap().id;
    let waits = world.give(&actor, "b.txt", None, "two\n").await.unwrap().id;
    let mut broken = Upload::begin(&world.ctx, &actor, "c.txt").await.unwrap();
    broken.write(&vec![b'x'; 2_000_000]).await.unwrap();
    drop(broken);
    let stored = async || -> Vec<uuid::Uuid> {
        let ids = sqlx::query_scalar("SELECT DISTINCT import_id FROM import_chunks ORDER BY 1");
        ids.fetch_all(&world.db.admin).await.unwrap()
    };
    assert_eq!(stored().await.len(), 3);
    sqlx::query("UPDATE imports SET created_at = created_at - interval '2 hours'")
        .execute(&world.db.admin)
        .await
        .unwrap();
    sqlx::query("UPDATE imports SET created_at = created_at - interval '8 days' WHERE id = $1")
        .bind(left)
        .execute(&world.db.admin)
        .await
        .unwrap();
    let worker = world.worker();
    for _ in 0..500 {
        if stored().await.len() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    worker.stop().await;
    assert_eq!(stored().await, [waits.0]);
    let choice = ImportOptions::default();
    assert!(
        import_preview(&world.ctx, &actor, waits, &choice)
            .await
            .is_ok()
    );
    let gone = import_preview(&world.ctx, &actor, left, &choice).await;
    assert_eq!(gone.map(drop), Err(AppError::NotFound));
}

#[tokio::test]
async fn malicious_archive_imports_nothing_and_reports_the_reason() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let worker = world.worker();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let good = r#"{"conversation_id": "c", "create_time": 1714979289.0, "mapping": {"a": {"message":
        {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["A good one."]}}}}}"#;
    let mut content = format!("[{good},").into_bytes();
    content.resize(64 * 1024 * 1024, b' ');
    archive
        .start_file("../../conversations.json", options)
        .unwrap();
    std::io::Write::write_all(&mut archive, &content).unwrap();
    let bytes = archive.finish().unwrap().into_inner();
    let id = world
        .give(&actor, "export.zip", None, bytes)
        .await
        .unwrap()
        .id;
    let look = import_preview(&world.ctx, &actor, id, &ImportOptions::default())
        .await
        .unwrap();
    assert_eq!((look.format, look.good), (ImportFormat::ChatGpt, 1));
    assert!(look.refusal.unwrap().contains("inflates"));
    import_confirm(&world.ctx, &actor, id, &ImportOptions::default())
        .await
        .unwrap();
    let import = world.import_ended(&actor, id).await;
    worker.stop().await;
    assert_eq!((import.report.imported, import.report.failed), (0, 1));
    assert!(
        import.report.problems[0].reason.contains("inflates"),
        "{:?}",
        import.report
    );
    assert_eq!(import.job.unwrap().status, JobStatus::Completed);
}
