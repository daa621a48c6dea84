//! Rules that map a person's groups and app roles to roles and teams.
//!
//! Every rule that matches a claim grants its role and team. Rules are ordered
//! by priority, highest first, then by group id; if several grant the same role
//! or team, the first one is reported as the reason.

mod input;
mod simulation;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AppError, RoleId, TeamId, id::typed_id, keyed_enum::keyed_enum};

pub use input::{GroupMappingInput, GroupMappingPath};
pub use simulation::{
    Difference, Granted, GroupMappingSimulateInput, GroupMappings, MemberChange, PersonOutcome,
    Reason, RuleView, Simulation, SimulationMember, Subject,
};

typed_id!(
    /// A rule that maps an identity provider's group to a role or a team.
    GroupMappingId,
    "group_mapping"
);

keyed_enum! {
    /// The claim that a rule matches.
    GroupSource {
        /// The claim `groups`, or the directory's API if the token has too many to
        /// list.
        Group = "group";
        /// The claim `roles`.
        AppRole = "app_role";
    }
}

/// The identity provider's id or name of a group or an app role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct GroupId(String);

impl GroupId {
    const MAX_CHARS: usize = 255;

    /// Accepts 1 to 255 characters. UUIDs in any notation are normalised to
    /// lower case, as in Entra's tokens.
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
                "Enter the group's object ID, or its name as in the claim: 1 to 255 characters.",
            ))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The group and app role claims of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupClaims {
    pub groups: BTreeSet<GroupId>,
    pub app_roles: BTreeSet<GroupId>,
}

impl GroupClaims {
    /// Drops values that no rule could match.
    pub fn new<G: AsRef<str>, R: AsRef<str>>(
        groups: impl IntoIterator<Item = G>,
        app_roles: impl IntoIterator<Item = R>,
    ) -> Self {
        fn parse_ids<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> BTreeSet<GroupId> {
            values
                .into_iter()
                .filter_map(|value| GroupId::parse(value.as_ref()).ok())
                .collect()
        }
        Self {
            groups: parse_ids(groups),
            app_roles: parse_ids(app_roles),
        }
    }

    fn matches(&self, mapping: &GroupMapping) -> bool {
        match mapping.source {
            GroupSource::Group => &self.groups,
            GroupSource::AppRole => &self.app_roles,
        }
        .contains(&mapping.group_id)
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupMapping {
    pub id: GroupMappingId,
    pub source: GroupSource,
    pub group_id: GroupId,
    /// The display name of the group.
    pub label: String,
    pub role_id: Option<RoleId>,
    /// Grants membership of this team.
    pub team_id: Option<TeamId>,
    /// Higher priorities come first.
    pub priority: i32,
}

impl GroupMapping {
    pub const PRIORITIES: std::ops::RangeInclusive<i32> = 0..=1000;
}

/// A granted role or team, and the rule that grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant<Id> {
    pub id: Id,
    /// The first rule that grants it.
    pub decided_by: GroupMappingId,
    /// The source of that rule.
    pub source: GroupSource,
}

/// Everything that a person's claims grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Without duplicates, in rule order.
    pub roles: Vec<Grant<RoleId>>,
    /// Without duplicates, in rule order.
    pub teams: Vec<Grant<TeamId>>,
}

/// Evaluates `mappings`, given in any order, for one person's claims.
pub fn grants(mappings: &[GroupMapping], claims: &GroupClaims) -> Grants {
    let mut matching: Vec<_> = mappings
        .iter()
        .filter(|mapping| claims.matches(mapping))
        .collect();
    matching.sort_by(|a, b| {
        let tie_break = |m: &GroupMapping| (m.source, m.id);
        b.priority
            .cmp(&a.priority)
            .then_with(|| a.group_id.cmp(&b.group_id))
            .then_with(|| tie_break(a).cmp(&tie_break(b)))
    });
    let mut grants = Grants::default();
    for mapping in matching {
        add_grant(&mut grants.roles, mapping.role_id, mapping);
        add_grant(&mut grants.teams, mapping.team_id, mapping);
    }
    grants
}

fn add_grant<Id: PartialEq>(grants: &mut Vec<Grant<Id>>, id: Option<Id>, mapping: &GroupMapping) {
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

    const NO_CLAIMS: [&str; 0] = [];

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
        GroupClaims::new(groups, NO_CLAIMS)
    }

    // SEC-A10
    #[test]
    fn all_matching_rules_grant_and_the_first_is_the_reason() {
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
    fn unmatched_claims_grant_nothing() {
        let rules = [granting_role(1, "ant", 1, 100)];
        assert_eq!(grants(&rules, &GroupClaims::default()), Grants::default());
        assert_eq!(
            grants(&rules, &in_groups(&["Ant", "ants"])),
            Grants::default()
        );
        assert_eq!(grants(&[], &in_groups(&["ant"])), Grants::default());
    }

    #[test]
    fn group_and_app_role_of_same_name_differ() {
        let mut by_app_role = granting_role(1, "admin", 1, 100);
        by_app_role.source = GroupSource::AppRole;
        let rules = [by_app_role, granting_role(2, "admin", 1, 200)];
        let groups = grants(&rules, &in_groups(&["admin"]));
        assert_eq!(groups.roles[0].id.0, uuid(200));
        let app_roles = grants(&rules, &GroupClaims::new(NO_CLAIMS, ["admin"]));
        assert_eq!(app_roles.roles[0].id.0, uuid(100));
        assert_eq!(app_roles.roles[0].source, GroupSource::AppRole);
        assert_eq!((groups.roles.len(), app_roles.roles.len()), (1, 1));
    }

    #[test]
    fn object_ids_match_in_any_notation() {
        let id = "6f1ed002-ab59-4f0e-9ad3-1c2b6a7c8d90";
        assert_eq!(
            GroupId::parse(" 6F1ED002-AB59-4F0E-9AD3-1C2B6A7C8D90 ").unwrap(),
            GroupId::parse(id).unwrap()
        );
        let rules = [granting_role(1, &id.to_uppercase(), 1, 100)];
        assert_eq!(grants(&rules, &in_groups(&[id])).roles.len(), 1);
    }

    #[test]
    fn invalid_group_ids_are_rejected() {
        assert_eq!(GroupId::parse("/team/ä").unwrap().as_str(), "/team/ä");
        assert!(GroupId::parse(&"ä".repeat(255)).is_ok());
        for bad in ["", "  ", "a\nb", "a\0", &"a".repeat(256)] {
            let error = GroupId::parse(bad).unwrap_err();
            assert!(error.for_field("group_id").is_some(), "{bad:?}");
        }
        // Claims that can't be parsed are ignored.
        assert_eq!(in_groups(&["", "a\0"]), GroupClaims::default());
    }
}
