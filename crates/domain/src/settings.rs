//! What an organisation's administrators set for it.

use serde::{Deserialize, Serialize};

use crate::{AppError, FieldError};

/// Characters that an organisation's name may have.
pub const MAX_ORGANISATION_NAME_CHARS: usize = 200;

/// Hours that a session's lifetime can be set to: from one to a year.
pub const SESSION_HOURS: std::ops::RangeInclusive<u32> = 1..=8760;

/// As stored with the tenant. What is not set is as the operator decided for
/// the whole installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantSettings {
    /// Hours without a request after which a session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_idle_hours: Option<u32>,
    /// Hours after which a session ends whatever happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_absolute_hours: Option<u32>,
}

/// An organisation and its settings, as the page shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// The short name in commands and configuration; never changes.
    pub slug: String,
    /// The name on pages.
    pub name: String,
    /// The rest.
    pub settings: TenantSettings,
    /// Goes up with each change; an edit names the one it started from.
    pub version: i32,
}

/// What somebody typed into the settings' form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganisationDraft {
    /// The name on pages.
    pub name: String,
    /// Whole hours, or nothing.
    pub session_idle_hours: String,
    /// Whole hours, or nothing.
    pub session_absolute_hours: String,
}

/// Name and settings that the database takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationText {
    /// The name on pages.
    pub name: String,
    /// The rest.
    pub settings: TenantSettings,
}

impl OrganisationText {
    /// Takes what was typed, or names every field at fault.
    ///
    /// # Errors
    /// [`AppError::Invalid`].
    pub fn parse(draft: &OrganisationDraft) -> Result<Self, AppError> {
        let mut fields = Vec::new();
        let name = draft.name.trim();
        if name.is_empty()
            || name.chars().count() > MAX_ORGANISATION_NAME_CHARS
            || name.chars().any(char::is_control)
        {
            fields.push(FieldError {
                field: "name".into(),
                message: format!(
                    "A name has 1 to {MAX_ORGANISATION_NAME_CHARS} characters, on one line."
                ),
            });
        }
        let mut hours = |field: &str, text: &str| match text.trim() {
            "" => None,
            text => {
                let hours = text
                    .parse()
                    .ok()
                    .filter(|hours| SESSION_HOURS.contains(hours));
                if hours.is_none() {
                    fields.push(FieldError {
                        field: field.into(),
                        message: "Give whole hours from 1 to 8760, or leave it empty.".into(),
                    });
                }
                hours
            }
        };
        let idle = hours("session_idle_hours", &draft.session_idle_hours);
        let absolute = hours("session_absolute_hours", &draft.session_absolute_hours);
        if let (Some(idle), Some(absolute)) = (idle, absolute)
            && idle > absolute
        {
            fields.push(FieldError {
                field: "session_idle_hours".into(),
                message: "This can’t be longer than a session lasts at most.".into(),
            });
        }
        if !fields.is_empty() {
            return Err(AppError::Invalid { fields });
        }
        Ok(Self {
            name: name.to_owned(),
            settings: TenantSettings {
                session_idle_hours: idle,
                session_absolute_hours: absolute,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_whole_and_in_order_or_left_to_the_operator() {
        let parse = |name: &str, idle: &str, absolute: &str| {
            OrganisationText::parse(&OrganisationDraft {
                name: name.into(),
                session_idle_hours: idle.into(),
                session_absolute_hours: absolute.into(),
            })
        };
        let text = parse(" Acme ", "", " 8 ").unwrap();
        assert_eq!(text.name, "Acme");
        assert_eq!(text.settings.session_idle_hours, None);
        assert_eq!(text.settings.session_absolute_hours, Some(8));
        for (name, idle, absolute, field) in [
            ("", "", "", "name"),
            ("a\nb", "", "", "name"),
            ("Acme", "0", "", "session_idle_hours"),
            ("Acme", "half", "", "session_idle_hours"),
            ("Acme", "", "9999", "session_absolute_hours"),
            ("Acme", "9", "8", "session_idle_hours"),
        ] {
            let error = parse(name, idle, absolute).unwrap_err();
            assert!(error.for_field(field).is_some(), "{name} {idle} {absolute}");
        }
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(serde_json::from_str::<TenantSettings>("{}").is_ok());
        assert!(serde_json::from_str::<TenantSettings>(r#"{"colour":"red"}"#).is_err());
    }
}
