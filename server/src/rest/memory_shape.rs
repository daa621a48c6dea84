//! How memories travel to and from programs: the same over REST and MCP.
#![expect(
    clippy::option_option,
    reason = "what is absent, what is null and what is given are three things"
)]

use axum::http::StatusCode;
use domain::{
    AppError, MemoryId, PersonaId, ProposalId, TeamId, UserId,
    memory::{self as known, MemoryKind, MemorySummary, Origin, Term, Visibility},
    memory_command::{MemoryCommand, MemoryEdit, MemoryFields},
};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A memory, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Memory {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub(crate) id: MemoryId,
    /// May be empty.
    pub(crate) title: String,
    /// The text as it was given.
    pub(crate) content: String,
    /// `fact`, `preference`, `event`, `skill_note` or `context`.
    #[schema(value_type = String)]
    kind: MemoryKind,
    /// In the order in which they were given.
    tags: Vec<String>,
    /// Who can see it: `private`, `team` or `org`.
    #[schema(value_type = String)]
    visibility: Visibility,
    /// The team that can see it, where that is one.
    team: Option<MemoryTeam>,
    /// Whose it is. Nobody else can change it.
    owner: MemoryOwner,
    /// Where it came from, e.g. `dashboard`, `api` or `mcp`.
    #[schema(value_type = String)]
    origin: Origin,
    /// `short` where it ends by itself, else `long`.
    #[schema(value_type = String)]
    term: Term,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// The context of its owner that it belongs to; the owner alone sees it.
    #[schema(value_type = Option<Uuid>)]
    persona_id: Option<PersonaId>,
    /// 0 to 1.
    importance: f32,
    /// AI products that may read it; `*` stands for all.
    #[schema(value_type = Vec<String>)]
    allowed_vendors: Vec<&'static str>,
    /// The conversation it comes from, as its program called it.
    source_session_id: Option<String>,
    /// The memory that this is a reply to.
    #[schema(value_type = Option<Uuid>)]
    parent_id: Option<MemoryId>,
    /// Goes up with each change; a change names the one it started from.
    pub(crate) version: i32,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    deleted_at: Option<OffsetDateTime>,
    /// In the answer to a change that waits for a review: its proposal. The
    /// rest is what others see until it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    pub(crate) proposal_id: Option<ProposalId>,
}

/// A team that a memory is shared with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemoryTeam {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub(crate) id: TeamId,
    /// Its name.
    pub(crate) name: String,
}

/// Whose a memory is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemoryOwner {
    /// The member's id.
    #[schema(value_type = Uuid)]
    pub(crate) id: UserId,
    /// The member's name.
    pub(crate) name: String,
}

impl From<known::Memory> for Memory {
    fn from(memory: known::Memory) -> Self {
        Self {
            term: memory.term(),
            allowed_vendors: memory.allowed_vendors.keys(),
            team: memory
                .team_id
                .zip(memory.team_name)
                .map(|(id, name)| MemoryTeam { id, name }),
            owner: MemoryOwner {
                id: memory.owner_id,
                name: memory.owner_name,
            },
            id: memory.id,
            title: memory.title,
            content: memory.content,
            kind: memory.kind,
            tags: memory.tags,
            visibility: memory.visibility,
            origin: memory.origin,
            expires_at: memory.expires_at,
            persona_id: memory.persona_id,
            importance: memory.importance,
            source_session_id: memory.source_session_id,
            parent_id: memory.parent_id,
            version: memory.version,
            created_at: memory.created_at,
            updated_at: memory.updated_at,
            deleted_at: memory.deleted_at,
            proposal_id: None,
        }
    }
}

impl Memory {
    /// The answer to a change of `memory`.
    pub(crate) fn changed(memory: known::Memory, proposal_id: Option<ProposalId>) -> Self {
        Self {
            proposal_id,
            ..memory.into()
        }
    }

    /// 202 where the change waits for a review.
    pub(crate) const fn status(&self) -> StatusCode {
        if self.proposal_id.is_some() {
            StatusCode::ACCEPTED
        } else {
            StatusCode::OK
        }
    }
}

/// A memory in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemoryRow {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub(crate) id: MemoryId,
    /// May be empty.
    pub(crate) title: String,
    /// The beginning of the text; in a search, the passage that matches.
    pub(crate) excerpt: String,
    /// `fact`, `preference`, `event`, `skill_note` or `context`.
    #[schema(value_type = String)]
    kind: MemoryKind,
    /// In the order in which they were given.
    tags: Vec<String>,
    /// Who can see it: `private`, `team` or `org`.
    #[schema(value_type = String)]
    visibility: Visibility,
    /// Whose it is.
    owner: MemoryOwner,
    /// Where it came from.
    #[schema(value_type = String)]
    origin: Origin,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// The memory that this is a reply to.
    #[schema(value_type = Option<Uuid>)]
    parent_id: Option<MemoryId>,
    /// How many replies to it are in sight.
    replies: i64,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    deleted_at: Option<OffsetDateTime>,
}

