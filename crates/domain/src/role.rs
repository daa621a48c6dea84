//! Roles: named sets of permissions. System roles are fixed; custom ones are
//! an organisation's own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    AppError, FieldError, Permission, RoleId, Timestamp, UserId, access::UnknownPermission,
};

/// Characters that a role's name may have.
pub const MAX_ROLE_NAME_CHARS: usize = 100;
/// Characters that a role's description may have.
pub const MAX_ROLE_DESCRIPTION_CHARS: usize = 500;

/// Why a member holds a role; each reason comes and goes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleSource {
    /// Somebody granted it.
    Manual,
    /// A group that the issuer tells of.
    Group,
    /// An app role that the issuer tells of.
    AppRole,
}

impl RoleSource {
    const ALL: [Self; 3] = [Self::Manual, Self::Group, Self::AppRole];

    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Group => "group",
            Self::AppRole => "app_role",
        }
    }

    /// The reverse of [`RoleSource::key`].
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.key() == key)
    }
}

/// A role by name, for choosing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRef {
    /// Its id.
    pub id: RoleId,
    /// Unique in the organisation, for URLs and tokens.
    pub key: String,
    /// For people.
    pub name: String,
}

/// A role, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Unique in the organisation; made from the name and then kept.
    pub key: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it allows.
    pub permissions: BTreeSet<Permission>,
    /// It came with the organisation and never changes.
    pub is_system: bool,
    /// Goes up with each change; an edit names the one it started from.
    pub version: i32,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
    /// Members who hold it.
    pub holders: i64,
}

impl Role {
    /// The role by name.
    pub fn to_ref(&self) -> RoleRef {
        RoleRef {
            id: self.id,
            key: self.key.clone(),
            name: self.name.clone(),
        }
    }
}

/// Somebody who holds a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleHolder {
    /// The member.
    pub id: UserId,
    /// The member's name.
    pub display_name: String,
}

/// What the page of one role shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleDetail {
    /// The role.
    pub role: Role,
    /// Some of those who hold it, by name.
    pub holders: Vec<RoleHolder>,
    /// What the one who looks may put into a role.
    pub grantable: BTreeSet<Permission>,
    /// The one who looks may change it.
    pub may_edit: bool,
}

/// What somebody typed into a role's form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoleDraft {
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Keys of what it allows.
    pub permissions: Vec<String>,
}

/// A role's words and permissions that the database takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleText {
    /// For people.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What it allows.
    pub permissions: BTreeSet<Permission>,
}

impl RoleText {
    /// Takes what was typed, or names every field at fault.
    ///
    /// # Errors
    /// [`AppError::Invalid`].
    pub fn parse(draft: &RoleDraft) -> Result<Self, AppError> {
        let mut fields = Vec::new();
        let mut fault = |field: &str, message: String| {
            fields.push(FieldError {
                field: field.into(),
                message,
            });
        };
        let name = draft.name.trim();
        if name.is_empty() || name.chars().count() > MAX_ROLE_NAME_CHARS {
            fault(
                "name",
                format!("A role's name has 1 to {MAX_ROLE_NAME_CHARS} characters."),
            );
        } else if name.chars().any(char::is_control) {
            fault("name", "A name can't contain control characters.".into());
        }
        let description = draft.description.trim();
        if description.chars().count() > MAX_ROLE_DESCRIPTION_CHARS {
            fault(
                "description",
                format!("A description has at most {MAX_ROLE_DESCRIPTION_CHARS} characters."),
            );
        } else if description.contains('\0') {
            fault("description", "Text can't contain a NUL character.".into());
        }
        let permissions: Result<BTreeSet<Permission>, UnknownPermission> = draft
            .permissions
            .iter()
            .map(|key| Permission::for_role(key))
            .collect();
        match permissions {
            Ok(permissions) if permissions.is_empty() => {
                fault("permissions", "Choose at least one permission.".into());
            }
            Err(unknown) => fault("permissions", format!("T{}.", &unknown.to_string()[1..])),
            Ok(permissions) if fields.is_empty() => {
                return Ok(Self {
                    name: name.to_owned(),
                    description: description.to_owned(),
                    permissions,
                });
            }
            Ok(_) => {}
        }
        Err(AppError::Invalid { fields })
    }

    /// The key for a new role of this name: lower-case letters, digits and
    /// underscores, beginning with a letter.
    pub fn key(&self) -> String {
        const MAX: usize = 50;
        let mut key = String::new();
        for c in self.name.chars() {
            match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9') => key.push(c),
                _ if !key.is_empty() && !key.ends_with('_') => key.push('_'),
                _ => {}
            }
        }
        key.truncate(MAX);
        let key = key.trim_end_matches('_');
        if key.starts_with(|c: char| c.is_ascii_lowercase()) {
            key.to_owned()
        } else {
            format!("role_{key}").trim_end_matches('_').to_owned()
        }
    }
}

