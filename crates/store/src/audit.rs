//! The audit log: append-only, gapless and chained by hash per tenant.

mod checkpoint;
mod denial;
mod verify;

use std::net::IpAddr;

use domain::{
    Actor, ActorKind, Page, RequestId, Timestamp, UserId,
    audit::{AUDIT_SORTS, AuditEntry, AuditListInput, Outcome},
};
use serde_json::{Value, json};
use time::macros::datetime;
use uuid::Uuid;

pub use checkpoint::{
    DueCheckpoint, StoredCheckpoint, checkpoint_create, checkpoint_notes, checkpoints_due,
    checkpoints_newest,
};
pub use denial::{Denial, RepeatedDenial, denial_flush, denial_record, denial_tenants};
pub use verify::{AuditHead, AuditProblem, AuditVerdict, audit_edge_extend, audit_verify};

use crate::{
    StoreError, TenantTx, WorkerTx,
    cursor::{List, Place, parse_time_key, time_key},
};

/// Bounds of the times that Postgres compares with those of entries.
const EARLIEST: Timestamp = datetime!(0001-01-01 00:00 UTC);
const LATEST: Timestamp = datetime!(9999-12-31 00:00 UTC);

/// Severity of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditLevel {
    /// An expected event.
    Info,
    /// Somebody was denied access.
    Warning,
    Error,
    /// Needs attention now.
    Critical,
}

impl AuditLevel {
    /// The value stored in the database.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// An event to be appended.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    pub at: Timestamp,
    /// `None` unless the actor is a member.
    pub actor_user_id: Option<UserId>,
    pub actor_kind: ActorKind,
    /// The actor's name, which stays readable after the member is gone.
    pub actor_label: String,
    /// The member for whom an agent acted.
    pub on_behalf_of: Option<UserId>,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub request_id: Option<RequestId>,
    /// Noun first: `memory.create`.
    pub action: String,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub outcome: Outcome,
    pub level: AuditLevel,
    /// Values before and after, redacted.
    pub changes: Option<Value>,
    /// Further details; never a secret.
    pub metadata: Option<Value>,
}

impl AuditEvent {
    /// An event of the actor, with the facts of the actor's request.
    pub fn by_actor(actor: &Actor, action: &str, outcome: Outcome, at: Timestamp) -> Self {
        Self {
            actor_user_id: Some(actor.user_id),
            actor_kind: actor.kind,
            actor_label: actor.label.clone(),
            ip: actor.request.ip,
            user_agent: actor.request.user_agent.clone(),
            request_id: Some(actor.request.request_id),
            metadata: actor
                .request
                .api_key_id
                .map(|key| json!({ "api_key": key })),
            ..Self::by_system(action, outcome, at)
        }
    }

    /// Adds a field to the metadata.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let metadata = self.metadata.get_or_insert_with(|| json!({}));
        metadata[name] = value.into();
        self
    }

    /// An event of Atrium itself, or of a visitor who is not signed in.
    pub fn by_system(action: &str, outcome: Outcome, at: Timestamp) -> Self {
        Self {
            at,
            actor_user_id: None,
            actor_kind: ActorKind::System,
            actor_label: "Atrium".into(),
            on_behalf_of: None,
            ip: None,
            user_agent: None,
            request_id: None,
            action: action.into(),
            resource_type: None,
            resource_id: None,
            outcome,
            level: match outcome {
                Outcome::Success => AuditLevel::Info,
                Outcome::Denied => AuditLevel::Warning,
                Outcome::Failure => AuditLevel::Error,
            },
            changes: None,
            metadata: None,
        }
    }
}

/// Appends events to the chain of the transaction's tenant and returns the last
/// sequence number (0 if there are no events). Other appends of the tenant wait
/// until this transaction ends, so call it right before the commit.
///
/// # Errors
/// [`StoreError::Constraint`] for an event that violates the schema: the
/// audited change must then fail as well (SEC-E1).
pub async fn audit_append(tx: &mut TenantTx, events: &[AuditEvent]) -> Result<i64, StoreError> {
    if events.is_empty() {
        return Ok(0);
    }
    let tenant_id = tx.tenant_id();
    let seq = sqlx::query_scalar!(
        r#"SELECT audit_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) AS "seq!""#,
        tenant_id as _,
        &column(events, |e| e.at),
        column(events, |e| e.actor_user_id) as _,
        column(events, |e| e.actor_kind) as _,
        &column(events, |e| e.actor_label.clone()),
        column(events, |e| e.on_behalf_of) as _,
        &column(events, |e| e.ip.map(|ip| ip.to_string())) as &[Option<String>],
        &column(events, |e| e.user_agent.clone()) as &[Option<String>],
        column(events, |e| e.request_id) as _,
        &column(events, |e| e.action.clone()),
        &column(events, |e| e.resource_type.clone()) as &[Option<String>],
        &column(events, |e| e.resource_id.clone()) as &[Option<String>],
        column(events, |e| e.outcome) as _,
        &column(events, |e| e.level.key().to_owned()),
        &column(events, |e| e.changes.clone()) as &[Option<Value>],
        &column(events, |e| e.metadata.clone()) as &[Option<Value>],
    )
    .fetch_one(tx.conn())
    .await?;
    // Every change is audited, so this notifies the subscribers of all changes.
    tx.note(tenant_id);
    Ok(seq)
}

