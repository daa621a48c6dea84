//! Input for a rule.

use serde::{Deserialize, Serialize};

use super::{GroupId, GroupMapping, GroupSource};
use crate::{AppError, GroupMappingId, form_text, validate::FieldErrors};

/// In characters.
const MAX_LABEL_CHARS: usize = 255;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupMappingInput {
    /// `group`, or `app_role` for a value of the claim `roles`.
    pub source: String,
    /// The group's object id or name, or the app role's value: 1 to 255
    /// characters.
    pub group_id: String,
    /// The display name, at most 255 characters. Unset: the group's id.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub label: String,
    /// The id of the role that the rule grants; this, `team` or both.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::RoleId>"))]
    pub role: String,
    /// The id of the team that the rule adds people to.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::TeamId>"))]
    pub team: String,
    /// 0 to 1000. Unset: 100.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<i32>"))]
    pub priority: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupMappingPath {
    pub id: GroupMappingId,
}

impl GroupMappingInput {
    /// The default priority.
    pub const PRIORITY: i32 = 100;

    pub fn parse(&self, id: GroupMappingId) -> Result<GroupMapping, AppError> {
        let mut errors = FieldErrors::default();
        let source = GroupSource::from_key(&self.source);
        let source = errors.check("source", source.ok_or("Choose a group or an app role."));
        let group_id = errors.merge(GroupId::parse(&self.group_id))?;
        let label = match self.label.trim() {
            "" => group_id.as_ref().map_or("", GroupId::as_str),
            label => label,
        };
        if label.chars().count() > MAX_LABEL_CHARS || label.chars().any(char::is_control) {
            errors.reject("label", "Use at most 255 characters, on one line.");
        }
        let role_id = parse_optional_id(&self.role);
        let role_id = role_id.map_err(|()| "Choose one of the roles offered, or none.");
        let role_id = errors.check("role", role_id);
        let team_id = parse_optional_id(&self.team);
        let team_id = team_id.map_err(|()| "Choose one of the teams offered, or none.");
        let team_id = errors.check("team", team_id);
        if (role_id, team_id) == (Some(None), Some(None)) {
            errors.reject("role", "Choose a role, a team, or both.");
        }
        let priority = match self.priority.trim() {
            "" => Some(Self::PRIORITY),
            text => text
                .parse()
                .ok()
                .filter(|n| GroupMapping::PRIORITIES.contains(n)),
        };
        let priority = priority.ok_or("Enter a whole number from 0 to 1000.");
        let priority = errors.check("priority", priority);
        let label = label.to_owned();
        errors.finish(|| {
            Some(GroupMapping {
                id,
                source: source?,
                group_id: group_id?,
                label,
                role_id: role_id?,
                team_id: team_id?,
                priority: priority?,
            })
        })
    }
}

impl From<&GroupMapping> for GroupMappingInput {
    fn from(rule: &GroupMapping) -> Self {
        let text = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        Self {
            source: rule.source.key().to_owned(),
            group_id: rule.group_id.as_str().to_owned(),
            label: rule.label.clone(),
            role: text(rule.role_id.map(|id| id.0)),
            team: text(rule.team_id.map(|id| id.0)),
            priority: rule.priority.to_string(),
        }
    }
}

fn parse_optional_id<Id: std::str::FromStr>(text: &str) -> Result<Option<Id>, ()> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn draft() -> GroupMappingInput {
        GroupMappingInput {
            source: "group".into(),
            group_id: " finance ".into(),
            role: Uuid::from_u128(1).to_string(),
            ..GroupMappingInput::default()
        }
    }

    #[test]
    fn rule_round_trips_through_draft() {
        let rule = draft().parse(Uuid::from_u128(9).into()).unwrap();
        assert_eq!((rule.label.as_str(), rule.priority), ("finance", 100));
        let again = GroupMappingInput::from(&rule).parse(rule.id).unwrap();
        assert_eq!(again, rule);
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let bad = GroupMappingInput {
            source: "mail".into(),
            group_id: " ".into(),
            label: "x".repeat(256),
            role: "admin".into(),
            team: "kitchen".into(),
            priority: "1001".into(),
        };
        let error = bad.parse(Uuid::nil().into()).unwrap_err();
        for field in ["source", "group_id", "label", "role", "team", "priority"] {
            assert!(error.for_field(field).is_some(), "{field}");
        }
        let without_grant = GroupMappingInput {
            role: String::new(),
            ..draft()
        };
        let error = without_grant.parse(Uuid::nil().into()).unwrap_err();
        assert!(
            error
                .for_field("role")
                .is_some_and(|m| m.contains("or both"))
        );
    }
}
