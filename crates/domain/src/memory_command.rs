//! Memory operations requested over the API: raw fields, and the validated
//! commands that they become.

use serde::{Deserialize, Serialize};

use crate::{
    Action, AppError, FieldError, MemoryId, PersonaId, ProposalId, Timestamp,
    memory::{
        AllowedVendors, DEFAULT_IMPORTANCE, Memory, MemoryAttributes, MemoryChange, MemoryKind,
        MemoryText, NewMemory, Origin,
    },
    memory_form::both,
};

/// In rows.
pub const MAX_BATCH: usize = 1_000;

/// A new memory as sent by a program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryFields {
    pub title: String,
    pub content: String,
    /// A [`MemoryKind`] key; defaults to fact.
    pub kind: Option<String>,
    pub tags: Vec<String>,
    pub expires_at: Option<Timestamp>,
    pub persona_id: Option<PersonaId>,
    /// 0 to 1.
    pub importance: Option<f32>,
    /// Keys of vendors; `None` allows all.
    pub allowed_vendors: Option<Vec<String>>,
    pub source_session_id: Option<String>,
    /// Makes the memory a reply to this one.
    pub parent_id: Option<MemoryId>,
}

impl MemoryFields {
    /// Validates everything that does not depend on the current time.
    pub fn parse(self, origin: Origin) -> Result<NewMemory, AppError> {
        let kind = self.kind.as_deref().unwrap_or(MemoryKind::Fact.key());
        let text = MemoryText::new(&self.title, self.content, kind, &self.tags);
        let vendors = self.allowed_vendors.as_deref();
        let vendors = vendors.map_or(Ok(AllowedVendors::All), AllowedVendors::from_keys);
        let (text, allowed_vendors) = both(text, vendors)?;
        Ok(NewMemory {
            text,
            attributes: MemoryAttributes {
                expires_at: self.expires_at,
                persona_id: self.persona_id,
                importance: self.importance.unwrap_or(DEFAULT_IMPORTANCE),
                allowed_vendors,
            },
            origin,
            source_session_id: self.source_session_id,
        })
    }

    /// Builds a `Create` command or, with a parent, a `Reply`. A reply inherits
    /// expiry, persona and allowed vendors from its parent, so setting them is
    /// an error.
    pub fn command(self, origin: Origin) -> Result<MemoryCommand, AppError> {
        let Some(root) = self.parent_id else {
            return self.parse(origin).map(MemoryCommand::Create);
        };
        let inherited = [
            ("expires_at", self.expires_at.is_some()),
            ("persona_id", self.persona_id.is_some()),
            ("allowed_vendors", self.allowed_vendors.is_some()),
        ];
        let errors: Vec<_> = inherited
            .into_iter()
            .filter(|(_, is_set)| *is_set)
            .map(|(field, _)| FieldError {
                field: field.to_owned(),
                message: "Leave this out: a reply has it from the memory that it replies to."
                    .to_owned(),
            })
            .collect();
        let no_inherited_fields = if errors.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid { fields: errors })
        };
        let (reply, ()) = both(self.parse(origin), no_inherited_fields)?;
        Ok(MemoryCommand::Reply { root, reply })
    }
}

/// Changes to a memory; fields that are `None` stay as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryEdit {
    pub title: Option<String>,
    pub content: Option<String>,
    /// A [`MemoryKind`] key.
    pub kind: Option<String>,
    /// Replaces all tags.
    pub tags: Option<Vec<String>>,
    /// `Some(None)` removes it.
    pub expires_at: Option<Option<Timestamp>>,
    /// `Some(None)` removes it.
    pub persona_id: Option<Option<PersonaId>>,
    /// 0 to 1.
    pub importance: Option<f32>,
    /// Keys of vendors; replaces all of them.
    pub allowed_vendors: Option<Vec<String>>,
    /// Stored with the earlier version.
    pub reason: Option<String>,
}

