//! API keys, with which programs act as a member.

mod service_account;

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    Actor, ActorKind, AppError, Permission, Timestamp, UserId, Vendor,
    error::quote,
    form_text,
    id::typed_id,
    paging::{Sort, Sorts},
    validate::FieldErrors,
};

pub use service_account::*;

typed_id!(ApiKeyId, "api_key");

/// Limit for a key's label and a service account's name, in characters.
pub const MAX_LABEL_CHARS: usize = 100;
/// Limit for a key that expires, in days.
pub const MAX_LIFETIME_DAYS: u16 = 3_650;
/// The `lifetime` of a key that does not expire.
pub const NEVER: &str = "never";

/// A key as listed. The secret is shown once, at creation, and not stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub label: String,
    /// The first characters of the secret, to recognise a key by.
    pub prefix: String,
    /// The member that the key acts as.
    pub owner_id: UserId,
    pub owner_name: String,
    pub owner_kind: ActorKind,
    /// Upper bound: in use, the key has the intersection with its owner's
    /// permissions.
    pub scopes: Vec<Permission>,
    pub vendor: Vendor,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    /// `None`: does not expire.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub expires_at: Option<Timestamp>,
    /// With a precision of one minute.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub last_used_at: Option<Timestamp>,
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub revoked_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyState {
    Active,
    Expired,
    Revoked,
}

impl ApiKey {
    pub fn state(&self, now: Timestamp) -> ApiKeyState {
        if self.revoked_at.is_some() {
            ApiKeyState::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now) {
            ApiKeyState::Expired
        } else {
            ApiKeyState::Active
        }
    }
}

/// The set of keys that an operation may look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyScope {
    /// Only the actor's own keys.
    Own,
    /// The keys of all members.
    Any,
}

impl ApiKeyScope {
    /// [`ApiKeyScope::Any`] with `api_key.manage`.
    pub fn of(actor: &Actor) -> Self {
        if actor.permissions.contains(&Permission::ApiKeyManage) {
            Self::Any
        } else {
            Self::Own
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ApiKeyListInput {
    /// Revoked and expired keys instead of active ones.
    pub ended: bool,
    /// Part of a label, of an owner's name, or the beginning of a key; empty
    /// lists all.
    pub query: String,
    /// `label`, `owner`, `created_at`, `last_used_at` or `expires_at`, with `-` before
    /// it for descending; empty is `-created_at`.
    pub sort: String,
    /// `next` or `prev` of another page.
    pub after: Option<String>,
}

/// Columns that API keys can be sorted by.
pub const API_KEY_SORTS: Sorts = Sorts {
    columns: &["label", "owner", "created_at", "last_used_at", "expires_at"],
    default: Sort {
        column: "created_at",
        is_descending: true,
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApiKeyPath {
    pub id: ApiKeyId,
}

/// A key and its effective permissions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKeyDetail {
    pub key: ApiKey,
    /// The scopes that the owner currently holds.
    pub effective: Vec<Permission>,
    /// The key belongs to the viewer.
    pub is_own: bool,
}

/// A member for whom the caller can create a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyOwner {
    pub id: UserId,
    pub name: String,
    pub kind: ActorKind,
    /// Permissions held by the member that the caller may grant.
    pub offered: Vec<Permission>,
}

/// A new key with its secret, which is shown only this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedApiKey {
    pub id: ApiKeyId,
    pub label: String,
    /// The key itself; only its hash is stored.
    pub key: String,
}

impl fmt::Debug for CreatedApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedApiKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApiKeyInput {
    /// The key's purpose, in 1 to 100 characters.
    pub label: String,
    /// Permissions of which the key's owner and the caller hold each. In use,
    /// the key has those that its owner still holds.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Permission>"))]
    pub scopes: Vec<String>,
    /// The product that uses the key; memories not allowed for it are hidden.
    /// Unset: that of the caller's key, else `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vendor>"))]
    pub vendor: Option<String>,
    /// In days, 1 to 3650, or `never`, the default.
    #[serde(default = "never", deserialize_with = "form_text::text")]
    pub lifetime: String,
}

/// A key of an agent or a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrganisationApiKeyInput {
    /// The agent or service that the key acts as.
    pub owner_id: UserId,
    /// The key's purpose, in 1 to 100 characters.
    pub label: String,
    /// Permissions of which the key's owner and the caller hold each. In use,
    /// the key has those that its owner still holds.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Permission>"))]
    pub scopes: Vec<String>,
    /// The product that uses the key; memories not allowed for it are hidden.
    /// Unset: that of the caller's key, else `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vendor>"))]
    pub vendor: Option<String>,
    /// In days, 1 to 3650, or `never`, the default.
    #[serde(default = "never", deserialize_with = "form_text::text")]
    pub lifetime: String,
}

impl OrganisationApiKeyInput {
    pub fn new(owner_id: UserId, key: ApiKeyInput) -> Self {
        Self {
            owner_id,
            label: key.label,
            scopes: key.scopes,
            vendor: key.vendor,
            lifetime: key.lifetime,
        }
    }

