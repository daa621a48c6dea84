//! Simulates the effect of a rule change on current members and on one person.

use std::collections::BTreeSet;

use domain::{
    Action, AppError, RoleId, TeamId, UserId,
    group_mapping::{
        Difference, Granted, Grants, GroupClaims, GroupMapping, GroupMappingSimulateInput,
        MemberChange, PersonOutcome, Reason, Simulation, SimulationMember, Subject, grants,
    },
};
use serde_json::Value;
use store::{TenantTx, group_mapping::user_claims_get, group_simulation::simulation_subjects};

use super::Names;
use crate::{
    authorized_tx::AuthorizedTx,
    operation::{Done, Group, Operation, Route},
};

/// Members listed in the preview; all are counted.
const CHANGES_SHOWN: usize = 200;

pub struct GroupMappingSimulate;

impl Operation for GroupMappingSimulate {
    const ACTION: Action = Action::GroupMappingSimulate;
    const ROUTE: Route = Route::post("/group-mappings/simulate");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Simulate a change of the group mappings";
    const DESCRIPTION: &'static str = "Applies it to each member's groups as of their last \
                                       sign-in, and to one person's, without storing anything.";
    type Input = GroupMappingSimulateInput;
    type Output = Simulation;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: GroupMappingSimulateInput,
    ) -> Result<Done<Simulation>, AppError> {
        let before = store::group_mapping::group_mapping_list(tx).await?;
        let after = input.apply(before.clone(), tx.ctx.ids.id())?;
        let names = Names::load(tx).await?;

        let rule = changed_rule(&before, &after);
        let all: Vec<_> = before.iter().chain(&after).cloned().collect();
        let subjects = simulation_subjects(tx, &all).await?;
        let known: Vec<_> = subjects.iter().filter(|s| s.claims.is_some()).collect();
        let mut changes: Vec<_> = known
            .iter()
            .filter_map(|subject| names.change(subject, &after))
            .collect();
        let affected = changes.len();
        changes.truncate(CHANGES_SHOWN);
        let concerned = rule.as_ref().map_or(0, |rule| {
            let rule = std::slice::from_ref(rule);
            let matches = |claims: &GroupClaims| grants(rule, claims) != Grants::default();
            let claims = known.iter().filter_map(|s| s.claims.as_ref());
            claims.filter(|claims| matches(claims)).count()
        });
        Ok(Done::read(Simulation {
            known: known.len(),
            unknown: subjects.len() - known.len(),
            concerned,
            changed: affected,
            changes,
            person: person_outcome(tx, &input, &subjects, &after, &names).await?,
            rule: rule.map(|rule| names.show(rule)),
            people: subjects
                .into_iter()
                .map(|subject| SimulationMember {
                    user_id: subject.user_id,
                    name: subject.name,
                })
                .collect(),
        }))
    }
}

/// The rule that differs: the new version, or the old one if it is deleted.
fn changed_rule(before: &[GroupMapping], after: &[GroupMapping]) -> Option<GroupMapping> {
    let new = after.iter().find(|rule| !before.contains(rule));
    let gone = || before.iter().find(|rule| !after.contains(rule));
    new.or_else(gone).cloned()
}

/// The outcome for the person named in the proposal, or for pasted claims.
async fn person_outcome(
    tx: &mut TenantTx,
    proposal: &GroupMappingSimulateInput,
    subjects: &[Subject],
    rules: &[GroupMapping],
    names: &Names,
) -> Result<Option<PersonOutcome>, AppError> {
    let (subject, claims) = if !proposal.member.is_empty() {
        let id: UserId = proposal.member.parse().map_err(|_| AppError::NotFound)?;
        let subject = subjects.iter().find(|subject| subject.user_id == id);
        let subject = subject.ok_or(AppError::NotFound)?;
        let stored = user_claims_get(tx, id).await?;
        (
            Some(subject),
            stored.map(|(claims, _)| claims).unwrap_or_default(),
        )
    } else if proposal.claims.trim().is_empty() {
        return Ok(None);
    } else {
        (None, parse_claims(&proposal.claims)?)
    };
    Ok(Some(PersonOutcome {
        name: subject.map(|subject| subject.name.clone()),
        reasons: names.reasons(subject, rules, &claims),
        unused: claims
            .groups
            .iter()
            .chain(&claims.app_roles)
            .filter(|word| rules.iter().all(|rule| rule.group_id != **word))
            .map(|word| word.as_str().to_owned())
            .collect(),
    }))
}