impl From<MemorySummary> for MemoryRow {
    fn from(memory: MemorySummary) -> Self {
        Self {
            id: memory.id,
            title: memory.title,
            excerpt: memory.excerpt,
            kind: memory.kind,
            tags: memory.tags,
            visibility: memory.visibility,
            owner: MemoryOwner {
                id: memory.owner_id,
                name: memory.owner_name,
            },
            origin: memory.origin,
            expires_at: memory.expires_at,
            parent_id: memory.parent_id,
            replies: memory.replies,
            updated_at: memory.updated_at,
            deleted_at: memory.deleted_at,
        }
    }
}

/// A memory to be kept. It is private to the member behind the key, unless it
/// is a reply.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMemory {
    /// At most 200 characters.
    #[serde(default)]
    #[schema(example = "Team tea")]
    title: String,
    /// The text: 1 to 100,000 bytes.
    #[schema(example = "The team meets for tea at four on Thursdays.")]
    content: String,
    /// `fact`, `preference`, `event`, `skill_note` or `context`; without it, a
    /// fact.
    #[schema(example = "fact")]
    kind: Option<String>,
    /// At most 20, each of at most 50 characters and without a comma.
    #[serde(default)]
    #[schema(example = json!(["tea"]))]
    tags: Vec<String>,
    /// When it ends by itself; without it, it is kept.
    #[serde(default, with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// One of the member's own contexts.
    #[schema(value_type = Option<Uuid>)]
    persona_id: Option<PersonaId>,
    /// 0 to 1; without it, 0.5.
    importance: Option<f32>,
    /// AI products that may read it: `chatgpt`, `claude`, `cursor`, `copilot`,
    /// `gemini`, `other`; without it or with `*`, all.
    allowed_vendors: Option<Vec<String>>,
    /// The conversation it comes from, in at most 200 characters.
    source_session_id: Option<String>,
    /// The memory in sight that this replies to, which is no reply itself.
    /// Whoever sees that one sees the reply; it ends with it, and
    /// `expires_at`, `persona_id` and `allowed_vendors` are left out.
    #[schema(value_type = Option<Uuid>)]
    parent_id: Option<MemoryId>,
}

impl NewMemory {
    /// What is to be done with it.
    pub(crate) fn command(self, origin: Origin) -> Result<MemoryCommand, AppError> {
        MemoryFields::from(self).command(origin)
    }
}

impl From<NewMemory> for MemoryFields {
    fn from(new: NewMemory) -> Self {
        Self {
            title: new.title,
            content: new.content,
            kind: new.kind,
            tags: new.tags,
            expires_at: new.expires_at,
            persona_id: new.persona_id,
            importance: new.importance,
            allowed_vendors: new.allowed_vendors,
            source_session_id: new.source_session_id,
            parent_id: new.parent_id,
        }
    }
}

/// What is to become of a memory: what is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemoryPatch {
    /// The version that the change started from.
    #[schema(example = 1)]
    pub(crate) version: i32,
    /// Another title.
    title: Option<String>,
    /// Another text.
    #[schema(example = "The team meets for tea at five on Thursdays.")]
    content: Option<String>,
    /// Another kind.
    kind: Option<String>,
    /// Other tags, in place of all that there are.
    tags: Option<Vec<String>>,
    /// Another end; null: it is kept.
    #[serde(default, deserialize_with = "time_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<OffsetDateTime>>,
    /// Another context; null: none.
    #[serde(default, deserialize_with = "value_or_null")]
    #[schema(value_type = Option<Uuid>)]
    persona_id: Option<Option<PersonaId>>,
    /// 0 to 1.
    importance: Option<f32>,
    /// AI products that may read it, in place of all that there are.
    allowed_vendors: Option<Vec<String>>,
    /// Why, kept with the earlier version: at most 500 characters.
    reason: Option<String>,
}

impl From<MemoryPatch> for MemoryEdit {
    fn from(patch: MemoryPatch) -> Self {
        Self {
            title: patch.title,
            content: patch.content,
            kind: patch.kind,
            tags: patch.tags,
            expires_at: patch.expires_at,
            persona_id: patch.persona_id,
            importance: patch.importance,
            allowed_vendors: patch.allowed_vendors,
            reason: patch.reason,
        }
    }
}

/// Absent is `None`, null is `Some(None)`.
fn value_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn time_or_null<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<OffsetDateTime>>, D::Error> {
    time::serde::rfc3339::option::deserialize(from).map(Some)
}
