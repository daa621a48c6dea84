//! Server functions of the organisations that one belongs to.

use domain::{AppError, profile::Organisation};

use crate::api;

/// The organisations that the signed-in person belongs to.
pub(crate) async fn organisation_list() -> Result<Vec<Organisation>, AppError> {
    let (ctx, actor) = api::caller()?;
    service::organisation_list(&ctx, &actor).await
}
