//! Whether the walls between organisations stand, tried on the running
//! database.

use domain::{Action, Actor, AppError, isolation::IsolationReport};

use crate::{Ctx, authorized_tx::AuthorizedTx};

/// Reaches for other organisations' rows in every way, for a member who may
/// know the outcome.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn isolation_probe(ctx: &Ctx, actor: &Actor) -> Result<IsolationReport, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::IsolationProbe).await?;
    isolation_check(ctx).await
}

/// The same for the command line of the machine, which has no actor.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away.
pub async fn isolation_check(ctx: &Ctx) -> Result<IsolationReport, AppError> {
    let new_id = || ctx.ids.id();
    Ok(store::isolation::isolation_probe(&ctx.store, &new_id, ctx.clock.now()).await?)
}
