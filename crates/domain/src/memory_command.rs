//! What a program asks to be done with memories: fields as they travel, each
//! of which may be wrong, and what they mean once checked.

use serde::{Deserialize, Serialize};

use crate::{
    Action, AppError, FieldError, MemoryId, PersonaId, ProposalId, Timestamp,
    memory::{
        AllowedVendors, Memory, MemoryAttributes, MemoryChange, MemoryKind, MemoryText, NewMemory,
        Origin, USUAL_IMPORTANCE,
    },
    memory_form::both,
};

/// Rows of one batch at most.
pub const MAX_BATCH: usize = 1_000;

/// A memory to be kept, as a program gives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryFields {
    /// May be empty.
    pub title: String,
    /// The text.
    pub content: String,
    /// A kind's key; without it, a fact.
    pub kind: Option<String>,
    /// In their order.
    pub tags: Vec<String>,
    /// When it is let go.
    pub expires_at: Option<Timestamp>,
    /// The context of its owner that it belongs to.
    pub persona_id: Option<PersonaId>,
    /// 0 to 1.
    pub importance: Option<f32>,
    /// Keys of vendors; without it, all may read it.
    pub allowed_vendors: Option<Vec<String>>,
    /// The conversation it comes from.
    pub source_session_id: Option<String>,
    /// The memory that this replies to.
    pub parent_id: Option<MemoryId>,
}

impl MemoryFields {
    /// What the fields say, checked as far as no clock is needed.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
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
                importance: self.importance.unwrap_or(USUAL_IMPORTANCE),
                allowed_vendors,
            },
            origin,
            source_session_id: self.source_session_id,
        })
    }

    /// What is to be done with the fields: a new memory kept, or a reply to
    /// one. Who may read a reply and how long it is kept is as of what it
    /// replies to, so that nothing can be said of it.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn command(self, origin: Origin) -> Result<MemoryCommand, AppError> {
        let Some(root) = self.parent_id else {
            return self.parse(origin).map(MemoryCommand::Create);
        };
        let inherited = [
            ("expires_at", self.expires_at.is_some()),
            ("persona_id", self.persona_id.is_some()),
            ("allowed_vendors", self.allowed_vendors.is_some()),
        ];
        let faults: Vec<_> = inherited
            .into_iter()
            .filter(|(_, is_given)| *is_given)
            .map(|(field, _)| FieldError {
                field: field.to_owned(),
                message: "Leave this out: a reply has it from the memory that it replies to."
                    .to_owned(),
            })
            .collect();
        let inherits = if faults.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid { fields: faults })
        };
        let (reply, ()) = both(self.parse(origin), inherits)?;
        Ok(MemoryCommand::Reply { root, reply })
    }
}

/// What is to become of a memory's fields; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryEdit {
    /// Another title; may be empty.
    pub title: Option<String>,
    /// Another text.
    pub content: Option<String>,
    /// Another kind's key.
    pub kind: Option<String>,
    /// Other tags, all of them.
    pub tags: Option<Vec<String>>,
    /// Another end, or none.
    pub expires_at: Option<Option<Timestamp>>,
    /// Another context, or none.
    pub persona_id: Option<Option<PersonaId>>,
    /// 0 to 1.
    pub importance: Option<f32>,
    /// Keys of vendors, all of them.
    pub allowed_vendors: Option<Vec<String>>,
    /// Why, kept with the earlier version.
    pub reason: Option<String>,
}

impl MemoryEdit {
    /// What `memory` is to become.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn onto(self, memory: Memory) -> Result<MemoryChange, AppError> {
        let has_traits = self.expires_at.is_some()
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
            attributes: has_traits.then_some(attributes),
            reason: self.reason,
        })
    }
}

/// One thing to be done with memories.
#[derive(Clone, Debug, PartialEq)]
pub enum MemoryCommand {
    /// Keep a new one.
    Create(NewMemory),
    /// Keep a reply to one in sight.
    Reply {
        /// To which.
        root: MemoryId,
        /// What is said.
        reply: NewMemory,
    },
    /// Change one from a version of it.
    Update {
        /// Which.
        id: MemoryId,
        /// The version that the change started from.
        version: i32,
        /// What is to become of it.
        edit: MemoryEdit,
    },
    /// Move one to the trash.
    Delete {
        /// Which.
        id: MemoryId,
    },
    /// Take one out of the trash.
    Restore {
        /// Which.
        id: MemoryId,
    },
}

impl MemoryCommand {
    /// As which act it is authorised and audited.
    pub const fn action(&self) -> Action {
        match self {
            Self::Create(_) => Action::MemoryCreate,
            Self::Reply { .. } => Action::MemoryReply,
            Self::Update { .. } => Action::MemoryUpdate,
            Self::Delete { .. } => Action::MemoryDelete,
            Self::Restore { .. } => Action::MemoryRestore,
        }
    }

    /// The memory that it is about; for a reply, the one that is replied to.
    pub const fn target(&self) -> Option<MemoryId> {
        match self {
            Self::Create(_) => None,
            Self::Reply { root: id, .. }
            | Self::Update { id, .. }
            | Self::Delete { id }
            | Self::Restore { id } => Some(*id),
        }
    }

    /// What is to be told when it was done.
    pub const fn done(&self) -> BatchDone {
        match self {
            Self::Create(_) | Self::Reply { .. } => BatchDone::Created,
            Self::Update { .. } => BatchDone::Updated,
            Self::Delete { .. } => BatchDone::Deleted,
            Self::Restore { .. } => BatchDone::Restored,
        }
    }
}

/// What became of a row of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchDone {
    /// There is a new memory.
    Created,
    /// The memory was changed.
    Updated,
    /// Its change waits for a review.
    Proposed,
    /// The memory is in the trash.
    Deleted,
    /// The memory is out of the trash.
    Restored,
}

/// What became of a memory by an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// What was done.
    pub done: BatchDone,
    /// Which memory.
    pub id: MemoryId,
    /// The version that it has now, where that changed.
    pub version: Option<i32>,
    /// The proposal, where it is one.
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
    fn what_is_not_said_is_as_for_everybody() {
        let memory = fields().parse(Origin::Api).unwrap();
        assert_eq!(memory.text.kind, MemoryKind::Fact);
        assert_eq!(memory.attributes, MemoryAttributes::default());
        assert_eq!(memory.origin, Origin::Api);
    }

    #[test]
    fn a_reply_says_nothing_of_what_it_has_from_its_root() {
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
    fn every_field_at_fault_is_named_at_once() {
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
