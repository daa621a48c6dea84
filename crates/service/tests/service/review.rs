//! Changes to shared memories, which reviewers must accept, through every
//! operation.

use domain::{
    Actor, AppError, MemoryId, Permission, ProposalId,
    audit::Outcome,
    memory::{MemoryChange, MemoryInput, MemoryPatch},
    memory_command::{BatchOutcome, BatchRow},
    memory_version::DiffKind,
    notification::NotificationData,
    persona::PersonaInput,
    proposal::ProposalStatus,
    settings::{OWNERS_MAY_CHANGE, SettingsInput},
    share::{Audience, EditOutcome, ShareOutcome},
};
use serde_json::{Value, json};
use service::{
    Ctx, MemoryBatch, MemoryCreate, MemoryUpdate, call, memory_needs_review, memory_versions,
    read_json_input,
};

use crate::call_memory::{
    memory_get, memory_reply, memory_share, memory_sharing, memory_update, memory_version_diff,
    memory_version_restore, proposal_accept, proposal_decline, proposal_get,
};
use crate::{
    call::{notification_list, persona_create, settings_get, settings_update},
    share::{Team, is_conflict},
    support::{World, change, draft},
};

const MAT: &str = "The spare key is under the mat";

impl Team {
    /// A memory of Mia's that `reviewer` accepted for `audience`; it is at version 2.
    async fn reviewed(&self, audience: Audience, reviewer: &Actor) -> MemoryId {
        let ctx = &self.world.ctx;
        let memory = self.written(&self.mia).await;
        let shared = memory_share(ctx, &self.mia, memory, 1, &audience, "").await;
        let Ok(ShareOutcome::Proposed {
            proposal_id: proposal,
        }) = shared
        else {
            panic!("{shared:?}");
        };
        proposal_accept(ctx, reviewer, proposal, "").await.unwrap();
        memory
    }

    /// The content and version that another member of the team reads.
    async fn read(&self, memory: MemoryId) -> (String, i32) {
        let read = memory_get(&self.world.ctx, &self.max, memory)
            .await
            .unwrap();
        (read.content, read.version)
    }
}

/// The result of a batch of one row.
async fn batch_of(ctx: &Ctx, actor: &Actor, row: &Value) -> BatchRow {
    let input = json!({ "items": [row] }).to_string();
    let input = read_json_input(&input).unwrap();
    let mut results = call::<MemoryBatch>(ctx, actor, input).await.unwrap();
    results.rows.remove(0)
}

