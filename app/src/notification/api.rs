//! Server functions of notifications.

use domain::{AppError, NotificationId, Page, notification::Notification};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{Flash, api};

/// One page of the member's notifications, newest first, and the number of all
/// unread ones.
#[server(endpoint = "notification_list")]
pub(crate) async fn notification_list(
    #[server(default)] after: String,
) -> Result<(Page<Notification>, i64), AppError> {
    let (ctx, actor) = api::caller()?;
    let after = Some(after).filter(|after| !after.is_empty());
    service::notification_list(&ctx, &actor, after.as_deref()).await
}

/// Marks a notification as read.
#[server(endpoint = "notification_read")]
pub(crate) async fn notification_read(id: NotificationId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::notification_read(&ctx, &actor, id).await?;
    api::redirect_with_flash("/notifications", Flash::NotificationRead);
    Ok(())
}

/// Marks all notifications as read.
#[server(endpoint = "notification_read_all")]
pub(crate) async fn notification_read_all() -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::notification_read_all(&ctx, &actor).await?;
    api::redirect_with_flash("/notifications", Flash::NotificationsRead);
    Ok(())
}
