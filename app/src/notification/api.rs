//! Server functions of notifications.

use domain::{
    AppError, NoInput, NotificationId,
    notification::NotificationPage,
    notification::{NotificationListInput, NotificationPath},
};
use leptos::prelude::*;

use crate::{Flash, api};

/// One page of the member's notifications, newest first.
pub(crate) async fn notification_list(after: String) -> Result<NotificationPage, AppError> {
    let (ctx, actor) = api::caller()?;
    let input = NotificationListInput { after: Some(after) };
    service::call::<service::NotificationList>(&ctx, &actor, input).await
}

/// Marks a notification as read.
#[server(endpoint = "notification_read")]
pub(crate) async fn notification_read(id: NotificationId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::NotificationRead>(&ctx, &actor, NotificationPath { id }).await?;
    api::redirect_with_flash("/notifications", Flash::NOTIFICATION_READ);
    Ok(())
}

/// Marks all notifications as read.
#[server(endpoint = "notification_read_all")]
pub(crate) async fn notification_read_all() -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = NoInput {};
    service::call::<service::NotificationReadAll>(&ctx, &actor, input).await?;
    api::redirect_with_flash("/notifications", Flash::NOTIFICATIONS_READ);
    Ok(())
}