fn proposed(outcome: Result<EditOutcome, AppError>) -> ProposalId {
    match outcome {
        Ok(EditOutcome::Proposed(id)) => id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn change_of_a_shared_memory_waits_until_it_is_accepted() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.reviewed(team.audience(), &team.lena).await;
    assert_eq!(memory_needs_review(ctx, &team.mia, memory).await, Ok(true));
    let edit = MemoryChange {
        reason: Some("The mat is gone".into()),
        ..change("The spare key is under the pot")
    };
    let proposal = proposed(memory_update(ctx, &team.mia, memory, 2, &edit).await);
    for reader in [&team.mia, &team.max] {
        let read = memory_get(ctx, reader, memory).await.unwrap();
        assert_eq!((read.content.as_str(), read.version), (MAT, 2));
    }
    let told = memory_sharing(ctx, &team.mia, memory).await.unwrap();
    let pending = told.pending.unwrap();
    assert!(pending.is_change && !pending.is_stale && pending.id == proposal);
    let page = notification_list(ctx, &team.lena).await.unwrap();
    let Some(NotificationData::MemoryProposed(told)) = &page.items[0].notice else {
        panic!("{page:?}");
    };
    assert!(told.is_change && told.proposal == proposal);

    // The reviewer sees the differences.
    let seen = proposal_get(ctx, &team.lena, proposal).await.unwrap();
    assert!(seen.may_decide && seen.summary.is_change);
    assert_eq!(seen.comment, "The mat is gone");
    let diff = seen.change.unwrap();
    let changed: Vec<_> = diff
        .content
        .iter()
        .filter(|span| span.kind != DiffKind::Same)
        .map(|span| (span.kind, span.text.as_str()))
        .collect();
    assert_eq!(
        changed,
        [(DiffKind::Deleted, "mat"), (DiffKind::Inserted, "pot")]
    );
    is_conflict(
        &proposal_accept(ctx, &team.mia, proposal, "").await,
        "your own proposal",
    );
    let foreign = proposal_accept(ctx, &team.otis, proposal, "").await;
    assert_eq!(foreign, Err(AppError::NotFound));

    proposal_accept(ctx, &team.lena, proposal, "")
        .await
        .unwrap();
    let now = team.read(memory).await;
    assert_eq!(now, ("The spare key is under the pot".to_owned(), 3));
    let kept = memory_versions(ctx, &team.mia, memory).await.unwrap();
    assert_eq!((kept[0].content.as_str(), kept[0].version), (MAT, 2));
    assert_eq!(kept[0].reason.as_deref(), Some("The mat is gone"));
    assert_eq!(kept[0].changed_by_name, "Lena");
    // SEC-E1
    assert_eq!(
        team.rows(2).await,
        [
            ("memory.update".to_owned(), Some(memory.to_string())),
            (
                "memory_proposal.accept".to_owned(),
                Some(proposal.to_string())
            ),
        ]
    );
}

#[tokio::test]
async fn accepted_change_is_found_by_its_new_meaning() {
    let team = Team::of(World::new().await).await;
    let ctx = &team.world.ctx;
    let memory = team.reviewed(team.audience(), &team.lena).await;
    let worker = team.world.worker();
    team.world.embedded(&team.mia).await;
    let edit = change("Lunch is served at noon");
    let proposal = proposed(memory_update(ctx, &team.mia, memory, 2, &edit).await);
    proposal_accept(ctx, &team.lena, proposal, "")
        .await
        .unwrap();
    // The embedding job is queued for its owner, who has done nothing since.
    team.world.embedded(&team.mia).await;
    worker.stop().await;
    assert!(
        memory_get(ctx, &team.max, memory)
            .await
            .unwrap()
            .is_embedded
    );
}

#[tokio::test]
async fn declined_change_changes_nothing() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.reviewed(Audience::Org, &team.ada).await;
    let proposal = proposed(memory_update(ctx, &team.mia, memory, 2, &change("Gone")).await);
    proposal_decline(ctx, &team.ada, proposal, "It is there")
        .await
        .unwrap();
    assert_eq!(team.read(memory).await, (MAT.to_owned(), 2));
}

#[tokio::test]
async fn reviewers_change_shared_memories_at_once() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    for (owner, audience) in [
        (&team.lena, team.audience()),
        (&team.ada, Audience::Org),
        (&team.ada, team.audience()),
    ] {
        let memory = team.written(owner).await;
        memory_share(ctx, owner, memory, 1, &audience, "")
            .await
            .unwrap();
        assert_eq!(memory_needs_review(ctx, owner, memory).await, Ok(false));
        let edited = memory_update(ctx, owner, memory, 2, &change("It moved")).await;
        assert_eq!(edited, Ok(EditOutcome::Changed), "{}", owner.label);
    }
    // A member who only led the earlier team does not.
    let memory = team.written(&team.lena).await;
    memory_share(ctx, &team.lena, memory, 1, &team.audience(), "")
        .await
        .unwrap();
    let mut lena = team.lena.clone();
    lena.led_team_ids.clear();
    proposed(memory_update(ctx, &lena, memory, 2, &change("It moved")).await);
}

