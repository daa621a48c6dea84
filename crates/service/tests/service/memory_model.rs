//! Replies, versions, trash, personas and vendors.

use domain::{
    Actor, AppError, MemoryId, Permission, Vendor,
    access::SystemRole,
    audit::AuditEntry,
    memory::{
        AllowedVendors, MemoryAttributes, MemoryChange, MemoryFilter, MemoryText, NewMemory,
        TRASH_DAYS,
    },
    memory_version::DiffKind,
    persona::PersonaInput,
};
use service::{memory_sweep, memory_versions};
use time::Duration;

use crate::call_memory::{
    memory_create, memory_delete, memory_get, memory_purge, memory_replies, memory_reply,
    memory_restore, memory_trash_empty, memory_update, memory_version_diff, memory_version_restore,
};
use crate::{
    call::{persona_create, persona_delete, persona_get, persona_list, persona_update},
    support::{World, change, draft, json_text},
};

async fn keep(world: &World, actor: &Actor, content: &str) -> MemoryId {
    memory_create(&world.ctx, actor, &draft(content))
        .await
        .unwrap()
}

async fn actions(world: &World) -> Vec<AuditEntry> {
    world.audit().await
}

#[tokio::test]
async fn reply_to_a_reply_is_explained_and_to_an_invisible_memory_is_not_found() {
    let world = World::without_model().await;
    let (mia, max) = (world.member("Mia").await, world.member("Max").await);
    let ctx = &world.ctx;
    let root = world.shared_with(&mia, None).await;
    let reply = memory_reply(ctx, &max, root, &draft("In the cellar"))
        .await
        .unwrap();
    let told = memory_replies(ctx, &mia, root).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].id, told[0].is_own, told[0].owner_name.as_str()),
        (reply, false, "Max")
    );

    let deeper = memory_reply(ctx, &mia, reply, &draft("Where there")).await;
    let Err(AppError::Conflict { message }) = deeper else {
        panic!("{deeper:?}");
    };
    assert!(message.contains("already a reply"), "{message}");
    let private = keep(&world, &mia, "Only mine").await;
    for root in [private, ctx.ids.id()] {
        let refused = memory_reply(ctx, &max, root, &draft("Hello")).await;
        assert_eq!(refused, Err(AppError::NotFound));
    }
    memory_delete(ctx, &mia, root).await.unwrap();
    let late = memory_reply(ctx, &mia, root, &draft("Too late")).await;
    assert!(matches!(late, Err(AppError::Conflict { .. })), "{late:?}");
    // Its author can't restore it alone, and the error says why.
    let alone = memory_restore(ctx, &max, reply).await;
    let Err(AppError::Conflict { message }) = alone else {
        panic!("{alone:?}");
    };
    assert!(message.contains("in the trash"), "{message}");
    memory_restore(ctx, &mia, root).await.unwrap();
    assert_eq!(memory_replies(ctx, &max, root).await.unwrap().len(), 1);
}

#[tokio::test]
async fn versions_show_author_time_reason_and_differences() {
    let world = World::without_model().await;
    let (mia, max) = (world.member("Mia").await, world.member("Max").await);
    let ctx = &world.ctx;
    let id = keep(&world, &mia, "Tea at three").await;
    let mut second = change("Tea at four");
    second.reason = Some("The clock changed".into());
    memory_update(ctx, &mia, id, 1, &second).await.unwrap();
    memory_update(ctx, &mia, id, 2, &change("Coffee"))
        .await
        .unwrap();

    let first = memory_version_diff(ctx, &mia, id, 1).await.unwrap();
    assert_eq!(
        (
            first.before.version,
            first.after.version,
            first.memory_version
        ),
        (1, 2, 3)
    );
    assert_eq!(
        (first.changed_by_name.as_str(), first.reason.as_deref()),
        ("Mia", Some("The clock changed"))
    );
    let changed: Vec<_> = first
        .content
        .iter()
        .filter(|span| span.kind != DiffKind::Same)
        .map(|span| (span.kind, span.text.as_str()))
        .collect();
    assert_eq!(
        changed,
        [(DiffKind::Deleted, "three"), (DiffKind::Inserted, "four")]
    );
    let last = memory_version_diff(ctx, &mia, id, 2).await.unwrap();
    assert_eq!((last.after.version, last.reason), (3, None));
    for (actor, version) in [(&mia, 0), (&mia, 3), (&mia, 4), (&max, 1)] {
        let refused = memory_version_diff(ctx, actor, id, version).await;
        assert_eq!(refused.map(drop), Err(AppError::NotFound), "{version}");
    }
}

