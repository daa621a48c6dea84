//! The figures of the overview, besides those of memories.

use domain::{
    Timestamp,
    overview::{
        AuditFigures, GroupFigures, InviteFigures, KEY_EXPIRY_DAYS, KeyFigures, MemberFigures,
        ProposalFigures,
    },
};
use time::Duration;

use crate::{StoreError, TenantTx};

/// The figures that a member may see.
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each independent part"
)]
#[derive(Clone, Copy, Debug)]
pub struct OverviewScope {
    pub proposals: bool,
    /// Proposals of others are counted as well.
    pub decides_proposals: bool,
    pub own_keys: bool,
    pub all_keys: bool,
    pub members: bool,
    pub invites: bool,
    pub groups: bool,
    pub audit: bool,
}

/// Figures outside the scope are `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverviewFigures {
    pub proposals: Option<ProposalFigures>,
    pub own_keys: Option<KeyFigures>,
    pub all_keys: Option<KeyFigures>,
    pub members: Option<MemberFigures>,
    pub invites: Option<InviteFigures>,
    pub groups: Option<GroupFigures>,
    pub audit: Option<AuditFigures>,
}

/// Reads the figures of `scope` in one statement. A part outside the scope is
/// not read.
pub async fn overview_figures(
    tx: &mut TenantTx,
    scope: OverviewScope,
    now: Timestamp,
) -> Result<OverviewFigures, StoreError> {
    let row = sqlx::query!(
        r#"SELECT to_review AS "to_review!", sent AS "sent!",
                  own_keys AS "own_keys!", own_keys_expiring AS "own_keys_expiring!",
                  all_keys AS "all_keys!", all_keys_expiring AS "all_keys_expiring!",
                  people AS "people!", suspended AS "suspended!", services AS "services!", agents AS "agents!",
                  (SELECT count(*) FROM teams WHERE tenant_id = $1 AND $8) AS "teams!",
                  pending AS "pending!", expired AS "expired!",
                  (SELECT count(*) FROM group_mappings WHERE tenant_id = $1 AND $10) AS "rules!",
                  (SELECT count(*) FROM users
                    WHERE tenant_id = $1 AND $10 AND kind = 'human' AND status = 'active'
                      AND NOT EXISTS (SELECT FROM user_roles
                                       WHERE user_roles.tenant_id = $1 AND user_roles.user_id = users.id)
                      AND EXISTS (SELECT FROM user_claims
                                   WHERE user_claims.tenant_id = $1 AND user_claims.user_id = users.id
                                     AND (groups <> '{}' OR app_roles <> '{}'))) AS "unmatched!",
                  (SELECT seq FROM audit_heads WHERE tenant_id = $1 AND $11) AS entries,
                  (SELECT created_at FROM audit_checkpoints
                    WHERE tenant_id = $1 AND $11 ORDER BY size DESC LIMIT 1) AS checkpoint_at
             FROM (SELECT count(*) FILTER (WHERE proposed_by <> $2 AND $5) AS to_review,
                          count(*) FILTER (WHERE proposed_by = $2) AS sent
                     FROM memory_proposals WHERE tenant_id = $1 AND status = 'pending' AND $4) AS proposals,
                  (SELECT count(*) FILTER (WHERE user_id = $2) AS own_keys,
                          count(*) FILTER (WHERE user_id = $2 AND expires_at <= $12) AS own_keys_expiring,
                          count(*) AS all_keys,
                          count(*) FILTER (WHERE expires_at <= $12) AS all_keys_expiring
                     FROM api_keys
                    WHERE tenant_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)
                      AND ($7 OR $6 AND user_id = $2)) AS keys,
                  (SELECT count(*) FILTER (WHERE status = 'active' AND kind = 'human') AS people,
                          count(*) FILTER (WHERE status = 'suspended') AS suspended,
                          count(*) FILTER (WHERE status = 'active' AND kind = 'service') AS services,
                          count(*) FILTER (WHERE status = 'active' AND kind = 'agent') AS agents
                     FROM users WHERE tenant_id = $1 AND $8) AS members,
                  (SELECT count(*) FILTER (WHERE expires_at > $3) AS pending,
                          count(*) FILTER (WHERE expires_at <= $3) AS expired
                     FROM invites WHERE tenant_id = $1 AND status = 'pending' AND $9) AS open_invites"#,
        tx.tenant_id() as _,
        tx.member_id()? as _,
        now,
        scope.proposals,
        scope.decides_proposals,
        scope.own_keys,
        scope.all_keys,
        scope.members,
        scope.invites,
        scope.groups,
        scope.audit,
        now + Duration::days(KEY_EXPIRY_DAYS),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(OverviewFigures {
        proposals: scope.proposals.then_some(ProposalFigures {
            to_review: row.to_review,
            sent: row.sent,
        }),
        own_keys: scope.own_keys.then_some(KeyFigures {
            active: row.own_keys,
            expiring: row.own_keys_expiring,
        }),
        all_keys: scope.all_keys.then_some(KeyFigures {
            active: row.all_keys,
            expiring: row.all_keys_expiring,
        }),
        members: scope.members.then_some(MemberFigures {
            people: row.people,
            suspended: row.suspended,
            services: row.services,
            agents: row.agents,
            teams: row.teams,
        }),
        invites: scope.invites.then_some(InviteFigures {
            pending: row.pending,
            expired: row.expired,
        }),
        groups: scope.groups.then_some(GroupFigures {
            rules: row.rules,
            unmatched_people: row.unmatched,
        }),
        audit: scope.audit.then_some(AuditFigures {
            entries: row.entries.unwrap_or(0),
            checkpoint_at: row.checkpoint_at,
        }),
    })
}
