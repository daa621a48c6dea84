//! Server functions of imports. The file itself is uploaded to a plain route of
//! the server, which streams it.

use domain::{
    AppError, ImportId, NoInput,
    import::{Import, ImportOptions, ImportPreview},
    import::{ImportChoiceInput, ImportPath},
};
use leptos::prelude::*;

use crate::{Flash, api};

/// The caller's imports, newest first.
pub(crate) async fn import_list() -> Result<Vec<Import>, AppError> {
    let (ctx, actor) = api::caller()?;
    let page = service::call::<service::ImportList>(&ctx, &actor, NoInput {}).await?;
    Ok(page.items)
}

/// One import; before it is confirmed, with a preview of its file read as
/// `choice` says.
pub(crate) async fn import_get(
    id: ImportId,
    choice: ImportOptions,
) -> Result<(Import, Option<ImportPreview>), AppError> {
    let (ctx, actor) = api::caller()?;
    let import = service::call::<service::ImportGet>(&ctx, &actor, ImportPath { id }).await?;
    let is_unconfirmed = import.state == domain::import::ImportState::Preview;
    let preview = if is_unconfirmed {
        let input = ImportChoiceInput { id, choice };
        Some(service::call::<service::ImportPreviewGet>(&ctx, &actor, input).await?)
    } else {
        None
    };
    Ok((import, preview))
}

/// Starts importing a previewed file.
#[server(endpoint = "import_confirm")]
pub(crate) async fn import_confirm(
    id: ImportId,
    #[server(default)] choice: ImportOptions,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = ImportChoiceInput { id, choice };
    service::call::<service::ImportConfirm>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&format!("/memories/imports/{id}"), Flash::IMPORT_STARTED);
    Ok(())
}

/// Discards a previewed file without importing it.
#[server(endpoint = "import_discard")]
pub(crate) async fn import_discard(id: ImportId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::ImportDiscard>(&ctx, &actor, ImportPath { id }).await?;
    api::redirect_with_flash("/memories/import", Flash::IMPORT_DISCARDED);
    Ok(())
}

#[server(endpoint = "import_cancel")]
pub(crate) async fn import_cancel(id: ImportId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::ImportCancel>(&ctx, &actor, ImportPath { id }).await?;
    api::redirect_with_flash(&format!("/memories/imports/{id}"), Flash::IMPORT_CANCELLED);
    Ok(())
}

/// Restarts an import where it stopped.
#[server(endpoint = "import_retry")]
pub(crate) async fn import_retry(id: ImportId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::ImportRetry>(&ctx, &actor, ImportPath { id }).await?;
    api::redirect_with_flash(&format!("/memories/imports/{id}"), Flash::IMPORT_RETRIED);
    Ok(())
}
