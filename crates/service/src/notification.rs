//! What a member was told, and that they have read it.

use domain::{
    Action, Actor, AppError, NotificationId, Page, notification::Notification, paging::PAGE_SIZE,
};
use serde_json::json;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// One page of what the actor was told, newest first, and how much of all of
/// it is unread.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a broken `after`.
pub async fn notification_list(
    ctx: &Ctx,
    actor: &Actor,
    after: Option<&str>,
) -> Result<(Page<Notification>, i64), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::NotificationList).await?;
    let page = store::notification::notification_list(&mut act.tx, after, PAGE_SIZE).await?;
    let unread = store::notification::notification_unread(&mut act.tx).await?;
    Ok((page, unread))
}

/// How much of what the actor was told is unread.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn notification_unread(ctx: &Ctx, actor: &Actor) -> Result<i64, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::NotificationList).await?;
    Ok(store::notification::notification_unread(&mut act.tx).await?)
}

/// Notes that the actor has read a notification.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`] when it is not one of the
/// actor's, or was read before.
pub async fn notification_read(
    ctx: &Ctx,
    actor: &Actor,
    id: NotificationId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::NotificationRead).await?;
    store::notification::notification_read(&mut act.tx, id, ctx.clock.now()).await?;
    act.commit(AuditTarget::notification(id)).await
}

/// Notes that the actor has read everything; says how much it was.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn notification_read_all(ctx: &Ctx, actor: &Actor) -> Result<u64, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::NotificationRead).await?;
    let read = store::notification::notification_read_all(&mut act.tx, ctx.clock.now()).await?;
    act.commit(AuditTarget::notifications().changed(json!({ "read": read })))
        .await?;
    Ok(read)
}
