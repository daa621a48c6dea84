//! Roles: named sets of permissions. System roles are fixed; custom roles
//! belong to an organisation.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    AppError, Permission, Timestamp, UserId, access::UnknownPermission, id::typed_id,
    keyed_enum::keyed_enum, validate::FieldErrors,
};

typed_id!(RoleId, "role");

/// In characters.
pub const MAX_ROLE_NAME_CHARS: usize = 100;
/// In characters.
pub const MAX_ROLE_DESCRIPTION_CHARS: usize = 500;

keyed_enum! {
    /// A member's source of a role. Each is granted and revoked independently.
    RoleSource {
        Manual = "manual";
        Group = "group";
        AppRole = "app_role";
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoleRef {
    pub id: RoleId,
    /// Unique in the organisation; used in URLs and tokens.
    pub key: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Role {
    pub id: RoleId,
    /// Unique in the organisation; derived from the name, then fixed.
    pub key: String,
    pub name: String,
    pub description: String,
    pub permissions: BTreeSet<Permission>,
    /// System roles can't be changed.
    pub is_system: bool,
    /// Increases with each change; an edit names the version it is based on.
    pub version: i32,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub updated_at: Timestamp,
    /// The number of members who hold it.
    pub holder_count: i64,
}

impl Role {
    pub fn to_ref(&self) -> RoleRef {
        RoleRef {
            id: self.id,
            key: self.key.clone(),
            name: self.name.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoleHolder {
    pub id: UserId,
    pub display_name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoleDetail {
    #[serde(flatten)]
    pub role: Role,
    /// The first 50 holders by name.
    pub holders: Vec<RoleHolder>,
    /// The permissions that the viewer may put into a role.
    pub grantable: BTreeSet<Permission>,
    /// The viewer may change and delete the role.
    pub may_edit: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RolePath {
    pub id: RoleId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleInput {
    /// 1 to 100 characters. The role's key is derived from it and must be
    /// unique in the organisation.
    pub name: String,
    /// At most 500 characters.
    #[serde(default)]
    pub description: String,
    /// At least one; all must be permissions that the caller may grant.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Permission>"))]
    pub permissions: Vec<String>,
}

/// Replaces all of a role but its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleUpdateInput {
    pub id: RoleId,
    /// The version that the change is based on.
    pub version: i32,
    /// 1 to 100 characters.
    pub name: String,
    /// At most 500 characters.
    #[serde(default)]
    pub description: String,
    /// At least one. Permissions that the caller may not grant stay as they
    /// are: they can be neither added nor removed.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Permission>"))]
    pub permissions: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleDeleteInput {
    pub id: RoleId,
    /// The version that was looked at.
    pub version: i32,
    /// The number of holders that was looked at, who lose the role.
    pub holder_count: i64,
}

/// A validated [`RoleInput`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedRole {
    pub name: String,
    /// May be empty.
    pub description: String,
    pub permissions: BTreeSet<Permission>,
}

impl ParsedRole {
    pub fn parse(input: &RoleInput) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let missing = "Enter a name.";
        let name = errors.line("name", &input.name, MAX_ROLE_NAME_CHARS, missing);
        let description = errors.text(
            "description",
            &input.description,
            MAX_ROLE_DESCRIPTION_CHARS,
        );
        let permissions: Result<BTreeSet<Permission>, UnknownPermission> = input
            .permissions
            .iter()
            .map(|key| Permission::for_role(key))
            .collect();
        let permissions = permissions.map_err(|unknown| format!("T{}.", &unknown.to_string()[1..]));
        let permissions = errors.check("permissions", permissions);
        if permissions.as_ref().is_some_and(BTreeSet::is_empty) {
            errors.reject("permissions", "Choose at least one permission.");
        }
        errors.finish(|| {
            Some(Self {
                name,
                description,
                permissions: permissions?,
            })
        })
    }

    /// The key for a new role of this name: lower-case letters, digits and
    /// underscores, starting with a letter.
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
/// `grantable`. Permissions that the editor can't grant stay as they were: they
/// can be neither added nor removed.
///
/// # Errors
/// The first added permission that the editor can't grant.
pub fn edited_permissions(
    before: &BTreeSet<Permission>,
    wanted: &BTreeSet<Permission>,
    grantable: &BTreeSet<Permission>,
) -> Result<BTreeSet<Permission>, Permission> {
    let is_beyond_rights = |p: &&Permission| !grantable.contains(p) && !before.contains(p);
    if let Some(permission) = wanted.iter().find(is_beyond_rights) {
        return Err(*permission);
    }
    let kept = before.difference(grantable);
    Ok(wanted.iter().chain(kept).copied().collect())
}

/// The heading of a permission in the role matrix.
pub fn area(permission: Permission) -> &'static str {
    match permission.key().split('.').next().unwrap_or_default() {
        "memory" => "Memories",
        "profile" | "api_key" => "Own account and keys",
        "member" | "invite" => "Members",
        "role" | "owner" | "group_mapping" => "Roles",
        "team" => "Teams",
        "audit" | "isolation" => "Security",
        _ => "Organisation",
    }
}

/// The permissions that roles can hold, grouped by area, in the order of the
/// catalogue.
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

    fn input(name: &str, permissions: &[&str]) -> RoleInput {
        RoleInput {
            name: name.into(),
            description: String::new(),
            permissions: permissions.iter().map(|&key| key.to_owned()).collect(),
        }
    }

    #[test]
    fn key_is_derived_from_the_name() {
        for (name, key) in [
            ("Auditor", "auditor"),
            ("  Team  lead – Berlin ", "team_lead_berlin"),
            ("2nd line", "role_2nd_line"),
            ("監査", "role"),
            ("Éditeur", "diteur"),
        ] {
            let text = ParsedRole::parse(&input(name, &["memory.read"])).unwrap();
            assert_eq!(text.key(), key, "{name}");
        }
        let long = "x".repeat(MAX_ROLE_NAME_CHARS);
        let text = ParsedRole::parse(&input(&long, &["memory.read"])).unwrap();
        assert!(text.key().len() <= 63);
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let error = ParsedRole::parse(&input(" ", &["memory.everything"])).unwrap_err();
        assert!(error.for_field("name").is_some());
        assert_eq!(
            error.for_field("permissions"),
            Some("There is no permission “memory.everything”.")
        );
        // SEC-G: an installation permission is rejected like an unknown one.
        let error = ParsedRole::parse(&input("Root", &["platform.operate"])).unwrap_err();
        assert_eq!(
            error.for_field("permissions"),
            Some("There is no permission “platform.operate”.")
        );
        let error = ParsedRole::parse(&input("Empty", &[])).unwrap_err();
        assert!(error.for_field("permissions").is_some());
    }

    // SEC-G: a role with more permissions than its creator may grant.
    #[test]
    fn editor_can_change_only_grantable_permissions() {
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
    fn every_permission_has_one_area() {
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
