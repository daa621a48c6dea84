//! Checks the isolation between organisations on the running database.

use domain::{Action, Actor, AppError, isolation::IsolationReport};

use crate::{Ctx, authorized_tx::AuthorizedTx};

/// Tries to access other organisations' rows in every way, for a member with
/// the permission.
pub async fn isolation_probe(ctx: &Ctx, actor: &Actor) -> Result<IsolationReport, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::IsolationProbe).await?;
    isolation_check(ctx).await
}

/// As [`isolation_probe`], for the command line, which has no actor.
pub async fn isolation_check(ctx: &Ctx) -> Result<IsolationReport, AppError> {
    let new_id = || ctx.ids.id();
    Ok(store::isolation::isolation_probe(&ctx.store, &new_id, ctx.clock.now()).await?)
}
