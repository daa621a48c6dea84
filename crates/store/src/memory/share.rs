//! Who sees a memory, and how that changes. The database decides both: the
//! policy on memories, and functions that hold who may share what.

use domain::{
    MemoryId, Permission, TeamId, Timestamp, UserId,
    access::SystemRole,
    memory::{Memory, Visibility},
    share::{Audience, Viewer, Viewers},
};

use super::trash::why_unchanged;
use crate::{StoreError, TenantTx, user::kind_from_stored};

/// Shares one's own memory, or with `None` takes it back; keeps a version and
/// returns the new one. What was proposed of it is withdrawn.
///
/// # Errors
/// [`StoreError::NotFound`] when the member has no such memory;
/// [`StoreError::Conflict`] when it is not at `version` any more, can't be
/// shared or is shared so already; [`StoreError::Other`] when others decide
/// whether it is shared so.
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
        id.0,
        version,
        visibility.key(),
        audience.and_then(Audience::team_id).map(|team| team.0),
        reason,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    match shared {
        Some(version) => Ok(version),
        None => Err(why_unchanged(tx, id).await),
    }
}

/// What decides who sees a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessScope {
    /// Whose it is.
    pub owner: UserId,
    /// How visible it is.
    pub visibility: Visibility,
    /// To which team.
    pub team: Option<TeamId>,
    /// Since when it is in the trash.
    pub deleted_at: Option<Timestamp>,
}

impl AccessScope {
    /// Of a memory as it is.
    pub fn of(memory: &Memory) -> Self {
        Self {
            owner: memory.owner_id,
            visibility: memory.visibility,
            team: memory.team_id,
            deleted_at: memory.deleted_at,
        }
    }

    /// Of a memory of `owner`, were it shared so.
    pub fn if_shared(owner: UserId, audience: Audience) -> Self {
        Self {
            owner,
            visibility: audience.visibility(),
            team: audience.team_id(),
            deleted_at: None,
        }
    }
}

/// Who sees a memory, by the policy itself: how many, and the first `limit`.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away.
pub async fn memory_viewers(
    tx: &mut TenantTx,
    scope: AccessScope,
    limit: i64,
) -> Result<Viewers, StoreError> {
    let readers = SystemRole::keys_with(Permission::MemoryRead);
    let rows = sqlx::query!(
        r#"SELECT viewer_id AS "id!", viewer_name AS "name!", viewer_kind AS "kind!", people AS "people!",
                  programs AS "programs!"
             FROM memory_viewers($1, $2, $3, $4, $5, $6)"#,
        scope.owner.0,
        scope.visibility.key(),
        scope.team.map(|team| team.0),
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
            id: row.id.into(),
            name: row.name,
            kind: kind_from_stored(&row.kind)?,
        });
    }
    Ok(viewers)
}
