//! Keys with which programs act as a member.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    Actor, ActorKind, ApiKeyId, AppError, FieldError, Permission, Timestamp, UserId, Vendor,
    error::quote,
};

/// Longest label of a key, and longest name of a service, in characters.
pub const MAX_LABEL_CHARS: usize = 100;
/// Longest lifetime of a key that ends, in days.
pub const MAX_LIFETIME_DAYS: u16 = 3_650;
/// As which a key without an end is asked for.
pub const NEVER: &str = "never";

/// A key as lists show it. The key itself is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is for, in its owner's words.
    pub label: String,
    /// How it begins, so that it is recognised where it is used.
    pub prefix: String,
    /// As whom it acts.
    pub owner_id: UserId,
    /// The owner's name.
    pub owner_name: String,
    /// A person, an agent or a service.
    pub owner_kind: ActorKind,
    /// What it may do at most; at use, less where its owner may less.
    pub scopes: Vec<Permission>,
    /// By whose product it is used.
    pub vendor: Vendor,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// From when on it is refused; `None`: it does not end by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    pub revoked_at: Option<Timestamp>,
}

/// Whether a key opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyState {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

impl ApiKey {
    /// What it is at `now`.
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

/// Among which keys one is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyReach {
    /// The own ones.
    Own,
    /// Everybody's.
    Any,
}

impl KeyReach {
    /// As far as `actor` reaches.
    pub fn of(actor: &Actor) -> Self {
        if actor.permissions.contains(&Permission::ApiKeyManage) {
            Self::Any
        } else {
            Self::Own
        }
    }
}

/// Which keys a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiKeyFilter {
    /// Everybody's, not only one's own.
    pub all: bool,
    /// Revoked and expired ones instead of those that work.
    pub ended: bool,
}

/// One key with what it may do now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyDetail {
    /// The key.
    pub key: ApiKey,
    /// Of its scopes, those that its owner holds at this moment.
    pub effective: Vec<Permission>,
    /// It acts as the one who looks.
    pub is_own: bool,
}

/// For whom a key can be made, and what it could be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyOwner {
    /// The member.
    pub id: UserId,
    /// The member's name.
    pub name: String,
    /// A person, an agent or a service.
    pub kind: ActorKind,
    /// What the member holds and the one who asks may give.
    pub offered: Vec<Permission>,
}

/// An agent or a service, which signs in with keys only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// The member.
    pub id: UserId,
    /// Its name.
    pub name: String,
    /// An agent or a service.
    pub kind: ActorKind,
    /// It may act.
    pub is_active: bool,
    /// Names of its roles.
    pub roles: Vec<String>,
    /// Keys of it that work.
    pub keys: i64,
}

/// A key that was just made, with the key itself: the one time it is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is for.
    pub label: String,
    /// The key.
    pub key: String,
}

impl fmt::Debug for CreatedApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedApiKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What is typed to make a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiKeyDraft {
    /// What it is for.
    pub label: String,
    /// Keys of permissions.
    pub scopes: Vec<String>,
    /// A [`Vendor`]'s key; empty means any other program.
    pub vendor: String,
    /// Days, or [`NEVER`].
    pub lifetime: String,
}

/// A key that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    /// What it is for.
    pub label: String,
    /// What it may do at most.
    pub scopes: BTreeSet<Permission>,
    /// By whose product it is used.
    pub vendor: Vendor,
    /// How long it works; `None`: until it is revoked.
    pub lifetime: Option<time::Duration>,
}

impl NewApiKey {
    /// Reads a draft. Whether its scopes may be given is another question.
    ///
    /// # Errors
    /// [`AppError::Invalid`] naming every field at fault.
    pub fn parse(draft: &ApiKeyDraft) -> Result<Self, AppError> {
        let mut faults = Vec::new();
        let label = name_parse(
            "label",
            &draft.label,
            "Say what the key is for",
            &mut faults,
        );
        let mut scopes = BTreeSet::new();
        for scope in &draft.scopes {
            match Permission::for_role(scope) {
                Ok(permission) if permission.is_entrusted() => faults.push(fault(
                    "scopes",
                    format!(
                        "{} is for people in their browser; no key can hold it.",
                        quote(scope)
                    ),
                )),
                Ok(permission) => {
                    scopes.insert(permission);
                }
                Err(_) => faults.push(fault(
                    "scopes",
                    format!("There is no permission {}.", quote(scope)),
                )),
            }
        }
        if draft.scopes.is_empty() {
            faults.push(fault(
                "scopes",
                "Choose at least one thing that the key may do.",
            ));
        }
        let vendor = match draft.vendor.as_str() {
            "" => Some(Vendor::Other),
            key => Vendor::from_key(key),
        };
        if vendor.is_none() {
            faults.push(fault("vendor", "Choose one of the products on the list."));
        }
        let lifetime = match draft.lifetime.trim() {
            NEVER => None,
            days => {
                let days = days
                    .parse()
                    .ok()
                    .filter(|days| (1..=MAX_LIFETIME_DAYS).contains(days));
                if days.is_none() {
                    faults.push(fault(
                        "lifetime",
                        format!("Choose 1 to {MAX_LIFETIME_DAYS} days, or no end."),
                    ));
                }
                days.map(|days| time::Duration::days(days.into()))
            }
        };
        match vendor {
            Some(vendor) if faults.is_empty() => Ok(Self {
                label,
                scopes,
                vendor,
                lifetime,
            }),
            _ => Err(AppError::Invalid { fields: faults }),
        }
    }
}

