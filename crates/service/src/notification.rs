//! A member's notifications, and marking them read.

use domain::{
    Action, AppError, NoInput, NotificationId,
    notification::{NotificationListInput, NotificationPage, NotificationPath},
    paging::PAGE_SIZE,
};
use serde_json::json;
use store::notification as notifications;

use crate::{
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    NotificationList,
    NotificationRead,
    NotificationReadAll,
}

pub struct NotificationList;

impl Operation for NotificationList {
    const ACTION: Action = Action::NotificationList;
    const ROUTE: Route = Route::get("/notifications");
    const GROUP: Group = Group::Account;
    const TITLE: &'static str = "List notifications";
    const DESCRIPTION: &'static str = "The caller's own, newest first.";
    type Input = NotificationListInput;
    type Output = NotificationPage;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: NotificationListInput,
    ) -> Result<Done<NotificationPage>, AppError> {
        let after = input.after.as_deref().filter(|after| !after.is_empty());
        let page = notifications::notification_list(tx, after, PAGE_SIZE).await?;
        Ok(Done::read(NotificationPage {
            items: page.items,
            next: page.next,
            unread_count: notifications::notification_unread_count(tx).await?,
        }))
    }
}

pub struct NotificationRead;

impl Operation for NotificationRead {
    const ACTION: Action = Action::NotificationRead;
    const ROUTE: Route = Route::act("/notifications/{id}/read");
    const GROUP: Group = Group::Account;
    const TITLE: &'static str = "Mark a notification as read";
    const DESCRIPTION: &'static str = "If it was already read, the answer is 404.";
    type Input = NotificationPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        NotificationPath { id }: NotificationPath,
    ) -> Result<Done<()>, AppError> {
        let now = tx.now();
        notifications::notification_read(tx, id, now).await?;
        Ok(Done::audited((), AuditTarget::of(id)))
    }
}

pub struct NotificationReadAll;

impl Operation for NotificationReadAll {
    const ACTION: Action = Action::NotificationRead;
    const ROUTE: Route = Route::act("/notifications/read");
    const GROUP: Group = Group::Account;
    const TITLE: &'static str = "Mark all notifications as read";
    type Input = NoInput;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<()>, AppError> {
        let now = tx.now();
        let read = notifications::notification_read_all(tx, now).await?;
        let target = AuditTarget::several::<NotificationId>().with_changes(json!({ "read": read }));
        Ok(Done::audited((), target))
    }
}
