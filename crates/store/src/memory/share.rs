//! A memory's audience, and how sharing changes it. The database decides both:
//! the policy on memories, and functions that check who may share what.

use domain::{
    ActorKind, MemoryId, Permission, TeamId, Timestamp, UserId,
    access::SystemRole,
    memory::{Memory, Visibility},
    share::{Audience, Viewer, Viewers},
};

use super::trash::unchanged_error;
use crate::{StoreError, TenantTx};

/// Shares the member's own memory, or makes it private again with `None`;
/// stores a version and returns the new version's number. Its pending proposal
/// is withdrawn.
///
/// # Errors
/// [`StoreError::NotFound`] if the member has no such memory;
/// [`StoreError::Conflict`] if it is not at `version` any more, can't be shared
/// or has this audience already; [`StoreError::Other`] if the change needs
/// others' approval.
pub async fn memory_share(
    tx: &mut TenantTx,
    id: MemoryId,
    version: Option<i32>,
    audience: Option<Audience>,
    reason: &str,
    now: Timestamp,
) -> Result<i32, StoreError> {
    let visibility = audience.map_or(Visibility::Private, Audience::visibility);
    let shared = sqlx::query_scalar!(
        "SELECT memory_share($1, $2, $3, $4, $5, $6)",
        id as _,
        version,
        visibility as _,
        audience.and_then(Audience::team_id) as _,
        reason,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    match shared {
        Some(version) => Ok(version),
        None => Err(unchanged_error(tx, id).await),
    }
}

/// The facts that decide who can see a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessScope {
    pub owner: UserId,
    pub visibility: Visibility,
    /// The team that it is shared with.
    pub team: Option<TeamId>,
    /// When it was moved to the trash.
    pub deleted_at: Option<Timestamp>,
}

impl AccessScope {
    /// The scope of a memory as it is.
    pub fn of(memory: &Memory) -> Self {
        Self {
            owner: memory.owner_id,
            visibility: memory.visibility,
            team: memory.team_id,
            deleted_at: memory.deleted_at,
        }
    }

    /// The scope that a memory of `owner` would have if it were shared with
    /// `audience`.
    pub fn for_audience(owner: UserId, audience: Audience) -> Self {
        Self {
            owner,
            visibility: audience.visibility(),
            team: audience.team_id(),
            deleted_at: None,
        }
    }
}

/// The members who can see a memory, according to the policy itself: their
/// number, and the first `limit` of them.
pub async fn memory_viewers(
    tx: &mut TenantTx,
    scope: AccessScope,
    limit: i64,
) -> Result<Viewers, StoreError> {
    let readers = SystemRole::keys_with(Permission::MemoryRead);
    let rows = sqlx::query!(
        r#"SELECT viewer_id AS "id!: UserId", viewer_name AS "name!", viewer_kind AS "kind!: ActorKind",
                  people AS "people!", programs AS "programs!"
             FROM memory_viewers($1, $2, $3, $4, $5, $6)"#,
        scope.owner as _,
        scope.visibility as _,
        scope.team as _,
        scope.deleted_at,
        readers as Vec<&str>,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut viewers = Viewers::default();
    for row in rows {
        (viewers.people, viewers.programs) = (row.people, row.programs);
        viewers.first.push(Viewer {
            id: row.id,
            name: row.name,
            kind: row.kind,
        });
    }
    Ok(viewers)
}
