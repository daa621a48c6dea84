//! Actions on memories and their replies, versions, views, proposals and imports.

use domain::{
    Action, Actor, AppError, Permission,
    import::ImportOptions,
    memory::{MemoryFilter, SearchMode},
    share::Audience,
};
use service::{ExportFormat, UploadError};

use super::given::{
    import, memory, persona, persona_input, proposal_to_decide, proposed, stored_import,
    stored_view, team, trashed, view, waiting_import,
};
use crate::support::{World, change, draft};

#[expect(clippy::too_many_lines, reason = "one arm for each action")]
pub(super) async fn perform(world: &World, actor: &Actor, action: Action) -> Result<(), AppError> {
    let ctx = &world.ctx;
    let filter = MemoryFilter::default();
    match action {
        Action::MemoryList => crate::call_memory::memory_list(ctx, actor, &filter, None)
            .await
            .map(drop),
        Action::EventStream => service::LiveReader::open(ctx, actor, None, Vec::new())
            .await
            .map(drop),
        Action::MemorySearch => {
            crate::call_memory::memory_search(ctx, actor, "tea", SearchMode::Words, &filter)
                .await
                .map(drop)
        }
        Action::MemoryViewList => crate::call::memory_view_list(ctx, actor).await.map(drop),
        Action::MemoryViewCreate => view(ctx, actor, "Tea").await.map(drop),
        Action::MemoryViewRename => {
            let id = stored_view(world, actor).await;
            crate::call::memory_view_rename(ctx, actor, id, "Coffee").await
        }
        Action::MemoryViewDelete => {
            let id = stored_view(world, actor).await;
            crate::call::memory_view_delete(ctx, actor, id).await
        }
        Action::MemoryGet => {
            crate::call_memory::memory_get(ctx, actor, memory(world, actor).await).await?;
            service::memory_versions(ctx, actor, memory(world, actor).await)
                .await
                .map(drop)
        }
        Action::MemoryCreate => {
            crate::call_memory::memory_create(ctx, actor, &draft("Tea at four"))
                .await
                .map(drop)
        }
        Action::MemoryUpdate => {
            let id = memory(world, actor).await;
            crate::call_memory::memory_update(ctx, actor, id, 1, &change("Tea at five"))
                .await
                .map(drop)
        }
        Action::MemoryDelete => {
            crate::call_memory::memory_delete(ctx, actor, memory(world, actor).await).await
        }
        Action::MemoryRestore => {
            let id = memory(world, actor).await;
            let mut tx = ctx.store.begin(actor).await?;
            store::memory::memory_delete(&mut tx, id, ctx.clock.now()).await?;
            tx.commit().await?;
            crate::call_memory::memory_restore(ctx, actor, id).await
        }
        Action::MemoryShare => {
            let (team, actor) = team(world, actor).await;
            let id = memory(world, &actor).await;
            crate::call_memory::memory_share(ctx, &actor, id, 1, &Audience::Team(team), "")
                .await
                .map(drop)
        }
        Action::MemoryUnshare => {
            let id = memory(world, actor).await;
            sqlx::query("UPDATE memories SET visibility = 'org' WHERE id = $1")
                .bind(id)
                .execute(&world.db.admin)
                .await
                .unwrap();
            crate::call_memory::memory_unshare(ctx, actor, id)
                .await
                .map(drop)
        }
        Action::ProposalList => crate::call_memory::proposal_list(ctx, actor, None, None)
            .await
            .map(drop),
        Action::ProposalGet => {
            let (id, actor) = proposal_to_decide(world, actor).await;
            crate::call_memory::proposal_get(ctx, &actor, id)
                .await
                .map(drop)
        }
        // An actor who may review for the organisation would share at once.
        Action::ProposalCreate => {
            let id = memory(world, actor).await;
            let mut actor = actor.clone();
            actor.permissions.remove(&Permission::MemoryReview);
            crate::call_memory::memory_share(ctx, &actor, id, 1, &Audience::Org, "")
                .await
                .map(drop)
        }
        Action::ProposalAccept => {
            let (id, actor) = proposal_to_decide(world, actor).await;
            crate::call_memory::proposal_accept(ctx, &actor, id, "").await
        }
        Action::ProposalDecline => {
            let (id, actor) = proposal_to_decide(world, actor).await;
            crate::call_memory::proposal_decline(ctx, &actor, id, "").await
        }
        Action::ProposalWithdraw => {
            let memory = memory(world, actor).await;
            let id = proposed(world, actor, memory, Audience::Org).await;
            crate::call_memory::proposal_withdraw(ctx, actor, id).await
        }
        Action::MemoryReply => {
            let root = memory(world, actor).await;
            crate::call_memory::memory_reply(ctx, actor, root, &draft("Tea with milk"))
                .await
                .map(drop)
        }
        Action::MemoryVersionRestore => {
            let id = memory(world, actor).await;
            let mut tx = ctx.store.begin(actor).await?;
            let now = ctx.clock.now();
            store::memory::memory_update(&mut tx, id, 1, &change("Tea at six"), now).await?;
            tx.commit().await?;
            crate::call_memory::memory_version_restore(ctx, actor, id, 1, 2)
                .await
                .map(drop)
        }
        Action::MemoryPurge => {
            let id = trashed(world, actor).await;
            crate::call_memory::memory_purge(ctx, actor, id).await?;
            trashed(world, actor).await;
            let gone = crate::call_memory::memory_trash_empty(ctx, actor).await?;
            assert!(gone > 0);
            Ok(())
        }
        Action::PersonaList => {
            let id = persona(world, actor).await;
            crate::call::persona_get(ctx, actor, id).await?;
            crate::call::persona_list(ctx, actor).await.map(drop)
        }
        Action::PersonaCreate => crate::call::persona_create(ctx, actor, &persona_input(world))
            .await
            .map(drop),
        Action::PersonaUpdate => {
            let id = persona(world, actor).await;
            crate::call::persona_update(ctx, actor, id, &persona_input(world)).await
        }
        Action::PersonaDelete => {
            crate::call::persona_delete(ctx, actor, persona(world, actor).await).await
        }
        Action::ImportStart => match import(ctx, actor).await {
            Ok(_) => Ok(()),
            Err(UploadError::App(error)) => Err(error),
            Err(UploadError::Problem(problem)) => panic!("{problem:?}"),
        },
        Action::ImportConfirm => {
            let id = waiting_import(world, actor).await;
            crate::call_import::import_confirm(ctx, actor, id, &ImportOptions::default()).await
        }
        Action::ImportDiscard => {
            crate::call_import::import_discard(ctx, actor, waiting_import(world, actor).await).await
        }
        Action::MemoryExport => {
            let mut export =
                service::memory_export(ctx, actor, &filter, ExportFormat::JsonLines).await?;
            while let Some(chunk) = export.next().await {
                chunk?;
            }
            Ok(())
        }
        Action::ImportGet => {
            crate::call_import::import_list(ctx, actor).await?;
            crate::call_import::import_get(ctx, actor, stored_import(world, actor).await)
                .await
                .map(drop)
        }
        Action::ImportCancel => {
            crate::call_import::import_cancel(ctx, actor, stored_import(world, actor).await).await
        }
        Action::ImportRetry => {
            let id = stored_import(world, actor).await;
            let mut tx = ctx.store.begin(actor).await?;
            let job = store::import::import_get(&mut tx, id)
                .await?
                .job
                .unwrap()
                .id;
            store::job::job_cancel(&mut tx, job, ctx.clock.now()).await?;
            tx.commit().await?;
            crate::call_import::import_retry(ctx, actor, id).await
        }
        // The body of a job, run by a worker in the actor's name.
        Action::ImportApply => {
            let mut missing = actor.clone();
            missing.permissions.retain(|p| *p == action.permission());
            missing.authorize(action.permission())?;
            stored_import(world, actor).await;
            let worker = world.worker();
            world.embedded(actor).await;
            let import = crate::call_import::import_list(ctx, actor).await?.remove(0);
            world.import_ended(actor, import.id).await;
            world.embedded(actor).await;
            worker.stop().await;
            Ok(())
        }
        other => unreachable!("{other} is in another module"),
    }
}
