//! The overview page, the first one after signing in.

use domain::{Action, Actor, AppError, Permission, memory::MemoryCriteria, overview::Overview};
use store::memory::MemoryPage;

use crate::{Ctx, authorized_tx::AuthorizedTx};

const MAX_RECENT: u16 = 5;
const MAX_IMPORTS: u16 = 3;

/// The overview; parts for which the actor lacks a permission are empty, so
/// that it works for every role.
pub async fn overview_get(ctx: &Ctx, actor: &Actor) -> Result<Overview, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ProfileGet).await?;
    let model = store::embedding_model::embedding_model_active(&mut act.tx).await?;
    let may = |permission| actor.permissions.contains(&permission);
    let mut overview = Overview {
        own_memories: 0,
        shared_memories: 0,
        waiting_for_embedding: 0,
        recent: Vec::new(),
        imports: Vec::new(),
        semantic_search: ctx.embedder.status_of(&model),
    };
    if may(Permission::MemoryRead) {
        let counts = store::memory::memory_counts(&mut act.tx).await?;
        overview.own_memories = counts.own;
        overview.shared_memories = counts.shared;
        overview.waiting_for_embedding =
            store::memory::embedding_pending_count(&mut act.tx, model.slot).await?;
        let all = MemoryCriteria::default();
        let newest = store::memory::memory_list(
            &mut act.tx,
            &all,
            MemoryPage::first(MAX_RECENT),
            ctx.clock.now(),
        )
        .await?;
        overview.recent = newest.items;
    }
    if may(Permission::MemoryImport) {
        overview.imports = store::import::import_list(&mut act.tx, MAX_IMPORTS).await?;
    }
    Ok(overview)
}