impl MemoryEdit {
    /// Applies the edit to `memory` and validates the result.
    pub fn onto(self, memory: Memory) -> Result<MemoryChange, AppError> {
        let changes_attributes = self.expires_at.is_some()
            || self.persona_id.is_some()
            || self.importance.is_some()
            || self.allowed_vendors.is_some();
        let text = MemoryText::new(
            &self.title.unwrap_or(memory.title),
            self.content.unwrap_or(memory.content),
            self.kind.as_deref().unwrap_or(memory.kind.key()),
            &self.tags.unwrap_or(memory.tags),
        );
        let vendors = self.allowed_vendors.as_deref();
        let vendors = vendors.map_or(Ok(memory.allowed_vendors), AllowedVendors::from_keys);
        let (text, allowed_vendors) = both(text, vendors)?;
        let attributes = MemoryAttributes {
            expires_at: self.expires_at.unwrap_or(memory.expires_at),
            persona_id: self.persona_id.unwrap_or(memory.persona_id),
            importance: self.importance.unwrap_or(memory.importance),
            allowed_vendors,
        };
        Ok(MemoryChange {
            text,
            attributes: changes_attributes.then_some(attributes),
            reason: self.reason,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum MemoryCommand {
    Create(NewMemory),
    /// Replies to a visible memory.
    Reply {
        root: MemoryId,
        reply: NewMemory,
    },
    /// Changes a memory, if `version` is still current.
    Update {
        id: MemoryId,
        /// The version that the edit is based on.
        version: i32,
        edit: MemoryEdit,
    },
    Delete {
        id: MemoryId,
    },
    Restore {
        id: MemoryId,
    },
}

impl MemoryCommand {
    /// The action to authorise and audit.
    pub const fn action(&self) -> Action {
        match self {
            Self::Create(_) => Action::MemoryCreate,
            Self::Reply { .. } => Action::MemoryReply,
            Self::Update { .. } => Action::MemoryUpdate,
            Self::Delete { .. } => Action::MemoryDelete,
            Self::Restore { .. } => Action::MemoryRestore,
        }
    }

    /// The affected memory; for a reply, the parent.
    pub const fn target(&self) -> Option<MemoryId> {
        match self {
            Self::Create(_) => None,
            Self::Reply { root: id, .. }
            | Self::Update { id, .. }
            | Self::Delete { id }
            | Self::Restore { id } => Some(*id),
        }
    }

    /// The result to report on success.
    pub const fn done(&self) -> BatchOutcome {
        match self {
            Self::Create(_) | Self::Reply { .. } => BatchOutcome::Created,
            Self::Update { .. } => BatchOutcome::Updated,
            Self::Delete { .. } => BatchOutcome::Deleted,
            Self::Restore { .. } => BatchOutcome::Restored,
        }
    }
}

/// The result for one row of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOutcome {
    Created,
    Updated,
    /// The change waits for review.
    Proposed,
    Deleted,
    Restored,
}

/// The result of a [`MemoryCommand`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    pub done: BatchOutcome,
    pub id: MemoryId,
    /// The new version, if it changed.
    pub version: Option<i32>,
    pub proposal_id: Option<ProposalId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> MemoryFields {
        MemoryFields {
            content: "Tea at four".into(),
            ..MemoryFields::default()
        }
    }

    #[test]
    fn missing_fields_get_defaults() {
        let memory = fields().parse(Origin::Api).unwrap();
        assert_eq!(memory.text.kind, MemoryKind::Fact);
        assert_eq!(memory.attributes, MemoryAttributes::default());
        assert_eq!(memory.origin, Origin::Api);
    }

    #[test]
    fn reply_rejects_inherited_fields() {
        let root = MemoryId(uuid::Uuid::from_u128(7));
        let reply = MemoryFields {
            parent_id: Some(root),
            ..fields()
        };
        let command = reply.clone().command(Origin::Api).unwrap();
        assert!(matches!(command, MemoryCommand::Reply { root: to, .. } if to == root));
        assert!(matches!(
            fields().command(Origin::Api),
            Ok(MemoryCommand::Create(_))
        ));
        let error = MemoryFields {
            content: " ".into(),
            expires_at: Some(Timestamp::UNIX_EPOCH),
            persona_id: Some(PersonaId(uuid::Uuid::nil())),
            allowed_vendors: Some(vec!["*".into()]),
            ..reply
        }
        .command(Origin::Api)
        .unwrap_err();
        for field in ["content", "expires_at", "persona_id", "allowed_vendors"] {
            assert!(error.for_field(field).is_some(), "{field}: {error:?}");
        }
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let error = MemoryFields {
            content: "nul\0".into(),
            kind: Some("song".into()),
            tags: (0..10_000).map(|n| n.to_string()).collect(),
            allowed_vendors: Some(vec!["hal".into()]),
            ..fields()
        }
        .parse(Origin::Api)
        .unwrap_err();
        for field in ["content", "kind", "tags", "allowed_vendors"] {
            assert!(error.for_field(field).is_some(), "{field}: {error:?}");
        }
    }
}