#[tokio::test]
async fn restoring_a_version_creates_a_new_one_and_loses_none() {
    let world = World::without_model().await;
    let (mia, max) = (world.member("Mia").await, world.member("Max").await);
    let ctx = &world.ctx;
    let id = keep(&world, &mia, "one").await;
    let until = ctx.clock.now() + Duration::DAY;
    let with_end = MemoryChange {
        attributes: Some(MemoryAttributes {
            expires_at: Some(until),
            ..MemoryAttributes::default()
        }),
        ..change("two")
    };
    memory_update(ctx, &mia, id, 1, &with_end).await.unwrap();
    let stale = memory_version_restore(ctx, &mia, id, 1, 1).await;
    assert!(matches!(stale, Err(AppError::Conflict { .. })), "{stale:?}");
    for (actor, version) in [(&max, 1), (&mia, 7)] {
        let refused = memory_version_restore(ctx, actor, id, version, 2).await;
        assert_eq!(refused, Err(AppError::NotFound));
    }
    memory_version_restore(ctx, &mia, id, 1, 2).await.unwrap();
    let memory = memory_get(ctx, &mia, id).await.unwrap();
    assert_eq!((memory.content.as_str(), memory.version), ("one", 3));
    // Fields other than the text stay.
    assert_eq!(memory.attributes.expires_at, Some(until));
    let versions = memory_versions(ctx, &mia, id).await.unwrap();
    let told: Vec<_> = versions
        .iter()
        .map(|v| (v.version, v.content.as_str(), v.reason.as_deref()))
        .collect();
    assert_eq!(
        told,
        [(2, "two", Some("Restored version 1")), (1, "one", None)]
    );
}

#[tokio::test]
async fn expired_memories_and_old_trash_are_swept_and_audited() {
    let world = World::without_model().await;
    let (mia, max) = (world.member("Mia").await, world.member("Max").await);
    let ctx = &world.ctx;
    let living = keep(&world, &mia, "living").await;
    let trashed = keep(&world, &max, "trashed").await;
    memory_delete(ctx, &max, trashed).await.unwrap();
    let ending = NewMemory {
        attributes: MemoryAttributes {
            expires_at: Some(ctx.clock.now() + Duration::HOUR),
            ..MemoryAttributes::default()
        },
        ..draft("ending")
    };
    let ending = memory_create(ctx, &mia, &ending).await.unwrap();
    let before = actions(&world).await.len();
    memory_sweep(ctx).await.unwrap();
    assert_eq!(actions(&world).await.len(), before, "nothing is due");

    sqlx::query("UPDATE users SET status = 'deactivated' WHERE id = ANY ($1)")
        .bind([mia.user_id, max.user_id])
        .execute(&world.db.admin)
        .await
        .unwrap();
    world.pass(Duration::days(TRASH_DAYS));
    memory_sweep(ctx).await.unwrap();
    let rows: Vec<(uuid::Uuid, bool)> =
        sqlx::query_as("SELECT id, deleted_at IS NOT NULL FROM memories ORDER BY id")
            .fetch_all(&world.db.admin)
            .await
            .unwrap();
    let mut left = vec![(living.0, false), (ending.0, true)];
    left.sort();
    assert_eq!(rows, left);

    let told = actions(&world).await;
    for (action, memory) in [("memory.expire", ending), ("memory.purge", trashed)] {
        let row = told.iter().find(|row| row.action == action).unwrap();
        assert_eq!(
            (row.actor_user_id, row.actor_label.as_str()),
            (None, "Atrium")
        );
        let changes = json_text(row.changes.as_ref());
        assert!(changes.contains(&memory.to_string()), "{changes}");
    }
    let again = told.len();
    memory_sweep(ctx).await.unwrap();
    assert_eq!(actions(&world).await.len(), again);
}

#[tokio::test]
async fn own_trash_is_emptied_at_once_or_one_by_one() {
    let world = World::without_model().await;
    let (mia, max) = (world.member("Mia").await, world.member("Max").await);
    let ctx = &world.ctx;
    let living = keep(&world, &mia, "living").await;
    let refused = memory_purge(ctx, &mia, living).await;
    assert!(
        matches!(refused, Err(AppError::Conflict { .. })),
        "{refused:?}"
    );
    let mut trashed = Vec::new();
    for actor in [&mia, &mia, &mia, &max] {
        let id = keep(&world, actor, "gone").await;
        memory_delete(ctx, actor, id).await.unwrap();
        trashed.push(id);
    }
    assert_eq!(
        memory_purge(ctx, &max, trashed[0]).await,
        Err(AppError::NotFound)
    );
    memory_purge(ctx, &mia, trashed[0]).await.unwrap();
    assert_eq!(
        memory_get(ctx, &mia, trashed[0]).await.map(drop),
        Err(AppError::NotFound)
    );
    assert_eq!(memory_trash_empty(ctx, &mia).await, Ok(2));
    assert_eq!(memory_trash_empty(ctx, &mia).await, Ok(0));
    memory_get(ctx, &mia, living).await.unwrap();
    memory_get(ctx, &max, trashed[3]).await.unwrap();
}

