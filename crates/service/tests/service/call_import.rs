//! Helpers that call operations on imports with separate arguments.

use domain::{
    Actor, AppError, ImportId, NoInput,
    import::{Import, ImportChoiceInput, ImportOptions, ImportPath, ImportPreview},
};
use service::{
    Ctx, ImportCancel, ImportConfirm, ImportDiscard, ImportGet, ImportList, ImportPreviewGet,
    ImportRetry, call,
};

pub(crate) async fn import_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Import>, AppError> {
    Ok(call::<ImportList>(ctx, actor, NoInput {}).await?.items)
}

pub(crate) async fn import_get(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<Import, AppError> {
    call::<ImportGet>(ctx, actor, ImportPath { id }).await
}

pub(crate) async fn import_preview(
    ctx: &Ctx,
    actor: &Actor,
    id: ImportId,
    choice: &ImportOptions,
) -> Result<ImportPreview, AppError> {
    let choice = choice.clone();
    call::<ImportPreviewGet>(ctx, actor, ImportChoiceInput { id, choice }).await
}

pub(crate) async fn import_confirm(
    ctx: &Ctx,
    actor: &Actor,
    id: ImportId,
    choice: &ImportOptions,
) -> Result<(), AppError> {
    let choice = choice.clone();
    call::<ImportConfirm>(ctx, actor, ImportChoiceInput { id, choice }).await
}

pub(crate) async fn import_discard(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    call::<ImportDiscard>(ctx, actor, ImportPath { id }).await
}

pub(crate) async fn import_cancel(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    call::<ImportCancel>(ctx, actor, ImportPath { id }).await
}

pub(crate) async fn import_retry(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
    call::<ImportRetry>(ctx, actor, ImportPath { id }).await
}
