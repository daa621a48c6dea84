//! Personas: contexts of a member, such as work and home, that memories may
//! belong to.

use serde::{Deserialize, Serialize};

use crate::{AppError, FieldError, PersonaId};

/// Longest name, in characters.
pub const MAX_PERSONA_NAME_CHARS: usize = 50;
/// Longest description, in characters.
pub const MAX_PERSONA_DESCRIPTION_CHARS: usize = 500;
/// The most personas of one member.
pub const MAX_PERSONAS: usize = 100;

/// One persona with how much belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// Its id.
    pub id: PersonaId,
    /// Unique among its owner's.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// Memories of it outside the trash.
    pub memories: i64,
}

/// What is typed to make or change a persona.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonaDraft {
    /// Its name.
    pub name: String,
    /// What it is about; may be empty.
    pub description: String,
}

/// A persona that can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonaText {
    /// 1 to [`MAX_PERSONA_NAME_CHARS`] characters, none of them a control one.
    pub name: String,
    /// At most [`MAX_PERSONA_DESCRIPTION_CHARS`] characters.
    pub description: String,
}

impl PersonaText {
    /// Checks a draft.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn parse(draft: &PersonaDraft) -> Result<Self, AppError> {
        let mut fields = Vec::new();
        let mut fault = |field: &str, message: String| {
            fields.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let name = draft.name.trim();
        if name.is_empty() {
            fault("name", "Give it a name.".into());
        } else if name.chars().count() > MAX_PERSONA_NAME_CHARS {
            fault(
                "name",
                format!("A name has at most {MAX_PERSONA_NAME_CHARS} characters."),
            );
        } else if name.chars().any(char::is_control) {
            fault("name", "A name can't contain a control character.".into());
        }
        let description = draft.description.trim();
        if description.chars().count() > MAX_PERSONA_DESCRIPTION_CHARS {
            fault(
                "description",
                format!("A description has at most {MAX_PERSONA_DESCRIPTION_CHARS} characters."),
            );
        } else if description.contains('\0') {
            fault(
                "description",
                "A description can't contain a NUL character.".into(),
            );
        }
        if fields.is_empty() {
            Ok(Self {
                name: name.to_owned(),
                description: description.to_owned(),
            })
        } else {
            Err(AppError::Invalid { fields })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_needed_and_both_have_an_end() {
        let draft = |name: &str, description: &str| PersonaDraft {
            name: name.into(),
            description: description.into(),
        };
        let work = PersonaText::parse(&draft(" Work ", " At the desk ")).unwrap();
        assert_eq!((&*work.name, &*work.description), ("Work", "At the desk"));
        for (name, description, faults) in [
            ("", "", &["name"][..]),
            (" ", "", &["name"]),
            ("a\nb", "", &["name"]),
            ("nul\0", "nul\0", &["name", "description"]),
            (&"é".repeat(51), &"é".repeat(501), &["name", "description"]),
        ] {
            let error = PersonaText::parse(&draft(name, description)).unwrap_err();
            for field in ["name", "description"] {
                let is_named = error.for_field(field).is_some();
                assert_eq!(is_named, faults.contains(&field), "{field} of {name:?}");
            }
        }
        assert!(PersonaText::parse(&draft(&"é".repeat(50), &"é".repeat(500))).is_ok());
    }
}