#[tokio::test]
async fn personas_are_private_and_invalid_ones_name_their_fields() {
    let world = World::without_model().await;
    let (mia, max) = (world.member("Mia").await, world.member("Max").await);
    let ctx = &world.ctx;
    let named = |name: &str| PersonaInput {
        name: name.into(),
        description: "At the desk".into(),
    };
    let work = persona_create(ctx, &mia, &named("Work")).await.unwrap();
    let twice = persona_create(ctx, &mia, &named("Work")).await.unwrap_err();
    assert!(twice.for_field("name").is_some(), "{twice:?}");
    let empty = persona_create(ctx, &mia, &named(" ")).await.unwrap_err();
    assert!(empty.for_field("name").is_some(), "{empty:?}");

    assert_eq!(persona_get(ctx, &max, work).await, Err(AppError::NotFound));
    assert_eq!(
        persona_update(ctx, &max, work, &named("Mine")).await,
        Err(AppError::NotFound)
    );
    assert_eq!(
        persona_delete(ctx, &max, work).await,
        Err(AppError::NotFound)
    );
    let theirs = NewMemory {
        persona_id: Some(work),
        ..draft("Tea")
    };
    let used = memory_create(ctx, &max, &theirs).await.unwrap_err();
    assert!(used.for_field("persona_id").is_some(), "{used:?}");

    persona_update(ctx, &mia, work, &named("Office"))
        .await
        .unwrap();
    let memory = memory_create(ctx, &mia, &theirs).await.unwrap();
    let shown = memory_get(ctx, &mia, memory).await.unwrap();
    assert_eq!(shown.persona_name.as_deref(), Some("Office"));
    persona_delete(ctx, &mia, work).await.unwrap();
    assert_eq!(persona_list(ctx, &mia).await.unwrap(), []);
    assert_eq!(
        memory_get(ctx, &mia, memory).await.unwrap().persona_id,
        None
    );
    // No audit row contains the name or description of a persona.
    for row in actions(&world).await {
        let told = format!("{:?}{:?}", row.changes, row.metadata);
        assert!(!told.contains("Office") && !told.contains("desk"), "{told}");
    }
}

/// The key's vendor becomes the actor's, and a write that its vendor couldn't
/// read is rejected with an explanation.
#[tokio::test]
async fn vendor_of_a_key_decides_what_it_reads_and_writes() {
    let world = World::without_model().await;
    let mia = world.tenant.actor(SystemRole::Member, "Mia").await;
    let ctx = &world.ctx;
    let key = crate::api_key::key_draft(&[Permission::MemoryRead, Permission::MemoryWrite]);
    assert_eq!(key.vendor.as_deref(), Some("claude"));
    let key = crate::call::api_key_create(ctx, &mia, None, &key)
        .await
        .unwrap();
    let program = service::api_key_actor(ctx, &key.key, &mia.request)
        .await
        .unwrap();
    assert_eq!(program.vendor, Some(Vendor::Claude));
    assert_eq!(mia.vendor, None);

    let only = |vendor: Vendor| NewMemory {
        attributes: MemoryAttributes {
            allowed_vendors: AllowedVendors::Only(vec![vendor]),
            ..MemoryAttributes::default()
        },
        ..draft("Tea")
    };
    let hidden = memory_create(ctx, &mia, &only(Vendor::Cursor))
        .await
        .unwrap();
    let shown = memory_create(ctx, &program, &only(Vendor::Claude))
        .await
        .unwrap();
    assert_eq!(
        memory_get(ctx, &program, hidden).await.map(drop),
        Err(AppError::NotFound)
    );
    memory_get(ctx, &program, shown).await.unwrap();
    let list = crate::call_memory::memory_list(ctx, &program, &MemoryFilter::default(), None)
        .await
        .unwrap();
    let listed: Vec<_> = list.items.iter().map(|m| m.id).collect();
    assert_eq!(listed, [shown]);

    let refused = memory_create(ctx, &program, &only(Vendor::Cursor))
        .await
        .unwrap_err();
    assert!(
        refused.for_field("allowed_vendors").is_some(),
        "{refused:?}"
    );
    let away = MemoryChange {
        attributes: Some(only(Vendor::Cursor).attributes),
        ..change("Tea")
    };
    let refused = memory_update(ctx, &program, shown, 1, &away)
        .await
        .unwrap_err();
    assert!(
        refused.for_field("allowed_vendors").is_some(),
        "{refused:?}"
    );
}

#[tokio::test]
async fn too_many_tags_and_too_long_texts_are_rejected_by_field_name() {
    let tags: Vec<_> = (0..10_000).map(|n| format!("tag {n}")).collect();
    let error = MemoryText::new("", "Tea".into(), "fact", &tags).unwrap_err();
    assert!(error.for_field("tags").is_some());
    let long = "x".repeat(domain::memory::MAX_CONTENT_BYTES + 1);
    for (content, field) in [(long.as_str(), "content"), ("a\0b", "content")] {
        let error = MemoryText::new("", content.into(), "fact", &[]).unwrap_err();
        assert!(error.for_field(field).is_some());
    }
    let world = World::without_model().await;
    let mia = world.member("Mia").await;
    let id = keep(&world, &mia, "Tea").await;
    let mut wordy = change("Tea");
    wordy.reason = Some("x".repeat(501));
    let error = memory_update(&world.ctx, &mia, id, 1, &wordy)
        .await
        .unwrap_err();
    assert!(error.for_field("reason").is_some(), "{error:?}");
}
