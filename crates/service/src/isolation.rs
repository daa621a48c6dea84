//! Checks the isolation between organisations on the running database.

use domain::{Action, AppError, NoInput, isolation::IsolationReport};

use crate::{
    Ctx,
    authorized_tx::AuthorizedTx,
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    IsolationProbe,
}

/// The probe has its own transactions, and this operation's has done nothing.
pub struct IsolationProbe;

impl Operation for IsolationProbe {
    const ACTION: Action = Action::IsolationProbe;
    const ROUTE: Route = Route::get("/isolation-report");
    const GROUP: Group = Group::Organisation;
    const TITLE: &'static str = "Run tenant isolation checks";
    const DESCRIPTION: &'static str = "Tries to read and to change another organisation's rows \
                                       in every table, and rolls back.";
    type Input = NoInput;
    type Output = IsolationReport;

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<IsolationReport>, AppError> {
        Ok(Done::read(isolation_check(tx.ctx).await?))
    }
}

/// Tries to access other organisations' rows in every way. The command line,
/// which has no actor, calls it too.
pub async fn isolation_check(ctx: &Ctx) -> Result<IsolationReport, AppError> {
    let new_id = || ctx.ids.id();
    Ok(store::isolation::isolation_probe(&ctx.store, &new_id, ctx.clock.now()).await?)
}