fn column<'a, T>(events: &'a [AuditEvent], field: impl Fn(&'a AuditEvent) -> T) -> Vec<T> {
    events.iter().map(field).collect()
}

struct EntryRow {
    seq: i64,
    at: Timestamp,
    actor_user_id: Option<UserId>,
    actor_label: String,
    actor_kind: String,
    action: String,
    resource_type: Option<String>,
    resource_id: Option<String>,
    outcome: Outcome,
    ip: Option<String>,
    request_id: Option<RequestId>,
    changes: Option<String>,
    metadata: Option<String>,
    /// Of a page's list.
    total: Option<i64>,
}

impl From<EntryRow> for AuditEntry {
    fn from(row: EntryRow) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            actor_user_id: row.actor_user_id,
            actor_label: row.actor_label,
            actor_kind: row.actor_kind,
            action: row.action,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
            outcome: row.outcome,
            ip: row.ip,
            request_id: row.request_id.map(|id| id.to_string()),
            changes: row.changes.as_deref().map(json_or_text),
            metadata: row.metadata.as_deref().map(json_or_text),
        }
    }
}

/// Postgres stores numbers that have no place in an `f64`: a row with one is
/// shown as text, so that it makes no list unreadable.
fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// The period in which a request may have written its rows. The request id, a
/// UUID version 7, contains its start time, so the query doesn't scan the whole
/// log.
fn request_time_range(id: RequestId) -> Option<(Timestamp, Timestamp)> {
    let (seconds, nanos) = id.0.get_timestamp()?.to_unix();
    let start = Timestamp::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?
        + time::Duration::nanoseconds(i64::from(nanos));
    Some((start - time::Duration::MINUTE, start + time::Duration::HOUR))
}

/// Selects entries in one direction: both use the index of times, and keep
/// their plan. Rows are counted up to one more than [`MAX_TOTAL`].
///
/// [`MAX_TOTAL`]: domain::paging::MAX_TOTAL
macro_rules! select_page {
    ($beyond:tt, $order:tt, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            EntryRow,
            r#"SELECT seq, at, actor_user_id, actor_label, actor_kind, action, resource_type, resource_id, outcome,
                      host(ip) AS ip, request_id, changes::text AS changes, metadata::text AS metadata,
                      (SELECT count(*) FROM (
                           SELECT FROM audit_log
                            WHERE tenant_id = $1
                              AND ($4 = '' OR action ^@ $4)
                              AND ($5 = '' OR outcome = $5)
                              AND ($6::uuid IS NULL OR actor_user_id = $6)
                              AND ($7::uuid IS NULL OR request_id = $7)
                              AND ($8 = '' OR resource_type = $8)
                              AND ($9 = '' OR resource_id = $9)
                              AND at >= $10 AND at < $11
                            LIMIT 1001
                       ) AS counted) AS total
                 FROM audit_log
                WHERE tenant_id = $1
                  AND at "# + $beyond + r#"= $2 AND (at, seq) "# + $beyond + r#" ($2, $3)
                  AND ($4 = '' OR action ^@ $4)
                  AND ($5 = '' OR outcome = $5)
                  AND ($6::uuid IS NULL OR actor_user_id = $6)
                  AND ($7::uuid IS NULL OR request_id = $7)
                  AND ($8 = '' OR resource_type = $8)
                  AND ($9 = '' OR resource_id = $9)
                  AND at >= $10 AND at < $11
                ORDER BY at "# + $order + ", seq " + $order + " LIMIT $12",
            $($argument),+
        )
    };
}

