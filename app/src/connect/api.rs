//! Server function of the setup page.

use domain::AppError;

use crate::api;

/// URL of the MCP endpoint.
pub(crate) async fn connect_get() -> Result<String, AppError> {
    api::caller()?;
    Ok(format!("{}/mcp", api::origin()?))
}
