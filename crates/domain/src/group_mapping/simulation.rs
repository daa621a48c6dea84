//! Previews the effect of a rule change on members.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{GroupClaims, GroupMapping, GroupMappingInput, grants};
use crate::{
    AppError, GroupMappingId, RoleId, TeamId, UserId, form_text, role::RoleRef, team::TeamRef,
};

/// A member as input to the simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub user_id: UserId,
    pub name: String,
    /// From the last sign-in; `None` before the first one.
    pub claims: Option<GroupClaims>,
    /// Current roles from all sources.
    pub roles: BTreeSet<RoleId>,
    /// The subset of `roles` that was granted manually.
    pub manual_roles: BTreeSet<RoleId>,
    /// Current teams from all sources.
    pub teams: BTreeSet<TeamId>,
    /// The subset of `teams` that was granted manually.
    pub manual_teams: BTreeSet<TeamId>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub roles_gained: BTreeSet<RoleId>,
    pub roles_lost: BTreeSet<RoleId>,
    pub teams_gained: BTreeSet<TeamId>,
    pub teams_lost: BTreeSet<TeamId>,
}

impl Difference {
    /// Compares the current grants of `subject` with those that the rules would
    /// give at the next sign-in. Empty if the member never signed in, because
    /// then the groups are unknown.
    pub fn of(subject: &Subject, mappings: &[GroupMapping]) -> Self {
        let Some(claims) = &subject.claims else {
            return Self::default();
        };
        let granted = grants(mappings, claims);
        let roles = union_with(&subject.manual_roles, granted.roles.iter().map(|g| g.id));
        let teams = union_with(&subject.manual_teams, granted.teams.iter().map(|g| g.id));
        Self {
            roles_gained: &roles - &subject.roles,
            roles_lost: &subject.roles - &roles,
            teams_gained: &teams - &subject.teams,
            teams_lost: &subject.teams - &teams,
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn union_with<Id: Ord + Copy>(
    held: &BTreeSet<Id>,
    granted: impl Iterator<Item = Id>,
) -> BTreeSet<Id> {
    held.iter().copied().chain(granted).collect()
}

/// A proposed rule change and whom to test it on, as in the preview's URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct GroupMappingSimulateInput {
    /// The id of the rule to change or remove. Unset: a new rule or no change.
    #[serde(
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<GroupMappingId>"))]
    pub rule: String,
    /// Removes the rule.
    pub remove: bool,
    /// The rule after the change. Unset: no change.
    #[serde(skip_serializing_if = "is_unset")]
    pub draft: GroupMappingInput,
    /// The id of a member to test.
    #[serde(
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<UserId>"))]
    pub member: String,
    /// Claims to test: the JSON of a token's claims, or one group per line.
    pub claims: String,
}

fn is_unset(draft: &GroupMappingInput) -> bool {
    *draft == GroupMappingInput::default()
}

impl GroupMappingSimulateInput {
    /// Applies the proposal to `rules`; a new rule gets the id `new_id`.
    ///
    /// # Errors
    /// [`AppError::NotFound`] if the changed rule no longer exists.
    pub fn apply(
        &self,
        mut rules: Vec<GroupMapping>,
        new_id: GroupMappingId,
    ) -> Result<Vec<GroupMapping>, AppError> {
        let index = if self.rule.is_empty() {
            None
        } else {
            let id: GroupMappingId = self.rule.parse().map_err(|_| AppError::NotFound)?;
            let index = rules.iter().position(|rule| rule.id == id);
            Some(index.ok_or(AppError::NotFound)?)
        };
        match index {
            Some(index) if self.remove => {
                rules.remove(index);
            }
            Some(index) => rules[index] = self.draft.parse(rules[index].id)?,
            None if !is_unset(&self.draft) => {
                rules.push(self.draft.parse(new_id)?);
            }
            None => {}
        }
        Ok(rules)
    }
}

/// A rule with the names of its role and team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "GroupMappingView")
)]
pub struct RuleView {
    pub rule: GroupMapping,
    pub role: Option<String>,
    pub team: Option<String>,
}

/// All rules, and the roles and teams that the viewer may grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupMappings {
    /// In evaluation order.
    pub rules: Vec<RuleView>,
    pub roles: Vec<RoleRef>,
    pub teams: Vec<TeamRef>,
}

/// A role or team by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Granted {
    Role(String),
    Team(String),
}

/// The reason for holding a role or a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "GrantReason")
)]
pub struct Reason {
    pub granted: Granted,
    /// `None` if granted manually.
    pub decided_by: Option<GroupMapping>,
}