/// The permissions of a role after an edit by somebody who may grant
/// `grantable`. What the editor can't grant stays as it was: it is neither
/// added nor taken away by somebody who doesn't hold it.
///
/// # Errors
/// A permission beyond theirs that would be added.
pub fn edited_permissions(
    before: &BTreeSet<Permission>,
    wanted: &BTreeSet<Permission>,
    grantable: &BTreeSet<Permission>,
) -> Result<BTreeSet<Permission>, Permission> {
    let beyond = |p: &&Permission| !grantable.contains(p) && !before.contains(p);
    if let Some(permission) = wanted.iter().find(beyond) {
        return Err(*permission);
    }
    let kept = before.difference(grantable);
    Ok(wanted.iter().chain(kept).copied().collect())
}

/// The heading under which the matrix shows a permission.
pub fn area(permission: Permission) -> &'static str {
    match permission.key().split('.').next().unwrap_or_default() {
        "memory" => "Memories",
        "profile" | "api_key" => "Own account and keys",
        "member" | "invite" => "Members",
        "role" | "owner" | "group_mapping" => "Roles",
        "team" => "Teams",
        "audit" | "isolation" => "Oversight",
        _ => "Organisation",
    }
}

/// What a role can hold by area, in the order of the catalogue.
pub fn areas() -> Vec<(&'static str, Vec<Permission>)> {
    let mut areas: Vec<(&'static str, Vec<Permission>)> = Vec::new();
    for permission in Permission::for_roles() {
        let name = area(permission);
        match areas.iter_mut().find(|(area, _)| *area == name) {
            Some((_, permissions)) => permissions.push(permission),
            None => areas.push((name, vec![permission])),
        }
    }
    areas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str, permissions: &[&str]) -> RoleDraft {
        RoleDraft {
            name: name.into(),
            description: String::new(),
            permissions: permissions.iter().map(|&key| key.to_owned()).collect(),
        }
    }

    #[test]
    fn a_key_is_made_from_the_name() {
        for (name, key) in [
            ("Auditor", "auditor"),
            ("  Team  lead – Berlin ", "team_lead_berlin"),
            ("2nd line", "role_2nd_line"),
            ("監査", "role"),
            ("Éditeur", "diteur"),
        ] {
            let text = RoleText::parse(&draft(name, &["memory.read"])).unwrap();
            assert_eq!(text.key(), key, "{name}");
        }
        let long = "x".repeat(MAX_ROLE_NAME_CHARS);
        let text = RoleText::parse(&draft(&long, &["memory.read"])).unwrap();
        assert!(text.key().len() <= 63);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let error = RoleText::parse(&draft(" ", &["memory.everything"])).unwrap_err();
        assert!(error.for_field("name").is_some());
        assert_eq!(
            error.for_field("permissions"),
            Some("There is no permission “memory.everything”.")
        );
        // SEC-G: nor one above what an organisation can give.
        let error = RoleText::parse(&draft("Root", &["platform.operate"])).unwrap_err();
        assert_eq!(
            error.for_field("permissions"),
            Some("There is no permission “platform.operate”.")
        );
        let error = RoleText::parse(&draft("Empty", &[])).unwrap_err();
        assert!(error.for_field("permissions").is_some());
    }

    // SEC-G: a role minted above its creator's own.
    #[test]
    fn nobody_adds_or_takes_what_they_cannot_grant() {
        use Permission::{AuditRead, MemoryRead, MemoryWrite};
        let set = |all: &[Permission]| all.iter().copied().collect::<BTreeSet<_>>();
        let grantable = set(&[MemoryRead, MemoryWrite]);
        let edit = |before: &[Permission], wanted: &[Permission]| {
            edited_permissions(&set(before), &set(wanted), &grantable)
        };
        assert_eq!(
            edit(&[MemoryRead], &[MemoryRead, AuditRead]),
            Err(AuditRead)
        );
        assert_eq!(
            edit(&[MemoryRead, AuditRead], &[MemoryWrite]),
            Ok(set(&[MemoryWrite, AuditRead]))
        );
        assert_eq!(edit(&[MemoryRead], &[]), Ok(set(&[])));
    }

    #[test]
    fn every_permission_stands_in_one_area() {
        let all: Vec<_> = areas().into_iter().flat_map(|(_, all)| all).collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(
            (all.len(), sorted.len()),
            (Permission::for_roles().count(), all.len())
        );
    }
}
