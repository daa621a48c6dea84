//! Domain types of Atrium: ids, permissions and role rules, the types sent
//! between browser and server, and the errors shown to users.
//!
//! This crate compiles to wasm and has no database, no HTTP and no clock. A
//! feature (`memory`, `audit`, `job` …) has the same name in every layer.

pub mod access;
pub mod action;
pub mod api_key;
pub mod audit;
pub mod break_glass;
pub mod bulk;
pub mod email;
pub mod embedding_model;
pub mod error;
mod form_text;
pub mod group_mapping;
pub mod id;
pub mod identity;
pub mod import;
mod input;
pub mod invite;
pub mod isolation;
pub mod job;
mod keyed_enum;
pub mod live;
pub mod member;
pub mod memory;
pub mod memory_command;
pub mod memory_version;
pub mod memory_view;
pub mod notification;
pub mod offboard;
pub mod overview;
pub mod paging;
pub mod persona;
pub mod preferences;
pub mod profile;
pub mod proposal;
pub mod reference;
pub mod role;
#[cfg(feature = "schema")]
pub mod schema;
pub mod settings;
pub mod share;
pub mod sign_in;
pub mod team;
pub mod tenant;
pub mod validate;
pub mod vocabulary;

pub use self::{
    api_key::ApiKeyId, break_glass::BreakGlassId, embedding_model::EmbeddingModelId,
    group_mapping::GroupMappingId, import::ImportId, invite::InviteId, job::JobId,
    memory::MemoryId, memory_view::MemoryViewId, notification::NotificationId, persona::PersonaId,
    proposal::ProposalId, role::RoleId, team::TeamId,
};
pub use access::{Actor, ActorKind, Permission, RequestFacts};
pub use action::Action;
pub use error::{AppError, FieldError};
pub use id::*;
pub use input::{NoInput, WithId};
pub use memory::Vendor;
pub use paging::Page;
pub use sign_in::SignInProblem;

/// UTC, with microsecond precision as in Postgres.
pub type Timestamp = time::OffsetDateTime;
