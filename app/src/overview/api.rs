//! Server functions of the overview.

use domain::{AppError, NoInput, overview::Overview};

use crate::api;

pub(crate) async fn overview_get() -> Result<Overview, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::OverviewGet>(&ctx, &actor, NoInput {}).await
}
