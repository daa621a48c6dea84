//! Proposals to share or change a memory. Database functions end a proposal,
//! because they check who may decide it.

use domain::{
    AppError, MemoryId, Page, Permission, ProposalId, Timestamp, UserId,
    access::SystemRole,
    memory::{MemoryAttributes, Visibility},
    proposal::{
        PROPOSAL_SORTS, PendingProposal, Proposal, ProposalStatus, ProposalSummary, ProposalView,
        ProposedChange, SharedMemory,
    },
    share::{Audience, Comment},
};
use sqlx::types::Json;

use crate::{
    StoreError, TenantTx,
    cursor::{List, Place},
    error::ConstraintErrors,
};

pub(crate) const CONSTRAINTS: ConstraintErrors =
    &[("memory_proposals_pending_idx", || AppError::Conflict {
        message: "You have already proposed this. It is pending review.".into(),
    })];

/// Proposes to share the member's own memory as it is at `version`. The
/// database copies the text, so that the proposal always matches the memory.
///
/// # Errors
/// [`StoreError::Conflict`] if the memory is not at `version` any more or can't
/// be shared; [`StoreError::Constraint`] if it has a pending proposal.
pub async fn proposal_create(
    tx: &mut TenantTx,
    id: ProposalId,
    memory: MemoryId,
    version: i32,
    audience: Audience,
    comment: &Comment,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "INSERT INTO memory_proposals (
             tenant_id, id, memory_id, memory_version, kind, title, content, tags, proposed_by, to_visibility,
             team_id, team_name, comment, status, created_at, attributes
         )
         SELECT tenant_id, $3, id, version, kind, title, content, tags, user_id, $6, $7,
                (SELECT name FROM teams WHERE teams.tenant_id = $1 AND teams.id = $7), $8, 'pending', $9,
                memory_attributes(memories)
           FROM memories
          WHERE tenant_id = $1 AND user_id = $2 AND id = $4 AND version = $5 AND parent_id IS NULL
            AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > $9)
            FOR UPDATE",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        id as _,
        memory as _,
        version,
        audience.visibility() as _,
        audience.team_id() as _,
        comment.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    Ok(())
}

/// Proposes to change the member's own shared memory from version `version`.
/// Until the proposal is accepted others see the old text.
///
/// # Errors
/// [`StoreError::Conflict`] if the memory is not at `version` any more, is in
/// the trash or is private; [`StoreError::Constraint`] if it has a pending
/// proposal.
pub async fn proposal_change_create(
    tx: &mut TenantTx,
    id: ProposalId,
    memory: MemoryId,
    version: i32,
    after: &SharedMemory,
    comment: &Comment,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "INSERT INTO memory_proposals (
             tenant_id, id, memory_id, memory_version, kind, title, content, tags, attributes, replaces, proposed_by,
             to_visibility, team_id, team_name, comment, status, created_at
         )
         SELECT tenant_id, $3, id, version, $6, $7, $8, $9, $10, memory_shown(memories), user_id, visibility, team_id,
                (SELECT name FROM teams WHERE teams.tenant_id = $1 AND teams.id = team_id), $11, 'pending', $12
           FROM memories
          WHERE tenant_id = $1 AND user_id = $2 AND id = $4 AND version = $5 AND parent_id IS NULL
            AND visibility <> 'private' AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > $12)
            FOR UPDATE",
        tx.tenant_id() as _,
        tx.member_id()? as _,
        id as _,
        memory as _,
        version,
        after.kind as _,
        after.title,
        after.content,
        &after.tags,
        Json(&after.attributes) as _,
        comment.as_str(),
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    Ok(())
}