#[tokio::test]
async fn organisation_can_let_owners_change_shared_memories() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.reviewed(Audience::Org, &team.ada).await;
    let before = settings_get(ctx, &team.ada).await.unwrap();
    assert!(!before.settings.owners_change_reviewed);
    let draft = SettingsInput {
        name: before.name,
        reviewed_changes: OWNERS_MAY_CHANGE.into(),
        ..SettingsInput::default()
    };
    settings_update(ctx, &team.ada, before.version, &draft)
        .await
        .unwrap();
    let row = &team.world.audit().await[0];
    assert!(format!("{:?}", row.changes).contains("owners_change_reviewed"));
    let edited = memory_update(ctx, &team.mia, memory, 2, &change("It moved")).await;
    assert_eq!(edited, Ok(EditOutcome::Changed));
    assert_eq!(team.read(memory).await, ("It moved".to_owned(), 3));
    let settings = settings_get(ctx, &team.ada).await.unwrap();
    let draft = SettingsInput {
        name: settings.name,
        ..SettingsInput::default()
    };
    settings_update(ctx, &team.ada, settings.version, &draft)
        .await
        .unwrap();
    proposed(memory_update(ctx, &team.mia, memory, 3, &change("Back")).await);
}

#[tokio::test]
async fn every_kind_of_change_waits_for_review() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.written(&team.mia).await;
    memory_update(ctx, &team.mia, memory, 1, &change("Something else"))
        .await
        .unwrap();
    let shared = memory_share(ctx, &team.mia, memory, 2, &Audience::Org, "").await;
    let Ok(ShareOutcome::Proposed {
        proposal_id: proposal,
    }) = shared
    else {
        panic!("{shared:?}");
    };
    proposal_accept(ctx, &team.ada, proposal, "").await.unwrap();
    let unchanged = || ("Something else".to_owned(), 3);

    let diff = memory_version_diff(ctx, &team.mia, memory, 1).await;
    assert!(diff.unwrap().needs_review);
    let (seen, outcome) = memory_version_restore(ctx, &team.mia, memory, 1, 3)
        .await
        .unwrap();
    let restoring = proposed(Ok(outcome));
    assert_eq!((seen.content, seen.version), unchanged());
    let waits = proposal_get(ctx, &team.ada, restoring).await.unwrap();
    assert_eq!(waits.content, MAT);
    assert_eq!(waits.comment, "Restored version 1");

    let edit = |content: &str| MemoryPatch {
        content: Some(content.to_owned()),
        ..MemoryPatch::new(memory, 3)
    };
    let seen = call::<MemoryUpdate>(ctx, &team.mia, edit("By a program"))
        .await
        .unwrap();
    let ordered = seen.proposal_id;
    assert_eq!((seen.memory.content, seen.memory.version), unchanged());
    let row = json!({ "op": "update", "id": memory, "version": 3, "content": "By a batch" });
    let row = batch_of(ctx, &team.mia, &row).await;
    assert_eq!((row.outcome, row.version), (BatchOutcome::Proposed, None));
    assert_eq!(team.read(memory).await, unchanged());

    // Each proposal replaces the one before.
    for earlier in [restoring, ordered.unwrap()] {
        let earlier = proposal_get(ctx, &team.mia, earlier).await.unwrap();
        assert_eq!(earlier.summary.status, ProposalStatus::Withdrawn);
    }
    let last = row.proposal_id.unwrap();
    let rows = team.rows(2).await;
    let actions: Vec<_> = rows.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(
        actions,
        ["memory_proposal.withdraw", "memory_proposal.create"]
    );
    assert_eq!(rows[1].1, Some(last.to_string()));

    // A private memory, or an unchanged one, is saved at once.
    let home = PersonaInput {
        name: "Home".into(),
        ..PersonaInput::default()
    };
    let persona = persona_create(ctx, &team.mia, &home).await.unwrap();
    let own = MemoryChange {
        persona_id: Some(Some(persona)),
        ..change("Something else")
    };
    let edited = memory_update(ctx, &team.mia, memory, 3, &own).await;
    assert_eq!(edited, Ok(EditOutcome::Changed));
    let now = memory_get(ctx, &team.mia, memory).await.unwrap();
    assert_eq!((now.persona_id, now.version), (Some(persona), 3));
    let stale = memory_update(ctx, &team.mia, memory, 2, &change("Late")).await;
    assert!(matches!(stale, Err(AppError::Conflict { .. })), "{stale:?}");
}

