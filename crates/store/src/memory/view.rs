//! A member's saved views of the memory list.

use domain::{
    MemoryViewId, TeamId, Timestamp, UserId,
    memory::{FilterChoices, NamedPersona, NamedUser},
    memory_view::{MAX_VIEWS, MemoryView, MemoryViewQuery, ViewName},
    team::TeamRef,
};

use super::constraint::VIEWS_LIMIT;
use crate::{StoreError, TenantTx};

/// The member's views, sorted by name.
///
/// # Errors
/// [`StoreError::Other`] for a view that this version can't parse.
pub async fn memory_view_list(tx: &mut TenantTx) -> Result<Vec<MemoryView>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, name, query FROM memory_views
          WHERE tenant_id = $1 AND user_id = $2
          ORDER BY sort_name",
        tx.tenant_id() as _,
        tx.member_id()? as _,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(MemoryView {
                id: row.id,
                name: row.name,
                query: serde_json::from_value(row.query)
                    .map_err(|error| StoreError::other(format!("a saved view: {error}")))?,
            })
        })
        .collect()
}

/// Saves a view.
///
/// # Errors
/// [`StoreError::Constraint`] if the member has one with this name, or has
/// [`MAX_VIEWS`] already.
pub async fn memory_view_create(
    tx: &mut TenantTx,
    id: MemoryViewId,
    name: &ViewName,
    query: &MemoryViewQuery,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id(), tx.member_id()?);
    let query = serde_json::to_value(query)
        .map_err(|error| StoreError::other(format!("a view to save: {error}")))?;
    // Serialises the creation of views, so that the count below holds.
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('memory_views ' || $1::text, 0)) AS locked",
        user_id.to_string(),
    )
    .fetch_one(tx.conn())
    .await?;
    let saved = sqlx::query!(
        "INSERT INTO memory_views (tenant_id, id, user_id, name, query, created_at, updated_at)
         SELECT $1, $2, $3, $4, $5, $6, $6
          WHERE (SELECT count(*) FROM memory_views WHERE tenant_id = $1 AND user_id = $3) < $7",
        tenant_id as _,
        id as _,
        user_id as _,
        name.as_str(),
        query,
        now,
        MAX_VIEWS,
    )
    .execute(tx.conn())
    .await?;
    if saved.rows_affected() == 0 {
        return Err(StoreError::Constraint(VIEWS_LIMIT.to_owned()));
    }
    Ok(())
}

/// Renames a view of the member.
///
/// # Errors
/// [`StoreError::Constraint`] if the name is taken.
pub async fn memory_view_rename(
    tx: &mut TenantTx,
    id: MemoryViewId,
    name: &ViewName,
    now: Timestamp,
) -> Result<(), StoreError> {
    let renamed = sqlx::query!(
        "UPDATE memory_views SET name = $4, updated_at = $5
          WHERE tenant_id = $1 AND user_id = $2 AND id = $3",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        id as _,
        name.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(renamed.rows_affected())
}

pub async fn memory_view_delete(tx: &mut TenantTx, id: MemoryViewId) -> Result<(), StoreError> {
    let deleted = sqlx::query!(
        "DELETE FROM memory_views WHERE tenant_id = $1 AND user_id = $2 AND id = $3",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    not_found_if_zero(deleted.rows_affected())
}

fn not_found_if_zero(rows: u64) -> Result<(), StoreError> {
    if rows == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

/// Maximum number of members that a filter lists by name; a larger organisation
/// gets only the selected one.
const MAX_OWNER_CHOICES: i64 = 50;

/// The choices of the memory filter: the member's own personas and teams, and
/// other members. `owner` and `team` are always included, so that the current
/// filter can be named.
pub async fn memory_filter_choices(
    tx: &mut TenantTx,
    own_teams: &[TeamId],
    owner: Option<UserId>,
    team: Option<TeamId>,
) -> Result<FilterChoices, StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id(), tx.member_id()?);
    let personas = sqlx::query_as!(
        NamedPersona,
        "SELECT id, name FROM personas WHERE tenant_id = $1 AND user_id = $2 ORDER BY lower(name), id",
        tenant_id as _,
        user_id as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let teams: Vec<_> = own_teams.iter().chain(&team).copied().collect();
    let teams = sqlx::query_as!(
        TeamRef,
        "SELECT id, name FROM teams WHERE tenant_id = $1 AND id = ANY ($2) ORDER BY sort_name, id",
        tenant_id as _,
        teams as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut owners = sqlx::query_as!(
        NamedUser,
        r#"SELECT id, display_name AS name FROM users
            WHERE tenant_id = $1 AND id <> $2 AND status = 'active'
            ORDER BY sort_name, id LIMIT $3"#,
        tenant_id as _,
        user_id as _,
        MAX_OWNER_CHOICES + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    if i64::try_from(owners.len()).is_ok_and(|count| count > MAX_OWNER_CHOICES) {
        owners.clear();
    }
    if let Some(owner) = owner.filter(|owner| owners.iter().all(|known| known.id != *owner)) {
        let selected = sqlx::query_as!(
            NamedUser,
            "SELECT id, display_name AS name FROM users WHERE tenant_id = $1 AND id = $2",
            tenant_id as _,
            owner as _,
        )
        .fetch_optional(tx.conn())
        .await?;
        owners.extend(selected);
    }
    Ok(FilterChoices {
        personas,
        teams,
        owners,
    })
}
