//! Server functions of break-glass.

use domain::{
    AppError, MemoryId, Page, UserId,
    break_glass::{BreakGlassView, PrivateMemory},
    memory::Memory,
};
use leptos::prelude::*;

use crate::{Flash, api};

#[server(endpoint = "break_glass_open")]
pub(crate) async fn break_glass_open(
    id: UserId,
    #[server(default)] reason: String,
    #[server(default)] minutes: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = domain::break_glass::BreakGlassDraft { reason, minutes };
    service::break_glass_open(&ctx, &actor, id, &draft).await?;
    api::redirect_with_flash(
        &format!("/members/{id}/break-glass"),
        Flash::BREAK_GLASS_OPENED,
    );
    Ok(())
}

#[server(endpoint = "break_glass_close")]
pub(crate) async fn break_glass_close(id: UserId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::break_glass_close(&ctx, &actor, id).await?;
    api::redirect_with_flash(&format!("/members/{id}"), Flash::BREAK_GLASS_CLOSED);
    Ok(())
}

/// One page of a member's private memories.
pub(crate) async fn break_glass_list(
    id: UserId,
    after: String,
) -> Result<BreakGlassView<Page<PrivateMemory>>, AppError> {
    let (ctx, actor) = api::caller()?;
    let after = Some(after).filter(|after| !after.is_empty());
    service::break_glass_list(&ctx, &actor, id, after.as_deref()).await
}

/// One of a member's private memories. The read is reported to the member.
pub(crate) async fn break_glass_read(
    id: UserId,
    memory: MemoryId,
) -> Result<BreakGlassView<Memory>, AppError> {
    let (ctx, actor) = api::caller()?;
    service::break_glass_read(&ctx, &actor, id, memory).await
}
