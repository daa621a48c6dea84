//! A member's notifications, and marking them read.

use domain::{
    Action, Actor, AppError, NotificationId, Page, notification::Notification, paging::PAGE_SIZE,
};
use serde_json::json;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// One page of the actor's notifications, newest first, and the total number of
/// unread ones.
pub async fn notification_list(
    ctx: &Ctx,
    actor: &Actor,
    after: Option<&str>,
) -> Result<(Page<Notification>, i64), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::NotificationList).await?;
    let page = store::notification::notification_list(&mut act.tx, after, PAGE_SIZE).await?;
    let unread = store::notification::notification_unread_count(&mut act.tx).await?;
    Ok((page, unread))
}

/// Number of the actor's unread notifications.
pub async fn notification_unread_count(ctx: &Ctx, actor: &Actor) -> Result<i64, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::NotificationList).await?;
    Ok(store::notification::notification_unread_count(&mut act.tx).await?)
}

/// Marks a notification as read.
///
/// # Errors
/// [`AppError::NotFound`] also if it was already read.
pub async fn notification_read(
    ctx: &Ctx,
    actor: &Actor,
    id: NotificationId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::NotificationRead).await?;
    store::notification::notification_read(&mut act.tx, id, ctx.clock.now()).await?;
    act.commit(AuditTarget::notification(id)).await
}

/// Marks all notifications as read and returns their number.
pub async fn notification_read_all(ctx: &Ctx, actor: &Actor) -> Result<u64, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::NotificationRead).await?;
    let read = store::notification::notification_read_all(&mut act.tx, ctx.clock.now()).await?;
    act.commit(AuditTarget::notifications().with_changes(json!({ "read": read })))
        .await?;
    Ok(read)
}
