//! Server functions of the overview.

use domain::{AppError, overview::Overview};

use crate::api;

pub(crate) async fn overview_get() -> Result<Overview, AppError> {
    let (ctx, actor) = api::caller()?;
    service::overview_get(&ctx, &actor).await
}
