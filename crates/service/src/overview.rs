//! The first page after signing in.

use domain::{Action, Actor, AppError, Permission, memory::MemoryCriteria, overview::Overview};

use crate::{Ctx, authorized_tx::AuthorizedTx};

/// Memories shown as the newest ones.
const RECENT: u16 = 5;
/// Imports shown.
const IMPORTS: u16 = 3;

/// What the actor sees first. Parts for which a permission is missing are
/// empty, so that the page is there for every role.
///
/// # Errors
/// [`AppError::Forbidden`] without `profile.manage`.
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
            store::memory::embedding_waiting(&mut act.tx, model.slot).await?;
        let all = MemoryCriteria::default();
        let newest =
            store::memory::memory_list(&mut act.tx, &all, None, RECENT, ctx.clock.now()).await?;
        overview.recent = newest.items;
    }
    if may(Permission::MemoryImport) {
        overview.imports = store::import::import_list(&mut act.tx, IMPORTS).await?;
    }
    Ok(overview)
}
