//! Which roles and teams a person's groups and app roles grant.
//!
//! Every rule whose group the person is in grants what it names. The rules
//! stand in one order, the highest priority first and equal ones by group id;
//! where several grant the same role or team, the first one decides: it is the
//! one that is shown as the reason.

mod draft;
mod simulation;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AppError, GroupMappingId, RoleId, TeamId};

pub use draft::GroupMappingDraft;
pub use simulation::{
    Difference, Granted, GroupMappings, MemberChange, PersonOutcome, Proposal, Reason, RuleShown,
    Simulation, Subject,
};

/// The claim that a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupSource {
    /// `groups`, or the directory where the token has no room for them.
    Group,
    /// `roles`.
    AppRole,
}

impl GroupSource {
    /// All sources.
    pub const ALL: &[Self] = &[Self::Group, Self::AppRole];

    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::AppRole => "app_role",
        }
    }

    /// The reverse of [`GroupSource::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|source| source.key() == key)
    }
}

/// What the issuer calls a group or an app role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(String);

impl GroupId {
    const MAX_CHARS: usize = 255;

    /// Takes 1 to 255 characters. An object id may be spelled in any way that
    /// UUIDs are; Entra's tokens have it in lower case.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for the field `group_id`.
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let text = text.trim();
        if let Ok(id) = text.parse::<Uuid>() {
            return Ok(Self(id.to_string()));
        }
        let is_acceptable = !text.is_empty()
            && text.chars().count() <= Self::MAX_CHARS
            && !text.chars().any(char::is_control);
        if is_acceptable {
            Ok(Self(text.to_owned()))
        } else {
            Err(AppError::field(
                "group_id",
                "Give the group's object id, or its name as the issuer spells it: 1 to 255 characters.",
            ))
        }
    }

    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the issuer says of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupClaims {
    /// The groups that the person is in.
    pub groups: BTreeSet<GroupId>,
    /// The app roles that the person was given.
    pub app_roles: BTreeSet<GroupId>,
}

impl GroupClaims {
    /// From the claims' own words. What no rule could ever name is left out.
    pub fn new<G: AsRef<str>, R: AsRef<str>>(
        groups: impl IntoIterator<Item = G>,
        app_roles: impl IntoIterator<Item = R>,
    ) -> Self {
        fn set<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> BTreeSet<GroupId> {
            words
                .into_iter()
                .filter_map(|word| GroupId::parse(word.as_ref()).ok())
                .collect()
        }
        Self {
            groups: set(groups),
            app_roles: set(app_roles),
        }
    }

    fn meets(&self, mapping: &GroupMapping) -> bool {
        match mapping.source {
            GroupSource::Group => &self.groups,
            GroupSource::AppRole => &self.app_roles,
        }
        .contains(&mapping.group_id)
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMapping {
    /// Its id.
    pub id: GroupMappingId,
    /// Which claim it looks at.
    pub source: GroupSource,
    /// What it looks for there.
    pub group_id: GroupId,
    /// What people call that group.
    pub label: String,
    /// The role that it grants.
    pub role_id: Option<RoleId>,
    /// The team that it grants membership of.
    pub team_id: Option<TeamId>,
    /// Its place among the rules: the highest comes first.
    pub priority: i32,
}

impl GroupMapping {
    /// What a priority can be.
    pub const PRIORITIES: std::ops::RangeInclusive<i32> = 0..=1000;
}

/// A role or a team that is granted, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant<Id> {
    /// The role or team.
    pub id: Id,
    /// The first rule that grants it.
    pub decided_by: GroupMappingId,
    /// The claim that this rule looked at.
    pub source: GroupSource,
}

/// All that a person's claims grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Each role once, in the order of the rules that decide.
    pub roles: Vec<Grant<RoleId>>,
    /// Each team once, in the order of the rules that decide.
    pub teams: Vec<Grant<TeamId>>,
}

/// What `mappings`, in any order, grant to somebody with these claims.
pub fn grants(mappings: &[GroupMapping], claims: &GroupClaims) -> Grants {
    let mut met: Vec<_> = mappings
        .iter()
        .filter(|mapping| claims.meets(mapping))
        .collect();
    met.sort_by(|a, b| {
        let place = |m: &GroupMapping| (m.source, m.id);
        b.priority
            .cmp(&a.priority)
            .then_with(|| a.group_id.cmp(&b.group_id))
            .then_with(|| place(a).cmp(&place(b)))
    });
    let mut grants = Grants::default();
    for mapping in met {
        add(&mut grants.roles, mapping.role_id, mapping);
        add(&mut grants.teams, mapping.team_id, mapping);
    }
    grants
}

