//! Importing files.

use domain::{
    import::{ImportFormat, MAX_FILE_BYTES, UploadProblem},
    job::JobStatus,
    memory::MemoryFilter,
};
use service::{ImportFile, import_start, memory_list};

use crate::support::World;

#[tokio::test]
async fn good_lines_land_and_bad_ones_are_named() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let worker = world.worker();
    let text = "{\"content\":\"one\",\"tags\":[\"a\"]}\nnot json\n{\"content\":\"\"}\n{\"content\":\"two\"}\n";
    let import = world.import(&actor, ImportFormat::JsonLines, text).await;
    worker.stop().await;

    assert_eq!(import.job.status, JobStatus::Completed);
    assert_eq!(
        (import.job.progress_done, import.job.progress_total),
        (import.size, import.size)
    );
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

#[tokio::test]
async fn nothing_is_imported_twice() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let worker = world.worker();
    let first = world
        .import(&actor, ImportFormat::PlainText, "one\n\ntwo\n")
        .await;
    // The same bytes: the first import is shown.
    let file = ImportFile::parse("again.txt", None, b"one\n\ntwo\n".to_vec()).unwrap();
    let again = import_start(&world.ctx, &actor, &file).await.unwrap();
    assert!(again.already_given);
    assert_eq!(again.id, first.id);
    // A longer file: only what is new.
    let longer = world
        .import(&actor, ImportFormat::PlainText, "one\n\ntwo\n\nthree\n")
        .await;
    assert_eq!((longer.report.imported, longer.report.duplicates), (1, 2));
    // Somebody else's file is another matter.
    let other = world.member("Max").await;
    let others = world
        .import(&other, ImportFormat::PlainText, "one\n\ntwo\n")
        .await;
    assert_eq!(others.report.imported, 2);
    worker.stop().await;
}

#[tokio::test]
async fn an_import_larger_than_a_batch_keeps_the_files_order() {
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
async fn what_cannot_be_imported_is_refused_before_anything_is_kept() {
    for (name, content, problem) in [
        (
            "a.png",
            vec![0x89, b'P', 0, 0],
            UploadProblem::UnknownFormat,
        ),
        ("a.txt", vec![0x89, b'P', 0, 0], UploadProblem::NotText),
        ("a.txt", Vec::new(), UploadProblem::Empty),
        ("a.md", vec![b'#', 0xff], UploadProblem::NotText),
        (
            "a.txt",
            vec![b'a'; MAX_FILE_BYTES + 1],
            UploadProblem::TooLarge,
        ),
    ] {
        assert_eq!(
            ImportFile::parse(name, None, content).unwrap_err(),
            problem,
            "{name}"
        );
    }
}
