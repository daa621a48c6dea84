//! Files given for import.

use domain::{
    Actor, ImportId, JobId,
    access::SystemRole,
    import::{ImportFormat, ImportProblem, ImportReport, ImportStarted},
    job::JobStatus,
};
use serde_json::json;
use store::{
    StoreError,
    import::{
        NewImport, import_clear_content, import_content, import_create, import_get, import_list,
        import_set_report,
    },
    job::{NewJob, job_enqueue},
    testing::{NOW, TestDb, id},
};
use time::Duration;

async fn give(db: &TestDb, actor: &Actor, import: &NewImport<'_>, minute: i64) -> ImportStarted {
    let at = NOW + Duration::minutes(minute);
    let mut tx = db.store.begin(actor).await.unwrap();
    let started = import_create(&mut tx, import, at).await.unwrap();
    if !started.already_given {
        let job = NewJob {
            id: import.job_id,
            kind: "memory.import",
            payload: json!({ "import_id": import.id }),
            dedupe_key: None,
            run_at: at,
            max_attempts: 3,
            priority: 0,
            progress_total: 0,
        };
        job_enqueue(&mut tx, &job, at).await.unwrap();
    }
    tx.commit().await.unwrap();
    started
}

fn file(digest: u8) -> NewImport<'static> {
    NewImport {
        id: id::<ImportId>(),
        job_id: id::<JobId>(),
        file_name: "notes.txt",
        format: ImportFormat::PlainText,
        sha256: [digest; 32],
        content: b"one\n\ntwo \xff\0",
    }
}

#[tokio::test]
async fn an_import_is_kept_with_its_job_and_report() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let given = file(1);
    assert_eq!(
        give(&db, &mia, &given, 0).await,
        ImportStarted {
            id: given.id,
            already_given: false
        }
    );

    let mut tx = db.store.begin(&mia).await.unwrap();
    let seen = import_get(&mut tx, given.id).await.unwrap();
    assert_eq!((seen.file_name.as_str(), seen.size), ("notes.txt", 11));
    assert_eq!(
        (seen.job.id, seen.job.status),
        (given.job_id, JobStatus::Pending)
    );
    assert_eq!(seen.report, ImportReport::default());
    let (format, content) = import_content(&mut tx, given.id).await.unwrap();
    assert_eq!(
        (format, content.as_slice()),
        (ImportFormat::PlainText, given.content)
    );

    let report = ImportReport {
        imported: 2,
        duplicates: 1,
        failed: 1,
        problems: vec![ImportProblem {
            line: 7,
            reason: "Not JSON: “\u{1F600}”.".into(),
        }],
    };
    import_set_report(&mut tx, given.id, &report).await.unwrap();
    import_clear_content(&mut tx, given.id).await.unwrap();
    assert!(matches!(
        import_content(&mut tx, given.id).await,
        Err(StoreError::NotFound)
    ));
    let seen = import_get(&mut tx, given.id).await.unwrap();
    assert_eq!((seen.report, seen.size), (report, 11));
}

#[tokio::test]
async fn the_same_bytes_are_taken_once_for_each_member_and_format() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let noah = acme.actor(SystemRole::Member, "Noah").await;
    let first = file(1);
    give(&db, &mia, &first, 0).await;

    let renamed = NewImport {
        file_name: "again.txt",
        ..file(1)
    };
    assert_eq!(
        give(&db, &mia, &renamed, 1).await,
        ImportStarted {
            id: first.id,
            already_given: true
        }
    );
    let as_markdown = NewImport {
        format: ImportFormat::Markdown,
        ..file(1)
    };
    assert!(!give(&db, &mia, &as_markdown, 2).await.already_given);
    assert!(!give(&db, &noah, &file(1), 3).await.already_given);
    let other = file(2);
    assert!(!give(&db, &mia, &other, 4).await.already_given);

    let mut tx = db.store.begin(&mia).await.unwrap();
    let listed: Vec<_> = import_list(&mut tx, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|i| i.id)
        .collect();
    assert_eq!(listed, [other.id, as_markdown.id, first.id]);
    assert_eq!(import_list(&mut tx, 2).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_import_is_its_members_alone() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let owner = acme.actor(SystemRole::Owner, "Olga").await;
    let stranger = db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    let given = file(1);
    give(&db, &mia, &given, 0).await;
    for other in [&owner, &stranger] {
        let mut tx = db.store.begin(other).await.unwrap();
        assert!(matches!(
            import_get(&mut tx, given.id).await,
            Err(StoreError::NotFound)
        ));
        assert!(matches!(
            import_content(&mut tx, given.id).await,
            Err(StoreError::NotFound)
        ));
        assert!(matches!(
            import_clear_content(&mut tx, given.id).await,
            Err(StoreError::NotFound)
        ));
        let report = ImportReport::default();
        assert!(matches!(
            import_set_report(&mut tx, given.id, &report).await,
            Err(StoreError::NotFound)
        ));
        assert!(import_list(&mut tx, 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_impossible_file_is_refused_by_name() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let cases = [
        (
            NewImport {
                content: b"",
                ..file(1)
            },
            "imports_size_check",
        ),
        (
            NewImport {
                file_name: "",
                ..file(1)
            },
            "imports_file_name_check",
        ),
    ];
    for (import, constraint) in cases {
        let mut tx = db.store.begin(&mia).await.unwrap();
        match import_create(&mut tx, &import, NOW).await {
            Err(StoreError::Constraint(name)) => assert_eq!(name, constraint),
            other => panic!("{other:?}"),
        }
    }
}
