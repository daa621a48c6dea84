//! Server functions of the overview.

use domain::{AppError, overview::Overview};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::api;

#[server(endpoint = "overview_get")]
pub(crate) async fn overview_get() -> Result<Overview, AppError> {
    let (ctx, actor) = api::caller()?;
    service::overview_get(&ctx, &actor).await
}