/// Applies a proposal and returns the memory's id and new version.
///
/// # Errors
/// [`StoreError::NotFound`] if no such proposal is pending for the member;
/// [`StoreError::Conflict`] if the memory was changed since it was proposed;
/// [`StoreError::Other`] if the member may not decide it.
pub async fn proposal_accept(
    tx: &mut TenantTx,
    id: ProposalId,
    comment: &Comment,
    reason: &str,
    now: Timestamp,
) -> Result<(MemoryId, i32), StoreError> {
    let row = sqlx::query!(
        r#"SELECT shared_id AS "shared_id: MemoryId", shared_version FROM memory_proposal_accept($1, $2, $3, $4)"#,
        id as _,
        comment.as_str(),
        reason,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    match (row.shared_id, row.shared_version) {
        (Some(memory), Some(version)) => Ok((memory, version)),
        (Some(_), None) => Err(StoreError::Conflict),
        (None, _) => Err(StoreError::NotFound),
    }
}

/// Declines another member's proposal.
///
/// # Errors
/// [`StoreError::NotFound`] if no such proposal is pending for the member.
pub async fn proposal_decline(
    tx: &mut TenantTx,
    id: ProposalId,
    comment: &Comment,
    now: Timestamp,
) -> Result<(), StoreError> {
    close(tx, id, true, Some(comment), now).await
}

/// Withdraws the member's own proposal.
///
/// # Errors
/// [`StoreError::NotFound`] also if it is not pending.
pub async fn proposal_withdraw(
    tx: &mut TenantTx,
    id: ProposalId,
    now: Timestamp,
) -> Result<(), StoreError> {
    close(tx, id, false, None, now).await
}

async fn close(
    tx: &mut TenantTx,
    id: ProposalId,
    decline: bool,
    comment: Option<&Comment>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let closed = sqlx::query_scalar!(
        r#"SELECT memory_proposal_close($1, $2, $3, $4) AS "closed!""#,
        id as _,
        decline,
        comment.map(Comment::as_str),
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    if closed {
        Ok(())
    } else {
        Err(StoreError::NotFound)
    }
}

#[derive(Clone, Debug)]
pub struct ProposalWithAudience {
    /// Without viewers and text differences, which the caller adds.
    pub proposal: Proposal,
    /// The proposed audience; `None` if its team was deleted.
    pub audience: Option<Audience>,
}

/// A proposal of the member, one that is pending for the member, or one that
/// the member decided.
pub async fn proposal_get(
    tx: &mut TenantTx,
    id: ProposalId,
) -> Result<ProposalWithAudience, StoreError> {
    let member = tx.member_id()?;
    let row = sqlx::query!(
        r#"SELECT p.memory_id, p.memory_version, p.kind, p.title, left(p.content, 280) AS "excerpt!", p.content, p.tags,
                  p.proposed_by, author.display_name AS proposer_name, p.to_visibility, p.team_id, p.team_name,
                  p.attributes AS "attributes: Json<MemoryAttributes>", p.replaces AS "replaces: Json<SharedMemory>",
                  p.comment, p.status, p.created_at, reviewer.display_name AS "reviewer_name?", p.review_comment,
                  p.reviewed_at,
                  EXISTS (
                      SELECT FROM memories m
                       WHERE m.tenant_id = $1 AND m.id = p.memory_id AND m.version = p.memory_version
                         AND m.deleted_at IS NULL
                  ) AS "is_current!"
             FROM memory_proposals p
             JOIN users author ON author.tenant_id = $1 AND author.id = p.proposed_by
             LEFT JOIN users reviewer ON reviewer.tenant_id = $1 AND reviewer.id = p.reviewed_by
            WHERE p.tenant_id = $1 AND p.id = $2"#,
        tx.tenant_id() as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    let summary = ProposalSummary {
        id,
        title: row.title,
        excerpt: row.excerpt,
        proposer_id: row.proposed_by,
        proposer_name: row.proposer_name,
        visibility: row.to_visibility,
        team_name: row.team_name,
        is_change: row.replaces.is_some(),
        status: row.status,
        created_at: row.created_at,
        reviewed_at: row.reviewed_at,
    };
    let change = row.replaces.map(|Json(before)| ProposedChange {
        before,
        after: SharedMemory {
            title: summary.title.clone(),
            content: row.content.clone(),
            kind: row.kind,
            tags: row.tags.clone(),
            attributes: row.attributes.into(),
        },
        title: Vec::new(),
        content: Vec::new(),
    });
    let is_own = summary.proposer_id == member;
    let is_pending = summary.status == ProposalStatus::Pending;
    Ok(ProposalWithAudience {
        audience: match (summary.visibility, row.team_id) {
            (Visibility::Org, _) => Some(Audience::Org),
            (_, team) => team.map(Audience::Team),
        },
        proposal: Proposal {
            memory_id: row.memory_id,
            memory_version: row.memory_version,
            content: row.content,
            kind: row.kind,
            tags: row.tags,
            change,
            comment: row.comment,
            reviewer_name: row.reviewer_name,
            review_comment: row.review_comment,
            is_own,
            // Row security shows others' pending proposals only to those who
            // may decide them.
            may_decide: is_pending && !is_own,
            is_stale: is_pending && is_own && !row.is_current,
            viewers: None,
            summary,
        },
    })
}

/// The pending proposal for the member's own memory, if there is one.
pub async fn proposal_pending(
    tx: &mut TenantTx,
    memory: MemoryId,
) -> Result<Option<PendingProposal>, StoreError> {
    Ok(sqlx::query_as!(
        PendingProposal,
        r#"SELECT p.id, p.to_visibility AS visibility, p.team_id, p.team_name,
                  p.memory_version <> m.version AS "is_stale!", p.replaces IS NOT NULL AS "is_change!"
             FROM memory_proposals p
             JOIN memories m ON m.tenant_id = $1 AND m.id = p.memory_id
            WHERE p.tenant_id = $1 AND p.memory_id = $2 AND p.proposed_by = $3 AND p.status = 'pending'"#,
        tx.tenant_id() as _,
        memory as _,
        tx.member_id()? as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// One page of proposals, newest first.
///
/// # Errors
/// [`StoreError::Cursor`] for a cursor of another list.
pub async fn proposal_list(
    tx: &mut TenantTx,
    view: ProposalView,
    sort: &str,
    after: Option<&str>,
    size: u16,
) -> Result<Page<ProposalSummary>, StoreError> {
    let tenant_id = tx.tenant_id();
    let place = Place::parse(List::Proposal, tenant_id, &PROPOSAL_SORTS, sort, after)?;
    let rows = sqlx::query!(
        r#"WITH matching AS MATERIALIZED (
               SELECT p.id,
                      CASE $4 WHEN 'title' THEN lower(p.title)
                              WHEN 'proposer' THEN author.sort_name
                              ELSE sort_time(p.created_at) END COLLATE "C" AS key
                 FROM memory_proposals p
                 JOIN users author ON author.tenant_id = $1 AND author.id = p.proposed_by
                WHERE p.tenant_id = $1
                  AND ($3 = 'mine' AND p.proposed_by = $2
                       OR $3 = 'decided' AND p.reviewed_by = $2
                       OR $3 = 'waiting' AND p.status = 'pending' AND p.proposed_by <> $2)
           )
           SELECT p.id, p.title, left(p.content, 280) AS "excerpt!", p.proposed_by AS proposer_id,
                  author.display_name AS proposer_name, p.to_visibility AS visibility, p.team_name,
                  p.replaces IS NOT NULL AS "is_change!", p.status, p.created_at, p.reviewed_at, m.key AS "key!",
                  (SELECT count(*) FROM (SELECT FROM matching LIMIT 1001) AS counted) AS "total!"
             FROM matching m
             JOIN memory_proposals p ON p.tenant_id = $1 AND p.id = m.id
             JOIN users author ON author.tenant_id = $1 AND author.id = p.proposed_by
            WHERE ($5::text IS NULL OR CASE WHEN $7 THEN (m.key, m.id) < ($5, $6) ELSE (m.key, m.id) > ($5, $6) END)
            ORDER BY CASE WHEN $7 THEN m.key END DESC, CASE WHEN $7 THEN m.id END DESC, m.key, m.id
            LIMIT $8"#,
        tenant_id as _,
        tx.member_id()? as _,
        view as _,
        place.column(),
        place.key(),
        place.id(),
        place.is_descending(),
        i64::from(size) + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    let page = place.page(rows, size, total, |row| (row.key.clone(), row.id.0));
    Ok(page.map(|row| ProposalSummary {
        id: row.id,
        title: row.title,
        excerpt: row.excerpt,
        proposer_id: row.proposer_id,
        proposer_name: row.proposer_name,
        visibility: row.visibility,
        team_name: row.team_name,
        is_change: row.is_change,
        status: row.status,
        created_at: row.created_at,
        reviewed_at: row.reviewed_at,
    }))
}

/// Number of others' proposals that the member may decide.
pub async fn proposal_pending_count(tx: &mut TenantTx) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM memory_proposals
            WHERE tenant_id = $1 AND status = 'pending' AND proposed_by <> $2"#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The members to notify of a proposal to `audience`: the team's leads, or
/// everybody with the permission to review if the team has none or the audience
/// is the organisation. At most `limit`, never the proposing member.
pub async fn proposal_reviewers(
    tx: &mut TenantTx,
    audience: Audience,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let (tenant_id, member) = (tx.tenant_id(), tx.member_id()?);
    if let Audience::Team(team) = audience {
        let leads = sqlx::query_scalar!(
            "SELECT u.id FROM users u
              WHERE u.tenant_id = $1 AND u.status = 'active' AND u.id <> $3
                AND u.id IN (
                    SELECT m.user_id FROM team_members m
                     WHERE m.tenant_id = $1 AND m.team_id = $2 AND m.role = 'lead')
              ORDER BY u.id LIMIT $4",
            tenant_id as _,
            team as _,
            member as _,
            limit,
        )
        .fetch_all(tx.conn())
        .await?;
        if !leads.is_empty() {
            return Ok(leads);
        }
    }
    let permission = Permission::MemoryReview;
    Ok(sqlx::query_scalar!(
        "SELECT u.id FROM users u
          WHERE u.tenant_id = $1 AND u.status = 'active' AND u.id <> $2
            AND u.id IN (
                SELECT ur.user_id FROM user_roles ur
                  JOIN roles r ON r.tenant_id = $1 AND r.id = ur.role_id
                 WHERE ur.tenant_id = $1 AND (r.is_system AND r.key = ANY ($3) OR $4 = ANY (r.permissions)))
          ORDER BY u.id LIMIT $5",
        tenant_id as _,
        member as _,
        SystemRole::keys_with(permission) as Vec<&str>,
        permission.key(),
        limit,
    )
    .fetch_all(tx.conn())
    .await?)
}
