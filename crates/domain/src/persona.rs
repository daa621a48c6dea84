//! Personas: contexts of a member, such as work and home, that memories may
//! belong to.

use serde::{Deserialize, Serialize};

use crate::{AppError, id::typed_id, validate::FieldErrors};

typed_id!(
    /// A context of a member that memories may belong to.
    PersonaId,
    "persona"
);

/// In characters.
pub const MAX_PERSONA_NAME_CHARS: usize = 50;
/// In characters.
pub const MAX_PERSONA_DESCRIPTION_CHARS: usize = 500;
/// Per member.
pub const MAX_PERSONAS: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Persona {
    pub id: PersonaId,
    /// Unique among the owner's personas.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// The number of its memories outside the trash.
    pub memory_count: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PersonaPath {
    pub id: PersonaId,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PersonaInput {
    /// 1 to 50 characters, unique among the caller's personas.
    pub name: String,
    /// At most 500 characters.
    #[serde(default)]
    pub description: String,
}

/// A validated [`PersonaInput`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedPersona {
    /// 1 to [`MAX_PERSONA_NAME_CHARS`] characters, no control characters.
    pub name: String,
    /// At most [`MAX_PERSONA_DESCRIPTION_CHARS`] characters.
    pub description: String,
}

impl ParsedPersona {
    pub fn parse(input: &PersonaInput) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let name = errors.line("name", &input.name, MAX_PERSONA_NAME_CHARS, "Enter a name.");
        let description = errors.text(
            "description",
            &input.description,
            MAX_PERSONA_DESCRIPTION_CHARS,
        );
        errors.finish(|| Some(Self { name, description }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_names_and_descriptions_are_rejected() {
        let input = |name: &str, description: &str| PersonaInput {
            name: name.into(),
            description: description.into(),
        };
        let work = ParsedPersona::parse(&input(" Work ", " At the desk ")).unwrap();
        assert_eq!((&*work.name, &*work.description), ("Work", "At the desk"));
        for (name, description, invalid_fields) in [
            ("", "", &["name"][..]),
            (" ", "", &["name"]),
            ("a\nb", "", &["name"]),
            ("nul\0", "nul\0", &["name", "description"]),
            (&"é".repeat(51), &"é".repeat(501), &["name", "description"]),
        ] {
            let error = ParsedPersona::parse(&input(name, description)).unwrap_err();
            for field in ["name", "description"] {
                let is_named = error.for_field(field).is_some();
                assert_eq!(
                    is_named,
                    invalid_fields.contains(&field),
                    "{field} of {name:?}"
                );
            }
        }
        assert!(ParsedPersona::parse(&input(&"é".repeat(50), &"é".repeat(500))).is_ok());
    }
}
