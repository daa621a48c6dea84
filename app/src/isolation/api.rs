//! The server function of the isolation page.

use domain::{AppError, isolation::IsolationReport};

use crate::api;

/// Tries to reach other organisations' rows and reports the results.
pub(crate) async fn isolation_probe() -> Result<IsolationReport, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::IsolationProbe>(&ctx, &actor, domain::NoInput {}).await
}