    pub fn into_key(self) -> ApiKeyInput {
        ApiKeyInput {
            label: self.label,
            scopes: self.scopes,
            vendor: self.vendor,
            lifetime: self.lifetime,
        }
    }
}

fn never() -> String {
    NEVER.to_owned()
}

/// A validated [`ApiKeyInput`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    pub label: String,
    pub scopes: BTreeSet<Permission>,
    pub vendor: Vendor,
    /// `None`: does not expire.
    pub lifetime: Option<time::Duration>,
}

impl NewApiKey {
    /// Validates the input. The caller must check that the scopes may be granted.
    pub fn parse(input: &ApiKeyInput) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let missing = format!("Enter a name of 1 to {MAX_LABEL_CHARS} characters.");
        let label = errors.line("label", &input.label, MAX_LABEL_CHARS, &missing);
        let mut scopes = BTreeSet::new();
        for scope in &input.scopes {
            let permission = match Permission::for_role(scope) {
                Ok(permission) if permission.is_entrusted() => Err(format!(
                    "{} is only available in the browser, not for API keys.",
                    quote(scope)
                )),
                Ok(permission) => Ok(permission),
                Err(_) => Err(format!("There is no permission {}.", quote(scope))),
            };
            scopes.extend(errors.check("scopes", permission));
        }
        if input.scopes.is_empty() {
            errors.reject("scopes", "Choose at least one permission.");
        }
        let vendor = match input.vendor.as_deref().unwrap_or_default() {
            "" => Some(Vendor::Other),
            key => Vendor::from_key(key),
        };
        let vendor = vendor.ok_or("Choose one of the products on the list.");
        let vendor = errors.check("vendor", vendor);
        let lifetime = match input.lifetime.trim() {
            NEVER => None,
            days => {
                let days: Option<u16> = days.parse().ok();
                let days = days.filter(|days| (1..=MAX_LIFETIME_DAYS).contains(days));
                let message = || format!("Choose 1 to {MAX_LIFETIME_DAYS} days, or never.");
                let days = errors.check("lifetime", days.ok_or_else(message));
                days.map(|days| time::Duration::days(days.into()))
            }
        };
        errors.finish(|| {
            Some(Self {
                label,
                scopes,
                vendor: vendor?,
                lifetime,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> ApiKeyInput {
        ApiKeyInput {
            label: " Nightly export ".into(),
            scopes: vec!["memory.read".into(), "memory.read".into()],
            vendor: Some("claude".into()),
            lifetime: "90".into(),
        }
    }

    fn invalid_fields(draft: &ApiKeyInput) -> Vec<String> {
        match NewApiKey::parse(draft) {
            Err(AppError::Invalid { fields }) => fields.into_iter().map(|f| f.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn valid_draft_is_accepted() {
        let key = NewApiKey::parse(&draft()).unwrap();
        assert_eq!(key.label, "Nightly export");
        assert_eq!(key.scopes, BTreeSet::from([Permission::MemoryRead]));
        assert_eq!(key.vendor, Vendor::Claude);
        assert_eq!(key.lifetime, Some(time::Duration::days(90)));
        let without_vendor = ApiKeyInput {
            vendor: None,
            ..draft()
        };
        assert_eq!(
            NewApiKey::parse(&without_vendor).unwrap().vendor,
            Vendor::Other
        );
        let never = ApiKeyInput {
            lifetime: NEVER.into(),
            ..draft()
        };
        assert_eq!(NewApiKey::parse(&never).unwrap().lifetime, None);
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let empty = ApiKeyInput::default();
        assert_eq!(invalid_fields(&empty), ["label", "scopes", "lifetime"]);
        for label in ["x".repeat(101), "a\nb".into(), "\u{0}".into()] {
            assert_eq!(invalid_fields(&ApiKeyInput { label, ..draft() }), ["label"]);
        }
        for lifetime in ["0", "-1", "3651", "1.5", "Never", ""] {
            let lifetime = lifetime.to_owned();
            assert_eq!(
                invalid_fields(&ApiKeyInput {
                    lifetime,
                    ..draft()
                }),
                ["lifetime"]
            );
        }
        for vendor in ["*", "Claude", "openai"] {
            let vendor = Some(vendor.to_owned());
            assert_eq!(
                invalid_fields(&ApiKeyInput { vendor, ..draft() }),
                ["vendor"]
            );
        }
        // SEC-D5: no key can hold an entrusted permission.
        for scope in ["everything", "memory.break_glass"] {
            let scopes = vec!["memory.read".into(), scope.into()];
            assert_eq!(
                invalid_fields(&ApiKeyInput { scopes, ..draft() }),
                ["scopes"]
            );
        }
    }

    // SEC-D5
    #[test]
    fn debug_output_hides_the_key() {
        let created = CreatedApiKey {
            id: ApiKeyId(uuid::Uuid::nil()),
            label: "x".into(),
            key: "atr_canary".into(),
        };
        assert!(!format!("{created:?}").contains("canary"));
    }
}
