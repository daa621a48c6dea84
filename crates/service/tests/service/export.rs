//! Exports, and imports of what was exported.

use domain::{
    Actor, AppError,
    access::SystemRole,
    audit::Outcome,
    import::ImportFormat,
    memory::{
        AllowedVendors, MemoryAttributes, MemoryChange, MemoryFilter, MemoryKind, MemoryText,
        NewMemory, Origin, Vendor, Visibility,
    },
};
use service::{Ctx, ExportFormat, memory_export, memory_versions};
use time::Duration;

use crate::call_import::{import_confirm, import_get};
use crate::call_memory::{memory_delete, memory_get, memory_list};
use crate::support::{World, json_text};

/// Writes more memories than an export buffers, so that it waits for its reader.
async fn much(world: &World, actor: &Actor) {
    for n in 0..40 {
        let content = format!("{n} {}", "words ".repeat(2_000));
        let memory = NewMemory::of(text("", &content, &[]), Origin::Dashboard);
        crate::call_memory::memory_create(&world.ctx, actor, &memory)
            .await
            .unwrap();
    }
}

async fn begun(ctx: &Ctx, actor: &Actor) -> Result<service::Export, AppError> {
    memory_export(
        ctx,
        actor,
        &MemoryFilter::default(),
        ExportFormat::JsonLines,
    )
    .await
}