#[tokio::test]
async fn change_waits_while_wider_sharing_is_proposed() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.reviewed(team.audience(), &team.lena).await;
    memory_share(ctx, &team.mia, memory, 2, &Audience::Org, "")
        .await
        .unwrap();
    is_conflict(
        &memory_update(ctx, &team.mia, memory, 2, &change("It moved")).await,
        "Withdraw it",
    );
    // A member who left the team must unshare the memory first.
    let mut left = team.mia.clone();
    left.team_ids.clear();
    let own = team.reviewed(team.audience(), &team.lena).await;
    is_conflict(
        &memory_update(ctx, &left, own, 2, &change("It moved")).await,
        "stop sharing the memory first",
    );
}

#[tokio::test]
async fn missing_permission_to_propose_is_named() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.reviewed(Audience::Org, &team.ada).await;
    let mut mia = team.mia.clone();
    mia.permissions.remove(&Permission::MemoryShare);
    let permission = Permission::MemoryShare;
    let edit = change("It moved");
    let row = json!({ "op": "update", "id": memory, "version": 2, "content": "It moved" });
    let patch = MemoryPatch {
        content: Some("It moved".into()),
        ..MemoryPatch::new(memory, 2)
    };
    let outcomes = [
        memory_update(ctx, &mia, memory, 2, &edit).await.map(drop),
        memory_version_restore(ctx, &mia, memory, 1, 2)
            .await
            .map(drop),
        call::<MemoryUpdate>(ctx, &mia, patch).await.map(drop),
    ];
    assert_eq!(
        batch_of(ctx, &mia, &row).await.problem.unwrap().permission,
        Some(permission.key())
    );
    // Version 1 has the text of version 2, so there is nothing to propose.
    let expected = [
        Err(AppError::Forbidden { permission }),
        Ok(()),
        Err(AppError::Forbidden { permission }),
    ];
    assert_eq!(outcomes, expected);
    let denied = team.world.audit().await;
    let denied = denied
        .iter()
        .filter(|row| row.outcome == Outcome::Denied && row.action == "memory.update");
    assert_eq!(denied.count(), 1);
    assert_eq!(team.world.repeated_denials("memory.update").await, 2);
    assert_eq!(team.read(memory).await, (MAT.to_owned(), 2));
}

#[tokio::test]
async fn reply_to_a_shared_memory_needs_the_permission_to_share() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let shared = team.reviewed(Audience::Org, &team.ada).await;
    let own = team.written(&team.mia).await;
    let earlier = memory_reply(ctx, &team.mia, shared, &draft("It is"))
        .await
        .unwrap();
    let mut mia = team.mia.clone();
    mia.permissions.remove(&Permission::MemoryShare);
    let denied = || AppError::Forbidden {
        permission: Permission::MemoryShare,
    };
    let answer = draft("It was");
    assert_eq!(
        memory_reply(ctx, &mia, shared, &answer).await,
        Err(denied())
    );
    let input = MemoryInput {
        content: "It was".into(),
        parent_id: Some(shared),
        ..MemoryInput::default()
    };
    let created = call::<MemoryCreate>(ctx, &mia, input).await.map(drop);
    assert_eq!(created, Err(denied()));
    let row = json!({ "op": "create", "content": "It was", "parent_id": shared });
    let row = batch_of(ctx, &mia, &row).await;
    assert_eq!(
        row.problem.unwrap().permission,
        Some(Permission::MemoryShare.key())
    );
    // Nor can the text of an own reply be changed.
    let edited = memory_update(ctx, &mia, earlier, 1, &change("It was")).await;
    assert_eq!(edited, Err(denied()));
    let written = team.world.audit().await;
    let written: Vec<_> = written
        .iter()
        .take(2)
        .map(|row| (row.action.as_str(), row.outcome))
        .collect();
    assert_eq!(
        written,
        [
            ("memory.update", Outcome::Denied),
            ("memory.reply", Outcome::Denied),
        ]
    );
    assert_eq!(team.world.repeated_denials("memory.reply").await, 2);
    // A reply to a private memory needs no permission to share.
    memory_reply(ctx, &mia, own, &answer).await.unwrap();
    let edited = memory_update(ctx, &team.mia, earlier, 1, &change("It was")).await;
    assert_eq!(edited, Ok(EditOutcome::Changed));
}
