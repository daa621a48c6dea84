//! What a change of the rules would do, before it is made.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{GroupClaims, GroupMapping, GroupMappingDraft, grants};
use crate::{AppError, GroupMappingId, RoleId, TeamId, UserId, role::RoleRef, team::TeamRef};

/// A member as the simulator needs to know one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The member.
    pub user_id: UserId,
    /// The member's name.
    pub name: String,
    /// What the issuer said last; `None` before the first sign-in.
    pub claims: Option<GroupClaims>,
    /// Roles held now, for whatever reason.
    pub roles: BTreeSet<RoleId>,
    /// Those of them that somebody granted by hand.
    pub manual_roles: BTreeSet<RoleId>,
    /// Teams belonged to now, for whatever reason.
    pub teams: BTreeSet<TeamId>,
    /// Those of them that somebody granted by hand.
    pub manual_teams: BTreeSet<TeamId>,
}

/// What one member would gain and lose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Roles that would come.
    pub roles_gained: BTreeSet<RoleId>,
    /// Roles that would go.
    pub roles_lost: BTreeSet<RoleId>,
    /// Teams that would come.
    pub teams_gained: BTreeSet<TeamId>,
    /// Teams that would go.
    pub teams_lost: BTreeSet<TeamId>,
}

impl Difference {
    /// Between what `subject` has now and what the rules would give at the
    /// next sign-in. Nobody knows the groups of those who never signed in:
    /// for them nothing changes yet.
    pub fn of(subject: &Subject, mappings: &[GroupMapping]) -> Self {
        let Some(claims) = &subject.claims else {
            return Self::default();
        };
        let granted = grants(mappings, claims);
        let roles = with(&subject.manual_roles, granted.roles.iter().map(|g| g.id));
        let teams = with(&subject.manual_teams, granted.teams.iter().map(|g| g.id));
        Self {
            roles_gained: &roles - &subject.roles,
            roles_lost: &subject.roles - &roles,
            teams_gained: &teams - &subject.teams,
            teams_lost: &subject.teams - &teams,
        }
    }

    /// Whether anything would change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn with<Id: Ord + Copy>(held: &BTreeSet<Id>, granted: impl Iterator<Item = Id>) -> BTreeSet<Id> {
    held.iter().copied().chain(granted).collect()
}

/// A change of the rules that somebody considers, and whom to try it on; as in
/// the URL of the preview.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Proposal {
    /// The rule that is changed or removed; empty: a new one, or none.
    pub rule: String,
    /// The rule goes.
    pub remove: bool,
    /// The rule as it would be.
    pub draft: GroupMappingDraft,
    /// The id of a member to try it on, or nothing.
    pub member: String,
    /// Claims to try it on, or nothing: the JSON of a token's claims, or one
    /// group a line.
    pub claims: String,
}

impl Proposal {
    /// The rules as they would be; `new_id` is for a new one.
    ///
    /// # Errors
    /// [`AppError::Invalid`] when the draft is no rule; [`AppError::NotFound`]
    /// when the rule that it changes is gone.
    pub fn apply(
        &self,
        mut rules: Vec<GroupMapping>,
        new_id: GroupMappingId,
    ) -> Result<Vec<GroupMapping>, AppError> {
        let place = if self.rule.is_empty() {
            None
        } else {
            let id: GroupMappingId = self.rule.parse().map_err(|_| AppError::NotFound)?;
            let place = rules.iter().position(|rule| rule.id == id);
            Some(place.ok_or(AppError::NotFound)?)
        };
        match place {
            Some(place) if self.remove => {
                rules.remove(place);
            }
            Some(place) => rules[place] = self.draft.parse(rules[place].id)?,
            None if self.draft != GroupMappingDraft::default() => {
                rules.push(self.draft.parse(new_id)?);
            }
            None => {}
        }
        Ok(rules)
    }
}

