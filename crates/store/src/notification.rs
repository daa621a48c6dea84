//! Notifications that members see in the web interface.

use domain::{
    NotificationId, Page, Timestamp, UserId,
    notification::{Notification, NotificationData},
};
use serde_json::{Value, json};

use crate::{
    StoreError, TenantTx,
    cursor::{Cursor, List},
};

/// Notifies `user_id` on behalf of the transaction's member, or of Atrium
/// itself.
///
/// # Errors
/// [`StoreError::Constraint`] if there is no such member, [`StoreError::Other`]
/// if the actor may not send this kind of notice.
pub async fn notification_create(
    tx: &mut TenantTx,
    id: NotificationId,
    user_id: UserId,
    notice: &NotificationData,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, created_by) = (tx.tenant_id(), tx.user_id());
    let mut value = serde_json::to_value(notice)
        .map_err(|error| StoreError::other(format!("a notice is no JSON: {error}")))?;
    let data = value["data"].take();
    let kind = value["kind"].as_str().unwrap_or_default();
    sqlx::query!(
        "INSERT INTO notifications (tenant_id, id, user_id, created_by, kind, data, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant_id as _,
        id as _,
        user_id as _,
        created_by as _,
        kind,
        data,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Parses a stored notice; `None` if this version of Atrium doesn't know it.
fn notice_of(kind: &str, data: &Value) -> Option<NotificationData> {
    let notice = serde_json::from_value(json!({ "kind": kind, "data": data }));
    notice
        .inspect_err(|error| tracing::warn!(kind, %error, "a notification can't be read"))
        .ok()
}

/// One page of the notifications of the transaction's member, newest first.
///
/// # Errors
/// [`StoreError::Cursor`] for a cursor of another list.
pub async fn notification_list(
    tx: &mut TenantTx,
    after: Option<&str>,
    size: u16,
) -> Result<Page<Notification>, StoreError> {
    let after: Option<Cursor<NotificationId>> = after
        .map(|text| Cursor::parse(text, List::Notification, tx.tenant_id()))
        .transpose()?;
    let (tenant_id, member) = (tx.tenant_id(), tx.member_id()?);
    let rows = sqlx::query!(
        "SELECT id, kind, data, created_at, read_at FROM notifications
          WHERE tenant_id = $1 AND user_id = $2
            AND (created_at, id) < (coalesce($3, 'infinity'::timestamptz), coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
          ORDER BY created_at DESC, id DESC LIMIT $5",
        tenant_id as _,
        member as _,
        after.map(|cursor| cursor.at),
        after.map(|cursor| cursor.key) as _,
        i64::from(size) + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let items = rows
        .into_iter()
        .map(|row| Notification {
            id: row.id,
            notice: notice_of(&row.kind, &row.data),
            created_at: row.created_at,
            read_at: row.read_at,
        })
        .collect();
    Ok(Page::cut(
        items,
        size.into(),
        |notification: &Notification| {
            Cursor {
                at: notification.created_at,
                key: notification.id,
            }
            .to_text(List::Notification, tx.tenant_id())
        },
    ))
}

/// Number of unread notifications of the transaction's member.
pub async fn notification_unread_count(tx: &mut TenantTx) -> Result<i64, StoreError> {
    let (tenant_id, member) = (tx.tenant_id(), tx.member_id()?);
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM notifications
            WHERE tenant_id = $1 AND user_id = $2 AND read_at IS NULL"#,
        tenant_id as _,
        member as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The counts in the frame of every page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameCounts {
    /// Unread notifications.
    pub unread: i64,
    /// Proposals that wait for the member; 0 if they were not asked for.
    pub waiting: i64,
}

/// Counts the member's unread notifications and, if `with_proposals`, the
/// proposals of others that wait.
pub async fn frame_counts(
    tx: &mut TenantTx,
    with_proposals: bool,
) -> Result<FrameCounts, StoreError> {
    let (tenant_id, member) = (tx.tenant_id(), tx.member_id()?);
    Ok(sqlx::query_as!(
        FrameCounts,
        r#"SELECT (SELECT count(*) FROM notifications
                    WHERE tenant_id = $1 AND user_id = $2 AND read_at IS NULL) AS "unread!",
                  (SELECT count(*) FROM memory_proposals
                    WHERE tenant_id = $1 AND status = 'pending' AND proposed_by <> $2 AND $3) AS "waiting!""#,
        tenant_id as _,
        member as _,
        with_proposals,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Marks one notification of the transaction's member as read.
///
/// # Errors
/// [`StoreError::NotFound`] also if it was read before.
pub async fn notification_read(
    tx: &mut TenantTx,
    id: NotificationId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, member) = (tx.tenant_id(), tx.member_id()?);
    let done = sqlx::query!(
        "UPDATE notifications SET read_at = $4
          WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND read_at IS NULL",
        tenant_id as _,
        member as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::NotFound)
    } else {
        Ok(())
    }
}

/// Marks all notifications of the transaction's member as read and returns how
/// many were unread.
pub async fn notification_read_all(tx: &mut TenantTx, now: Timestamp) -> Result<u64, StoreError> {
    let (tenant_id, member) = (tx.tenant_id(), tx.member_id()?);
    let done = sqlx::query!(
        "UPDATE notifications SET read_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND read_at IS NULL",
        tenant_id as _,
        member as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