/// One page of the tenant's audit log.
///
/// # Errors
/// [`StoreError::Cursor`] for a cursor of another list, [`StoreError::Filter`]
/// for an invalid outcome, actor, request id or order.
pub async fn audit_list(
    tx: &mut TenantTx,
    input: &AuditListInput,
    size: u16,
) -> Result<Page<AuditEntry>, StoreError> {
    if !input.outcome.is_empty() && Outcome::from_key(&input.outcome).is_none() {
        return Err(StoreError::Filter("outcome"));
    }
    let actor: Option<UserId> = match input.actor.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| StoreError::Filter("actor"))?),
    };
    let request: Option<RequestId> = match input.request.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| StoreError::Filter("request"))?),
    };
    let days = input.days().map_err(|_| StoreError::Filter("from"))?;
    let (mut from, mut until) = (days.from.unwrap_or(EARLIEST), days.until.unwrap_or(LATEST));
    if let Some(id) = request {
        let (start, end) = request_time_range(id).ok_or(StoreError::Filter("request"))?;
        (from, until) = (from.max(start), until.min(end));
    }
    let (tenant_id, after) = (tx.tenant_id(), input.after.as_deref());
    let place = Place::parse(List::Audit, tenant_id, &AUDIT_SORTS, &input.sort, after)?;
    // The first page has a bound as well, so that all pages share one plan.
    let (at, seq) = match place.key() {
        Some(key) => parse_key(key)?,
        None if place.is_descending() => (LATEST, i64::MAX),
        None => (EARLIEST, 0),
    };
    macro_rules! select {
        ($beyond:tt, $order:tt) => {
            select_page!(
                $beyond,
                $order,
                tenant_id as _,
                at,
                seq,
                input.action,
                input.outcome,
                actor as _,
                request as _,
                input.target_kind,
                input.target,
                from,
                until,
                i64::from(size) + 1,
            )
            .fetch_all(tx.conn())
            .await?
        };
    }
    let rows = if place.is_descending() {
        select!("<", "DESC")
    } else {
        select!(">", "ASC")
    };
    let total = rows.first().and_then(|row| row.total).unwrap_or(0);
    let page = place.page(rows, size, total, |row| {
        (format!("{}.{}", time_key(row.at), row.seq), Uuid::nil())
    });
    Ok(page.map(AuditEntry::from))
}

/// Time and sequence number of the row at a place.
fn parse_key(key: &str) -> Result<(Timestamp, i64), StoreError> {
    let (micros, seq) = key.split_once('.').ok_or(StoreError::Cursor)?;
    Ok((
        parse_time_key(micros)?,
        seq.parse().map_err(|_| StoreError::Cursor)?,
    ))
}

/// The newest entries whose actor or subject is the member.
pub async fn audit_list_for_member(
    tx: &mut TenantTx,
    user_id: UserId,
    size: u16,
) -> Result<Vec<AuditEntry>, StoreError> {
    // Each half uses its own index.
    let rows = sqlx::query_as!(
        EntryRow,
        r#"SELECT seq AS "seq!", at AS "at!", actor_user_id AS "actor_user_id: UserId",
                  actor_label AS "actor_label!", actor_kind AS "actor_kind!", action AS "action!",
                  resource_type, resource_id, outcome AS "outcome!: Outcome", host(ip) AS ip,
                  request_id AS "request_id: RequestId", changes::text AS changes, metadata::text AS metadata,
                  NULL::bigint AS total
             FROM (
                 (SELECT * FROM audit_log
                   WHERE tenant_id = $1 AND actor_user_id = $2
                   ORDER BY at DESC, seq DESC LIMIT $3)
                 UNION
                 (SELECT * FROM audit_log
                   WHERE tenant_id = $1 AND resource_id = $2::uuid::text AND resource_type = 'user'
                   ORDER BY at DESC, seq DESC LIMIT $3)
             ) AS rows
            ORDER BY at DESC, seq DESC
            LIMIT $3"#,
        tx.tenant_id() as _,
        user_id as _,
        i64::from(size),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

/// The entries about members that a request of the transaction's own member
/// wrote, oldest first. Members may read entries of their own actions.
///
/// # Errors
/// [`StoreError::NotFound`] if it wrote none, or was another member's request.
pub async fn audit_list_for_request(
    tx: &mut TenantTx,
    request_id: RequestId,
) -> Result<Vec<AuditEntry>, StoreError> {
    let (from, to) = request_time_range(request_id).ok_or(StoreError::NotFound)?;
    let rows = sqlx::query_as!(
        EntryRow,
        r#"SELECT seq, at, actor_user_id, actor_label, actor_kind, action, resource_type, resource_id, outcome,
                  host(ip) AS ip, request_id, changes::text AS changes, metadata::text AS metadata,
                  NULL::bigint AS total
             FROM audit_log
            WHERE tenant_id = $1 AND actor_user_id = $2 AND at >= $4 AND at < $5
              AND request_id = $3 AND resource_type = 'user'
            ORDER BY at, seq"#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
        request_id as _,
        from,
        to,
    )
    .fetch_all(tx.conn())
    .await?;
    if rows.is_empty() {
        return Err(StoreError::NotFound);
    }
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

/// Creates the partitions for the month of `now` and the two after it, and
/// returns how many were missing. Rows of a month without its own partition go
/// to the default partition.
///
/// # Errors
/// [`StoreError::Conflict`] if another transaction locks the table for too
/// long.
pub async fn audit_partitions_ensure(tx: &mut WorkerTx, now: Timestamp) -> Result<i32, StoreError> {
    Ok(
        sqlx::query_scalar!(r#"SELECT audit_partitions_ensure($1, 2) AS "made!""#, now)
            .fetch_one(tx.conn())
            .await?,
    )
}