fn add<Id: PartialEq>(grants: &mut Vec<Grant<Id>>, id: Option<Id>, mapping: &GroupMapping) {
    if let Some(id) = id
        && grants.iter().all(|grant| grant.id != id)
    {
        grants.push(Grant {
            id,
            decided_by: mapping.id,
            source: mapping.source,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: [&str; 0] = [];

    fn uuid(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn rule(n: u128, group: &str, priority: i32) -> GroupMapping {
        GroupMapping {
            id: uuid(n).into(),
            source: GroupSource::Group,
            group_id: GroupId::parse(group).unwrap(),
            label: group.to_owned(),
            role_id: None,
            team_id: None,
            priority,
        }
    }

    fn granting_role(n: u128, group: &str, priority: i32, role: u128) -> GroupMapping {
        GroupMapping {
            role_id: Some(uuid(role).into()),
            ..rule(n, group, priority)
        }
    }

    fn in_groups(groups: &[&str]) -> GroupClaims {
        GroupClaims::new(groups, NOTHING)
    }

    // SEC-A10
    #[test]
    fn every_rule_that_is_met_grants_and_the_first_one_decides() {
        let rules = [
            granting_role(1, "zebra", 10, 100),
            granting_role(2, "ant", 10, 100),
            granting_role(3, "bee", 900, 200),
            granting_role(4, "ant", 5, 200),
            granting_role(5, "cat", 1000, 300),
            GroupMapping {
                team_id: Some(uuid(7).into()),
                ..rule(6, "bee", 0)
            },
        ];
        let granted = grants(&rules, &in_groups(&["ant", "bee", "zebra", "unknown"]));
        let decided: Vec<_> = granted
            .roles
            .iter()
            .map(|g| (g.id.0, g.decided_by.0))
            .collect();
        // 900 before 10; equal priorities by group id: ant before zebra.
        assert_eq!(decided, [(uuid(200), uuid(3)), (uuid(100), uuid(2))]);
        assert_eq!(granted.teams.len(), 1);
        assert_eq!(granted.teams[0].decided_by.0, uuid(6));

        let mut reversed = rules;
        reversed.reverse();
        assert_eq!(
            grants(&reversed, &in_groups(&["ant", "bee", "zebra", "unknown"])),
            granted,
            "the order of the list does not count"
        );
    }

    // SEC-A10: an absent claim grants nothing.
    #[test]
    fn nobody_without_the_group_is_granted_anything() {
        let rules = [granting_role(1, "ant", 1, 100)];
        assert_eq!(grants(&rules, &GroupClaims::default()), Grants::default());
        assert_eq!(
            grants(&rules, &in_groups(&["Ant", "ants"])),
            Grants::default()
        );
        assert_eq!(grants(&[], &in_groups(&["ant"])), Grants::default());
    }

    #[test]
    fn a_group_and_an_app_role_of_the_same_name_are_two_things() {
        let mut by_app_role = granting_role(1, "admin", 1, 100);
        by_app_role.source = GroupSource::AppRole;
        let rules = [by_app_role, granting_role(2, "admin", 1, 200)];
        let groups = grants(&rules, &in_groups(&["admin"]));
        assert_eq!(groups.roles[0].id.0, uuid(200));
        let app_roles = grants(&rules, &GroupClaims::new(NOTHING, ["admin"]));
        assert_eq!(app_roles.roles[0].id.0, uuid(100));
        assert_eq!(app_roles.roles[0].source, GroupSource::AppRole);
        assert_eq!((groups.roles.len(), app_roles.roles.len()), (1, 1));
    }

    #[test]
    fn object_ids_meet_however_they_are_spelled() {
        let id = "6f1ed002-ab59-4f0e-9ad3-1c2b6a7c8d90";
        assert_eq!(
            GroupId::parse(" 6F1ED002-AB59-4F0E-9AD3-1C2B6A7C8D90 ").unwrap(),
            GroupId::parse(id).unwrap()
        );
        let rules = [granting_role(1, &id.to_uppercase(), 1, 100)];
        assert_eq!(grants(&rules, &in_groups(&[id])).roles.len(), 1);
    }

    #[test]
    fn a_group_id_is_one_to_255_characters() {
        assert_eq!(GroupId::parse("/team/ä").unwrap().as_str(), "/team/ä");
        assert!(GroupId::parse(&"ä".repeat(255)).is_ok());
        for bad in ["", "  ", "a\nb", "a\0", &"a".repeat(256)] {
            let error = GroupId::parse(bad).unwrap_err();
            assert!(error.for_field("group_id").is_some(), "{bad:?}");
        }
        // In a claim, such a word is as good as absent.
        assert_eq!(in_groups(&["", "a\0"]), GroupClaims::default());
    }
}
