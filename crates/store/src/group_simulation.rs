//! Reads the members and claims on which group mappings are simulated.

use domain::{
    RoleId, TeamId,
    group_mapping::{GroupClaims, GroupMapping, GroupSource, Subject},
};

use crate::{StoreError, TenantTx};

/// Everybody who may sign in, sorted by name, with those of their groups and
/// app roles that `rules` refer to; others have no effect.
pub async fn simulation_subjects(
    tx: &mut TenantTx,
    rules: &[GroupMapping],
) -> Result<Vec<Subject>, StoreError> {
    let group_ids = |source: GroupSource| -> Vec<String> {
        let rules = rules.iter().filter(|rule| rule.source == source);
        rules
            .map(|rule| rule.group_id.as_str().to_owned())
            .collect()
    };
    let tenant_id = tx.tenant_id();
    let rows = sqlx::query!(
        r#"SELECT u.id, u.display_name, (c.user_id IS NOT NULL) AS "is_known!",
                  ARRAY(SELECT word FROM unnest(c.groups) AS word WHERE word = ANY ($2)) AS "groups!",
                  ARRAY(SELECT word FROM unnest(c.app_roles) AS word WHERE word = ANY ($3)) AS "app_roles!",
                  ARRAY(SELECT ur.role_id FROM user_roles ur
                         WHERE ur.tenant_id = $1 AND ur.user_id = u.id) AS "roles!: Vec<RoleId>",
                  ARRAY(SELECT ur.role_id FROM user_roles ur
                         WHERE ur.tenant_id = $1 AND ur.user_id = u.id
                           AND ur.source NOT IN ('group', 'app_role')) AS "manual_roles!: Vec<RoleId>",
                  ARRAY(SELECT m.team_id FROM team_members m
                         WHERE m.tenant_id = $1 AND m.user_id = u.id) AS "teams!: Vec<TeamId>",
                  ARRAY(SELECT m.team_id FROM team_members m
                         WHERE m.tenant_id = $1 AND m.user_id = u.id
                           AND m.source NOT IN ('group', 'app_role')) AS "manual_teams!: Vec<TeamId>"
             FROM users u
             LEFT JOIN user_claims c ON c.tenant_id = u.tenant_id AND c.user_id = u.id
            WHERE u.tenant_id = $1 AND u.kind = 'human' AND u.status <> 'deactivated'
            ORDER BY u.display_name, u.id"#,
        tenant_id as _,
        &group_ids(GroupSource::Group),
        &group_ids(GroupSource::AppRole),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Subject {
            user_id: row.id,
            name: row.display_name,
            claims: row
                .is_known
                .then(|| GroupClaims::new(row.groups, row.app_roles)),
            roles: row.roles.into_iter().collect(),
            manual_roles: row.manual_roles.into_iter().collect(),
            teams: row.teams.into_iter().collect(),
            manual_teams: row.manual_teams.into_iter().collect(),
        })
        .collect())
}