impl Names {
    fn role(&self, id: RoleId) -> Granted {
        let role = self.roles.iter().find(|role| role.id == id);
        Granted::Role(role.map_or_else(|| id.to_string(), |role| role.name.clone()))
    }

    fn team(&self, id: TeamId) -> Granted {
        let team = self.teams.iter().find(|team| team.id == id);
        Granted::Team(team.map_or_else(|| id.to_string(), |team| team.name.clone()))
    }

    fn all(&self, roles: &BTreeSet<RoleId>, teams: &BTreeSet<TeamId>) -> Vec<Granted> {
        let roles = roles.iter().map(|id| self.role(*id));
        let mut all: Vec<_> = roles.chain(teams.iter().map(|id| self.team(*id))).collect();
        all.sort();
        all
    }

    fn change(&self, subject: &Subject, rules: &[GroupMapping]) -> Option<MemberChange> {
        let difference = Difference::of(subject, rules);
        (!difference.is_empty()).then(|| MemberChange {
            user_id: subject.user_id,
            name: subject.name.clone(),
            gains: self.all(&difference.roles_gained, &difference.teams_gained),
            loses: self.all(&difference.roles_lost, &difference.teams_lost),
        })
    }

    /// The reason for each role and team: first those that rules grant, then
    /// those granted by hand.
    fn reasons(
        &self,
        subject: Option<&Subject>,
        rules: &[GroupMapping],
        claims: &GroupClaims,
    ) -> Vec<Reason> {
        let granted = grants(rules, claims);
        let rule = |id| rules.iter().find(|rule| rule.id == id).cloned();
        let by_role = granted.roles.iter().map(|grant| Reason {
            granted: self.role(grant.id),
            decided_by: rule(grant.decided_by),
        });
        let by_team = granted.teams.iter().map(|grant| Reason {
            granted: self.team(grant.id),
            decided_by: rule(grant.decided_by),
        });
        let mut reasons: Vec<_> = by_role.chain(by_team).collect();
        if let Some(subject) = subject {
            for granted in self.all(&subject.manual_roles, &subject.manual_teams) {
                if reasons.iter().all(|reason| reason.granted != granted) {
                    reasons.push(Reason {
                        granted,
                        decided_by: None,
                    });
                }
            }
        }
        reasons
    }
}

/// Parses pasted claims: the JSON of a token's claims with `groups` and
/// `roles`, or one group per line.
fn parse_claims(text: &str) -> Result<GroupClaims, AppError> {
    let text = text.trim();
    if !text.starts_with('{') {
        let no_roles: [&str; 0] = [];
        return Ok(GroupClaims::new(text.lines(), no_roles));
    }
    let unreadable =
        |why: &str| AppError::field("claims", format!("These claims can't be read: {why}."));
    let value: Value =
        serde_json::from_str(text).map_err(|error| unreadable(&error.to_string()))?;
    let words = |name: &str| match value.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(word)) => Ok(vec![word.clone()]),
        Some(Value::Array(words)) => words
            .iter()
            .map(|word| word.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| unreadable(&format!("“{name}” contains a value that is not text"))),
        Some(_) => Err(unreadable(&format!("“{name}” is not a list"))),
    };
    Ok(GroupClaims::new(words("groups")?, words("roles")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_parse_from_json_or_lines() {
        let parse = |text: &str| parse_claims(text).unwrap();
        assert_eq!(parse("ant\n  bee \n\n").groups.len(), 2);
        let json = parse(r#"{"sub":"1","groups":["ant"],"roles":["admin","x"]}"#);
        assert_eq!((json.groups.len(), json.app_roles.len()), (1, 2));
        assert_eq!(parse(r#"{"groups":"ant"}"#).groups.len(), 1);
        assert_eq!(parse(""), GroupClaims::default());
        for bad in ["{", r#"{"groups":[1]}"#, r#"{"roles":5}"#] {
            let error = parse_claims(bad).unwrap_err();
            assert!(error.for_field("claims").is_some(), "{bad}");
        }
    }
}