/// The audit rows of finished exports: number of memories, and whether the export
/// was complete. Waits for `number` rows.
async fn ended(world: &World, number: usize) -> Vec<(i64, bool)> {
    let read = async {
        loop {
            let ends: Vec<(i64, bool)> = sqlx::query_as(
                "SELECT (changes->>'memories')::bigint, (changes->>'finished')::boolean
                   FROM audit_log
                  WHERE action = 'memory.export' AND changes ? 'finished' ORDER BY seq",
            )
            .fetch_all(&world.db.admin)
            .await
            .unwrap();
            if ends.len() >= number {
                return ends;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let seconds = std::time::Duration::from_secs(20);
    tokio::time::timeout(seconds, read)
        .await
        .expect("the exports finish")
}

#[tokio::test]
async fn member_can_run_two_exports_at_a_time() {
    let world = World::without_model().await;
    let (mia, nils) = (world.member("Mia").await, world.member("Nils").await);
    much(&world, &mia).await;
    let mut first = begun(&world.ctx, &mia).await.unwrap();
    assert!(matches!(first.next().await, Some(Ok(_))));
    let mut second = begun(&world.ctx, &mia).await.unwrap();
    let refused = begun(&world.ctx, &mia).await.err();
    assert!(
        matches!(refused, Some(AppError::TooManyRequests { .. })),
        "{refused:?}"
    );
    drop(begun(&world.ctx, &nils).await.unwrap());

    // A dropped export stops and frees its place.
    drop(first);
    let ends = ended(&world, 2).await;
    let (memories, _) = *ends.iter().find(|(count, _)| *count > 0).unwrap();
    assert!(memories < 40, "{ends:?}");
    let third = async {
        while begun(&world.ctx, &mia).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), third)
        .await
        .expect("a place is free again");
    while let Some(chunk) = second.next().await {
        chunk.unwrap();
    }
}

#[tokio::test]
async fn unread_or_slow_export_is_aborted_and_marked_incomplete() {
    let mut world = World::without_model().await;
    let mia = world.member("Mia").await;
    much(&world, &mia).await;
    let usual = world.ctx.quotas;

    world.ctx.quotas.export_chunk_timeout = std::time::Duration::from_millis(50);
    let mut export = begun(&world.ctx, &mia).await.unwrap();
    let ends = ended(&world, 1).await;
    assert!(!ends[0].1 && ends[0].0 < 40, "{ends:?}");
    let mut last = Ok(Vec::new());
    while let Some(chunk) = export.next().await {
        last = chunk;
    }
    assert!(last.is_err(), "a truncated export must end with an error");

    world.ctx.quotas = service::Quotas {
        export_time: std::time::Duration::ZERO,
        ..usual
    };
    let mut export = begun(&world.ctx, &mia).await.unwrap();
    let first = export.next().await;
    assert!(
        matches!(first, Some(Err(AppError::TooLarge { .. }))),
        "{first:?}"
    );
    assert_eq!(export.next().await, None);
    assert_eq!(ended(&world, 2).await[1], (0, false));
}

async fn exported(
    ctx: &Ctx,
    actor: &Actor,
    filter: &MemoryFilter,
    format: ExportFormat,
) -> Vec<u8> {
    let mut export = memory_export(ctx, actor, filter, format).await.unwrap();
    let mut file = Vec::new();
    while let Some(chunk) = export.next().await {
        file.extend(chunk.unwrap());
    }
    file
}

fn text(title: &str, content: &str, tags: &[&str]) -> MemoryText {
    let tags: Vec<_> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    MemoryText::new(
        title,
        content.to_owned(),
        MemoryKind::Preference.key(),
        &tags,
    )
    .unwrap()
}

/// All memories of a member without what can't be the same after an import: ids,
/// the order within one moment, and the name of who changed a version.
async fn all(ctx: &Ctx, actor: &Actor) -> Vec<String> {
    let mut out = Vec::new();
    let list = memory_list(ctx, actor, &MemoryFilter::default(), None)
        .await
        .unwrap();
    for summary in &list.items {
        let memory = memory_get(ctx, actor, summary.id).await.unwrap();
        let versions = memory_versions(ctx, actor, summary.id).await.unwrap();
        let parent = match memory.parent_id {
            Some(id) => memory_get(ctx, actor, id).await.unwrap().content,
            None => String::new(),
        };
        let versions: Vec<_> = versions
            .iter()
            .map(|v| {
                (
                    v.version,
                    v.title.clone(),
                    v.content.clone(),
                    v.kind,
                    v.tags.clone(),
                    v.changed_at,
                    v.reason.clone(),
                )
            })
            .collect();
        out.push(format!(
            "{:?}",
            (
                (
                    memory.title,
                    memory.content,
                    memory.kind,
                    memory.tags,
                    memory.origin,
                    memory.source_session_id
                ),
                (memory.attributes, memory.persona_name),
                (
                    memory.version,
                    memory.created_at,
                    memory.updated_at,
                    parent,
                    versions
                ),
            )
        ));
    }
    out.sort();
    out
}

/// Memories of all kinds: plain, edited, with a persona, with vendors, two with
/// the same text, and a thread.
async fn collection(world: &World, actor: &Actor) {
    let ctx = &world.ctx;
    let mut tx = ctx.store.begin(actor).await.unwrap();
    let persona_id = ctx.ids.id();
    let name = "Work".to_owned();
    let now = ctx.clock.now();
    store::import::persona_ensure(&mut tx, &[(persona_id, name)], now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let whole = NewMemory {
        text: text("Formula", "=1+1\r\n\"quoted\"\n---\n", &["a b", "+c"]),
        attributes: MemoryAttributes {
            expires_at: Some(now + Duration::days(90)),
            importance: 0.75,
            allowed_vendors: AllowedVendors::Only(vec![Vendor::Claude]),
            source_url: Some("https://wiki.example/tea".into()),
        },
        persona_id: Some(persona_id),
        origin: Origin::Claude,
        source_session_id: Some("session 7".into()),
    };
    let id = crate::call_memory::memory_create(ctx, actor, &whole)
        .await
        .unwrap();
    for n in 1..=3 {
        world.pass(Duration::hours(1));
        let change = MemoryChange {
            reason: (n == 2).then(|| "A better word.".to_owned()),
            ..MemoryChange::of(text("Formula", &format!("changed {n} times 🫖"), &[]))
        };
        crate::call_memory::memory_update(ctx, actor, id, n, &change)
            .await
            .unwrap();
    }
    for _ in 0..2 {
        world.pass(Duration::hours(1));
        let twin = NewMemory::of(text("", "The same words twice.", &[]), Origin::Dashboard);
        crate::call_memory::memory_create(ctx, actor, &twin)
            .await
            .unwrap();
    }
    let nobody = NewMemory {
        attributes: MemoryAttributes {
            allowed_vendors: AllowedVendors::Only(Vec::new()),
            ..MemoryAttributes::default()
        },
        ..NewMemory::of(text("Closed", "For no program.", &[]), Origin::Api)
    };
    crate::call_memory::memory_create(ctx, actor, &nobody)
        .await
        .unwrap();
    // The reply was written long after, so that the list has it before its root.
    let root = crate::call_memory::memory_create(
        ctx,
        actor,
        &NewMemory::of(text("Root", "What a thread is about.", &[]), Origin::Mcp),
    )
    .await
    .unwrap();
    for n in 0..2 {
        world.pass(Duration::days(1));
        let reply = NewMemory::of(text("", &format!("Reply {n}."), &[]), Origin::Mcp);
        let id = crate::call_memory::memory_create(ctx, actor, &reply)
            .await
            .unwrap();
        sqlx::query("UPDATE memories SET parent_id = $2 WHERE id = $1")
            .bind(id)
            .bind(root)
            .execute(&world.db.admin)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn export_imported_by_another_member_restores_memories_threads_and_versions() {
    let world = World::without_model().await;
    let (mia, noah) = (world.member("Mia").await, world.member("Noah").await);
    collection(&world, &mia).await;
    let before = all(&world.ctx, &mia).await;
    let file = exported(
        &world.ctx,
        &mia,
        &MemoryFilter::default(),
        ExportFormat::JsonLines,
    )
    .await;
    world.pass(Duration::days(30));

    let worker = world.worker();
    let id = world
        .give(&noah, "memories.jsonl", None, &file)
        .await
        .unwrap()
        .id;
    assert_eq!(
        import_get(&world.ctx, &noah, id).await.unwrap().format,
        ImportFormat::Atrium
    );
    import_confirm(
        &world.ctx,
        &noah,
        id,
        &domain::import::ImportOptions::default(),
    )
    .await
    .unwrap();
    let import = world.import_ended(&noah, id).await;
    assert_eq!(
        (import.report.imported, import.report.failed),
        (7, 0),
        "{:?}",
        import.report
    );
    assert_eq!(all(&world.ctx, &noah).await, before);
    let list = memory_list(&world.ctx, &noah, &MemoryFilter::default(), None)
        .await
        .unwrap();
    assert!(
        list.items
            .iter()
            .all(|memory| memory.visibility == Visibility::Private)
    );

    // A second import adds and changes nothing.
    let id = world
        .give(&noah, "memories.jsonl", None, &file)
        .await
        .unwrap()
        .id;
    import_confirm(
        &world.ctx,
        &noah,
        id,
        &domain::import::ImportOptions::default(),
    )
    .await
    .unwrap();
    let again = world.import_ended(&noah, id).await;
    worker.stop().await;
    assert_eq!((again.report.imported, again.report.duplicates), (0, 7));
    assert_eq!(all(&world.ctx, &noah).await, before);
}

#[tokio::test]
async fn csv_and_markdown_restore_text_and_attributes() {
    for (format, name) in [
        (ExportFormat::Csv, "a.csv"),
        (ExportFormat::Markdown, "a.zip"),
    ] {
        let world = World::without_model().await;
        let (mia, noah) = (world.member("Mia").await, world.member("Noah").await);
        collection(&world, &mia).await;
        let file = exported(&world.ctx, &mia, &MemoryFilter::default(), format).await;
        let worker = world.worker();
        let id = world.give(&noah, name, None, &file).await.unwrap().id;
        import_confirm(
            &world.ctx,
            &noah,
            id,
            &domain::import::ImportOptions::default(),
        )
        .await
        .unwrap();
        let import = world.import_ended(&noah, id).await;
        worker.stop().await;
        assert_eq!(
            (import.report.imported, import.report.failed),
            (7, 0),
            "{:?}",
            import.report
        );
        let list = memory_list(&world.ctx, &noah, &MemoryFilter::default(), None)
            .await
            .unwrap();
        let closed = list
            .items
            .iter()
            .find(|memory| memory.title == "Closed")
            .unwrap();
        let closed = memory_get(&world.ctx, &noah, closed.id).await.unwrap();
        assert_eq!(
            closed.attributes.allowed_vendors,
            AllowedVendors::Only(Vec::new())
        );
        let changed = list
            .items
            .iter()
            .find(|memory| memory.title == "Formula")
            .unwrap();
        let changed = memory_get(&world.ctx, &noah, changed.id).await.unwrap();
        assert_eq!(
            (
                changed.content.as_str(),
                changed.attributes.importance,
                changed.persona_name.as_deref()
            ),
            ("changed 3 times 🫖", 0.75, Some("Work"))
        );
        assert_eq!((changed.origin, changed.version), (Origin::Claude, 1));
    }
}

#[tokio::test]
async fn persona_of_an_imported_file_is_the_importers_own() {
    let world = World::without_model().await;
    let (mia, noah) = (world.member("Mia").await, world.member("Noah").await);
    let line = |n: u8| format!("{{\"content\":\"note {n}\",\"persona\":\"Work\"}}\n");
    let worker = world.worker();
    world.import(&mia, ImportFormat::JsonLines, &line(1)).await;
    world.import(&noah, ImportFormat::JsonLines, &line(2)).await;
    world.import(&noah, ImportFormat::JsonLines, &line(3)).await;
    worker.stop().await;
    let mut personas = Vec::new();
    for actor in [&mia, &noah] {
        let list = memory_list(&world.ctx, actor, &MemoryFilter::default(), None)
            .await
            .unwrap();
        let mut ids = Vec::new();
        for memory in list.items {
            ids.push(
                memory_get(&world.ctx, actor, memory.id)
                    .await
                    .unwrap()
                    .persona_id
                    .unwrap(),
            );
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        personas.push(ids[0]);
    }
    assert_ne!(personas[0], personas[1]);
}

#[tokio::test]
async fn export_contains_only_visible_memories_that_match_the_filter() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let (mia, noah) = (world.member("Mia").await, world.member("Noah").await);
    let write = async |actor: &Actor, content: &str, tags: &[&str]| {
        let memory = NewMemory::of(text("", content, tags), Origin::Dashboard);
        crate::call_memory::memory_create(ctx, actor, &memory)
            .await
            .unwrap()
    };
    write(&mia, "mine, tagged", &["tea"]).await;
    let shared = write(&noah, "shared by Noah", &[]).await;
    write(&noah, "private of Noah", &["tea"]).await;
    let change = MemoryChange::of(text("", "shared by Noah now", &[]));
    crate::call_memory::memory_update(ctx, &noah, shared, 1, &change)
        .await
        .unwrap();
    sqlx::query("UPDATE memories SET visibility = 'org' WHERE id = $1")
        .bind(shared)
        .execute(&world.db.admin)
        .await
        .unwrap();
    let trashed = write(&mia, "deleted by Mia", &[]).await;
    memory_delete(ctx, &mia, trashed).await.unwrap();

    let lines = async |filter: MemoryFilter| {
        let file = exported(ctx, &mia, &filter, ExportFormat::JsonLines).await;
        let file = String::from_utf8(file).unwrap();
        // Versions from before the memory was shared are its owner's alone.
        assert!(!file.contains("\"versions\""), "{file}");
        let mut found: Vec<_> = file
            .lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                line["content"].as_str().unwrap().to_owned()
            })
            .collect();
        found.sort();
        found
    };
    let of = |field: &str, value: &str| {
        let mut filter = MemoryFilter::default();
        match field {
            "tag" => filter.tag = value.into(),
            "owner" => filter.owner = value.into(),
            _ => filter.state = value.into(),
        }
        filter
    };
    assert_eq!(
        lines(MemoryFilter::default()).await,
        ["mine, tagged", "shared by Noah now"]
    );
    assert_eq!(lines(of("tag", "tea")).await, ["mine, tagged"]);
    assert_eq!(lines(of("owner", "mine")).await, ["mine, tagged"]);
    assert_eq!(lines(of("owner", "shared")).await, ["shared by Noah now"]);
    assert_eq!(lines(of("state", "trash")).await, ["deleted by Mia"]);
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let file = exported(ctx, &olga, &MemoryFilter::default(), ExportFormat::Csv).await;
    let file = String::from_utf8(file).unwrap();
    assert!(
        file.contains("shared by Noah now") && !file.contains("mine") && !file.contains("private")
    );
}

// SEC-E1
#[tokio::test]
async fn export_is_audited_with_its_filter_at_the_start_and_its_count_at_the_end() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let memory = NewMemory::of(text("", "Tea at four", &["secret-word"]), Origin::Dashboard);
    crate::call_memory::memory_create(&world.ctx, &actor, &memory)
        .await
        .unwrap();
    let filter = MemoryFilter {
        owner: "mine".into(),
        ..MemoryFilter::default()
    };
    exported(&world.ctx, &actor, &filter, ExportFormat::Csv).await;
    let mut rows = Vec::new();
    for _ in 0..200 {
        rows = world.audit().await;
        rows.retain(|row| row.action == "memory.export");
        if rows.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.outcome == Outcome::Success));
    let changes: Vec<_> = rows
        .iter()
        .map(|row| json_text(row.changes.as_ref()))
        .collect();
    assert!(
        changes[1].contains("\"owner\"") && changes[1].contains("mine"),
        "{}",
        changes[1]
    );
    assert!(
        changes[0].contains("\"memories\"") && changes[0].contains('1'),
        "{}",
        changes[0]
    );
}

#[tokio::test]
async fn export_without_a_reader_is_aborted() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    let worker = world.worker();
    let text: String = (0..3_000)
        .map(|n| format!("note {n} {}\n\n", "x".repeat(500)))
        .collect::<Vec<_>>()
        .concat();
    world.import(&actor, ImportFormat::PlainText, &text).await;
    worker.stop().await;
    let mut export = memory_export(
        &world.ctx,
        &actor,
        &MemoryFilter::default(),
        ExportFormat::Markdown,
    )
    .await
    .unwrap();
    export.next().await.unwrap().unwrap();
    drop(export);
    for _ in 0..500 {
        let ended = world.audit().await.into_iter().any(|row| {
            row.action == "memory.export"
                && row
                    .changes
                    .is_some_and(|changes| changes["finished"] == false)
        });
        if ended {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the export goes on without a reader");
}
