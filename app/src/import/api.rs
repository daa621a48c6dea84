//! Server functions of imports. The file itself comes to a plain route of the
//! server, which streams it.

use domain::{AppError, ImportId, import::Import};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{Flash, api};

/// The member's imports, newest first.
#[server(endpoint = "import_list")]
pub(crate) async fn import_list() -> Result<Vec<Import>, AppError> {
    let (ctx, actor) = api::caller()?;
    service::import_list(&ctx, &actor).await
}

/// One import.
#[server(endpoint = "import_get")]
pub(crate) async fn import_get(id: ImportId) -> Result<Import, AppError> {
    let (ctx, actor) = api::caller()?;
    service::import_get(&ctx, &actor, id).await
}

/// Stops an import.
#[server(endpoint = "import_cancel")]
pub(crate) async fn import_cancel(id: ImportId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::import_cancel(&ctx, &actor, id).await?;
    api::go(&format!("/memories/imports/{id}"), Flash::ImportCancelled);
    Ok(())
}

/// Starts an import again where it stopped.
#[server(endpoint = "import_retry")]
pub(crate) async fn import_retry(id: ImportId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::import_retry(&ctx, &actor, id).await?;
    api::go(&format!("/memories/imports/{id}"), Flash::ImportRetried);
    Ok(())
}