/// What is typed to make an agent or a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceAccountDraft {
    /// Its name.
    pub name: String,
    /// `agent` or `service`.
    pub kind: String,
}

/// An agent or a service that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewServiceAccount {
    /// Its name.
    pub name: String,
    /// An agent or a service.
    pub kind: ActorKind,
}

impl NewServiceAccount {
    /// Reads a draft.
    ///
    /// # Errors
    /// [`AppError::Invalid`] naming every field at fault.
    pub fn parse(draft: &ServiceAccountDraft) -> Result<Self, AppError> {
        let mut faults = Vec::new();
        let name = name_parse("name", &draft.name, "Give it a name", &mut faults);
        let kind = ActorKind::from_key(&draft.kind)
            .filter(|kind| matches!(kind, ActorKind::Agent | ActorKind::Service));
        if kind.is_none() {
            faults.push(fault("kind", "Choose an agent or a service."));
        }
        match kind {
            Some(kind) if faults.is_empty() => Ok(Self { name, kind }),
            _ => Err(AppError::Invalid { fields: faults }),
        }
    }
}

fn name_parse(field: &str, typed: &str, missing: &str, faults: &mut Vec<FieldError>) -> String {
    let name = typed.trim();
    let length = name.chars().count();
    if length == 0 {
        faults.push(fault(
            field,
            format!("{missing}, in 1 to {MAX_LABEL_CHARS} characters."),
        ));
    } else if length > MAX_LABEL_CHARS {
        faults.push(fault(
            field,
            format!("This has {length} characters; {MAX_LABEL_CHARS} is the most."),
        ));
    } else if name.chars().any(char::is_control) {
        faults.push(fault(field, "This has a character that can't be shown."));
    }
    name.to_owned()
}

fn fault(field: &str, message: impl Into<String>) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> ApiKeyDraft {
        ApiKeyDraft {
            label: " Nightly export ".into(),
            scopes: vec!["memory.read".into(), "memory.read".into()],
            vendor: "claude".into(),
            lifetime: "90".into(),
        }
    }

    fn faults(draft: &ApiKeyDraft) -> Vec<String> {
        match NewApiKey::parse(draft) {
            Err(AppError::Invalid { fields }) => fields.into_iter().map(|f| f.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_draft_becomes_a_key() {
        let key = NewApiKey::parse(&draft()).unwrap();
        assert_eq!(key.label, "Nightly export");
        assert_eq!(key.scopes, BTreeSet::from([Permission::MemoryRead]));
        assert_eq!(key.vendor, Vendor::Claude);
        assert_eq!(key.lifetime, Some(time::Duration::days(90)));
        let unsaid = ApiKeyDraft {
            vendor: String::new(),
            ..draft()
        };
        assert_eq!(NewApiKey::parse(&unsaid).unwrap().vendor, Vendor::Other);
        let never = ApiKeyDraft {
            lifetime: NEVER.into(),
            ..draft()
        };
        assert_eq!(NewApiKey::parse(&never).unwrap().lifetime, None);
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let empty = ApiKeyDraft::default();
        assert_eq!(faults(&empty), ["label", "scopes", "lifetime"]);
        for label in ["x".repeat(101), "a\nb".into(), "\u{0}".into()] {
            assert_eq!(faults(&ApiKeyDraft { label, ..draft() }), ["label"]);
        }
        for lifetime in ["0", "-1", "3651", "1.5", "Never", ""] {
            let lifetime = lifetime.to_owned();
            assert_eq!(
                faults(&ApiKeyDraft {
                    lifetime,
                    ..draft()
                }),
                ["lifetime"]
            );
        }
        for vendor in ["*", "Claude", "openai"] {
            let vendor = vendor.to_owned();
            assert_eq!(faults(&ApiKeyDraft { vendor, ..draft() }), ["vendor"]);
        }
        // SEC-D5: what people are entrusted with is in no key.
        for scope in ["everything", "memory.break_glass"] {
            let scopes = vec!["memory.read".into(), scope.into()];
            assert_eq!(faults(&ApiKeyDraft { scopes, ..draft() }), ["scopes"]);
        }
    }

    #[test]
    fn people_are_not_made_here() {
        for kind in ["human", "system", "sub_agent", ""] {
            let draft = ServiceAccountDraft {
                name: "Exporter".into(),
                kind: kind.into(),
            };
            let error = NewServiceAccount::parse(&draft).unwrap_err();
            assert!(error.for_field("kind").is_some(), "{kind}");
        }
    }

    // SEC-D5
    #[test]
    fn a_new_key_is_not_in_its_debug() {
        let created = CreatedApiKey {
            id: ApiKeyId(uuid::Uuid::nil()),
            label: "x".into(),
            key: "atr_canary".into(),
        };
        assert!(!format!("{created:?}").contains("canary"));
    }
}