/// The effect of a change on one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "GrantChange")
)]
pub struct MemberChange {
    pub user_id: UserId,
    pub name: String,
    pub gains: Vec<Granted>,
    pub loses: Vec<Granted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PersonOutcome {
    /// `None` for pasted claims.
    pub name: Option<String>,
    /// One entry for each role and team.
    pub reasons: Vec<Reason>,
    /// Groups and app roles that no rule matches.
    pub unused: Vec<String>,
}

/// A member that can be tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SimulationMember {
    pub user_id: UserId,
    pub name: String,
}

/// The result of a [`GroupMappingSimulateInput`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "GroupMappingSimulation")
)]
pub struct Simulation {
    /// The rule after the change or, if removed, as it is; `None` without a
    /// proposed change.
    pub rule: Option<RuleView>,
    /// Members whose groups are known from their last sign-in.
    pub known: usize,
    /// Members who have not signed in, so that their groups are unknown.
    pub unknown: usize,
    /// The known members that the rule matches.
    pub concerned: usize,
    /// The number of members who would gain or lose something.
    pub changed: usize,
    /// The first of the changed members, by name.
    pub changes: Vec<MemberChange>,
    /// All members that can be tested, by name.
    pub people: Vec<SimulationMember>,
    /// The result for the tested member or claims.
    pub person: Option<PersonOutcome>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::group_mapping::{GroupId, GroupSource};

    fn role(n: u128) -> RoleId {
        Uuid::from_u128(n).into()
    }

    fn rule(n: u128, group: &str, granted: u128) -> GroupMapping {
        GroupMapping {
            id: Uuid::from_u128(n).into(),
            source: GroupSource::Group,
            group_id: GroupId::parse(group).unwrap(),
            label: group.into(),
            role_id: Some(role(granted)),
            team_id: None,
            priority: 1,
        }
    }

    fn mia(groups: &[&str], roles: &[u128], manual: &[u128]) -> Subject {
        let no_roles: [&str; 0] = [];
        Subject {
            user_id: Uuid::from_u128(77).into(),
            name: "Mia".into(),
            claims: Some(GroupClaims::new(groups, no_roles)),
            roles: roles.iter().copied().map(role).collect(),
            manual_roles: manual.iter().copied().map(role).collect(),
            teams: BTreeSet::new(),
            manual_teams: BTreeSet::new(),
        }
    }

    #[test]
    fn difference_is_relative_to_current_grants() {
        let rules = [rule(1, "ant", 100), rule(2, "bee", 200)];
        let difference = Difference::of(&mia(&["ant"], &[200, 300], &[300]), &rules);
        assert_eq!(difference.roles_gained, [role(100)].into());
        assert_eq!(difference.roles_lost, [role(200)].into());
        // Also granted manually: leaving the group loses nothing.
        assert!(Difference::of(&mia(&[], &[100], &[100]), &rules).is_empty());
        let mut unknown = mia(&[], &[200], &[]);
        unknown.claims = None;
        assert!(Difference::of(&unknown, &rules).is_empty());
    }

    #[test]
    fn proposal_adds_changes_or_removes_a_rule() {
        let rules = vec![rule(1, "ant", 100)];
        let id = |n| GroupMappingId::from(Uuid::from_u128(n));
        let draft = GroupMappingInput::from(&rule(0, "bee", 200));
        let apply = |proposal: &GroupMappingSimulateInput| proposal.apply(rules.clone(), id(9));

        assert_eq!(apply(&GroupMappingSimulateInput::default()).unwrap(), rules);
        let added = GroupMappingSimulateInput {
            draft: draft.clone(),
            ..GroupMappingSimulateInput::default()
        };
        assert_eq!(apply(&added).unwrap().last().unwrap().id, id(9));
        let changed = GroupMappingSimulateInput {
            rule: id(1).to_string(),
            ..added.clone()
        };
        let after = apply(&changed).unwrap();
        assert_eq!((after.len(), after[0].group_id.as_str()), (1, "bee"));
        let removed = GroupMappingSimulateInput {
            remove: true,
            ..changed
        };
        assert_eq!(apply(&removed).unwrap(), []);
        for missing_id in [id(5).to_string(), "x".to_owned()] {
            let proposal = GroupMappingSimulateInput {
                rule: missing_id,
                ..added.clone()
            };
            assert_eq!(apply(&proposal), Err(AppError::NotFound));
        }
    }
}
