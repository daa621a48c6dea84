//! Agents and services: members that authenticate only with API keys.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ApiKeyInput, CreatedApiKey, MAX_LABEL_CHARS, NewApiKey};
use crate::{
    ActorKind, AppError, Permission, RoleId, UserId, role::RoleRef, validate::FieldErrors,
};

/// The field of the first key in [`ServiceAccountInput`].
pub const KEY: &str = "key";

/// The message for a role that can't be chosen.
pub const UNKNOWN_ROLE: &str = "Choose among the roles offered.";

/// An agent or a service, which can authenticate only with API keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceAccount {
    pub id: UserId,
    pub name: String,
    /// [`ActorKind::Agent`] or [`ActorKind::Service`].
    pub kind: ActorKind,
    pub is_active: bool,
    /// Names of the roles.
    pub roles: Vec<String>,
    /// Active ones.
    pub key_count: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountInput {
    /// 1 to 100 characters.
    pub name: String,
    /// `agent` or `service`.
    pub kind: String,
    /// Ids of the roles that it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RoleId>"))]
    pub roles: Vec<String>,
    /// Its first key, with permissions of these roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ApiKeyInput>,
}

/// What the caller can give a new agent or service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceAccountChoices {
    /// Roles that the caller may assign.
    pub roles: Vec<RoleRef>,
    /// Permissions that the caller may give to its key.
    pub scopes: Vec<Permission>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountPath {
    /// The agent or service.
    pub id: UserId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedServiceAccount {
    pub id: UserId,
    /// Its first key, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<CreatedApiKey>,
}

/// A validated [`ServiceAccountInput`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewServiceAccount {
    pub name: String,
    /// [`ActorKind::Agent`] or [`ActorKind::Service`].
    pub kind: ActorKind,
    pub roles: BTreeSet<RoleId>,
    pub key: Option<NewApiKey>,
}

impl NewServiceAccount {
    /// Validates the input; the fields of its key are named `key.label` and so on.
    /// The caller must check that roles and scopes may be granted.
    pub fn parse(input: &ServiceAccountInput) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let missing = format!("Enter a name of 1 to {MAX_LABEL_CHARS} characters.");
        let name = errors.line("name", &input.name, MAX_LABEL_CHARS, &missing);
        let kind = ActorKind::from_key(&input.kind)
            .filter(|kind| matches!(kind, ActorKind::Agent | ActorKind::Service));
        let kind = errors.check("kind", kind.ok_or("Choose an agent or a service."));
        let mut roles = BTreeSet::new();
        for role in &input.roles {
            let role = role.parse::<RoleId>().map_err(|_| UNKNOWN_ROLE);
            roles.extend(errors.check("roles", role));
        }
        let key = input.key.as_ref().map(NewApiKey::parse).transpose();
        let key = errors.merge(key.map_err(|error| error.within(KEY)))?;
        errors.finish(|| {
            Some(Self {
                name,
                kind: kind?,
                roles,
                key: key?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_agents_and_services_can_be_created() {
        for kind in ["human", "system", "sub_agent", ""] {
            let draft = ServiceAccountInput {
                name: "Exporter".into(),
                kind: kind.into(),
                ..ServiceAccountInput::default()
            };
            let error = NewServiceAccount::parse(&draft).unwrap_err();
            assert!(error.for_field("kind").is_some(), "{kind}");
        }
    }

    #[test]
    fn invalid_fields_of_account_and_key_are_all_named() {
        let input = ServiceAccountInput {
            roles: vec!["viewer".into()],
            key: Some(ApiKeyInput::default()),
            ..ServiceAccountInput::default()
        };
        let error = NewServiceAccount::parse(&input).unwrap_err();
        let AppError::Invalid { fields } = error else {
            panic!("{error:?}")
        };
        let named: Vec<_> = fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(
            named,
            [
                "name",
                "kind",
                "roles",
                "key.label",
                "key.scopes",
                "key.lifetime"
            ]
        );
    }
}
