//! Server function of the setup page.
#![cfg_attr(
    feature = "ssr",
    expect(clippy::unused_async, reason = "server functions are async")
)]

use domain::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::api;

/// URL of the MCP endpoint.
#[server(endpoint = "connect_get")]
pub(crate) async fn connect_get() -> Result<String, AppError> {
    api::caller()?;
    Ok(format!("{}/mcp", api::origin()?))
}