/// A rule with the names of what it grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleShown {
    /// The rule.
    pub rule: GroupMapping,
    /// The role's name.
    pub role: Option<String>,
    /// The team's name.
    pub team: Option<String>,
}

/// All rules, and what the one who looks may grant by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMappings {
    /// In the order in which they decide.
    pub rules: Vec<RuleShown>,
    /// Roles that may be chosen.
    pub roles: Vec<RoleRef>,
    /// Teams that may be chosen.
    pub teams: Vec<TeamRef>,
}

/// A role or a team, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granted {
    /// A role.
    Role(String),
    /// Membership of a team.
    Team(String),
}

/// Why somebody would have a role or a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What it is about.
    pub granted: Granted,
    /// The rule that decides; none: somebody granted it by hand.
    pub decided_by: Option<GroupMapping>,
}

/// What a change would mean for one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberChange {
    /// The member.
    pub user_id: UserId,
    /// The member's name.
    pub name: String,
    /// What would come.
    pub gains: Vec<Granted>,
    /// What would go.
    pub loses: Vec<Granted>,
}

/// What the rules give to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonOutcome {
    /// The member's name; none for pasted claims.
    pub name: Option<String>,
    /// Each role and team, with the reason that counts.
    pub reasons: Vec<Reason>,
    /// Groups and app roles that no rule names.
    pub unused: Vec<String>,
}

/// The answer to a [`Proposal`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// The rule in question as it would be, or, where it goes, as it is; none
    /// when nothing is proposed.
    pub rule: Option<RuleShown>,
    /// Members whose groups are known from their last sign-in.
    pub known: usize,
    /// Members who have not signed in since, so that nobody knows.
    pub unknown: usize,
    /// Of the known ones, those whom the rule is about.
    pub concerned: usize,
    /// How many would gain or lose something.
    pub changed: usize,
    /// The first of them, by name.
    pub changes: Vec<MemberChange>,
    /// Everybody whom it can be tried on, by name.
    pub people: Vec<(UserId, String)>,
    /// What the one person would have, if one was chosen.
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
    fn gains_and_losses_are_against_what_is_held_now() {
        let rules = [rule(1, "ant", 100), rule(2, "bee", 200)];
        let both = Difference::of(&mia(&["ant"], &[200, 300], &[300]), &rules);
        assert_eq!(both.roles_gained, [role(100)].into());
        assert_eq!(both.roles_lost, [role(200)].into());
        // Granted by hand as well: nothing is lost with the group.
        assert!(Difference::of(&mia(&[], &[100], &[100]), &rules).is_empty());
        let mut unknown = mia(&[], &[200], &[]);
        unknown.claims = None;
        assert!(Difference::of(&unknown, &rules).is_empty());
    }

    #[test]
    fn a_proposal_adds_changes_or_removes_one_rule() {
        let rules = vec![rule(1, "ant", 100)];
        let id = |n| GroupMappingId::from(Uuid::from_u128(n));
        let draft = GroupMappingDraft::from(&rule(0, "bee", 200));
        let apply = |proposal: &Proposal| proposal.apply(rules.clone(), id(9));

        assert_eq!(apply(&Proposal::default()).unwrap(), rules);
        let added = Proposal {
            draft: draft.clone(),
            ..Proposal::default()
        };
        assert_eq!(apply(&added).unwrap().last().unwrap().id, id(9));
        let changed = Proposal {
            rule: id(1).to_string(),
            ..added.clone()
        };
        let after = apply(&changed).unwrap();
        assert_eq!((after.len(), after[0].group_id.as_str()), (1, "bee"));
        let removed = Proposal {
            remove: true,
            ..changed
        };
        assert_eq!(apply(&removed).unwrap(), []);
        for gone in [id(5).to_string(), "x".to_owned()] {
            let proposal = Proposal {
                rule: gone,
                ..added.clone()
            };
            assert_eq!(apply(&proposal), Err(AppError::NotFound));
        }
    }
}
