//! The use cases of Atrium. Pages, REST, MCP and jobs call these functions and
//! nothing below them.
//!
//! Each authorises its [`domain::Action`], opens a transaction with row-level
//! security, does its work, writes the audit row in the same transaction and
//! commits.

mod api_key;
mod audit;
mod authorized_tx;
mod break_glass;
mod bulk;
mod context;
pub mod database;
mod denial;
mod embedder;
mod embedding_model;
mod export;
mod frame;
mod group_mapping;
mod idempotency;
pub mod identity;
mod import;
mod input;
mod invite;
mod isolation;
mod job;
mod live;
mod member;
mod member_status;
mod memory;
mod memory_batch;
mod memory_edit;
mod memory_search;
mod memory_trash;
mod memory_version;
mod memory_view;
mod notification;
mod offboard;
mod operation;
mod operator;
mod overview;
mod page;
mod persona;
mod preferences;
mod profile;
mod proposal;
mod role;
mod secret;
mod settings;
mod share;
mod team;
mod tenant;
mod tenant_lifecycle;

pub use self::{
    api_key::*, audit::*, authorized_tx::*, break_glass::*, bulk::*, context::*, denial::*,
    embedder::*, embedding_model::*, export::*, frame::*, group_mapping::*, idempotency::*,
    import::*, input::*, invite::*, isolation::*, job::*, live::*, member::*, member_status::*,
    memory::*, memory_batch::*, memory_edit::*, memory_search::*, memory_trash::*,
    memory_version::*, memory_view::*, notification::*, offboard::*, operation::*, operator::*,
    overview::*, page::PageSnapshot, persona::*, preferences::*, profile::*, proposal::*, role::*,
    settings::*, share::*, team::*, tenant::*, tenant_lifecycle::*,
};
pub use interchange::{ExportFormat, rows_csv};

/// Visits every operation, in the order of the API reference.
pub fn visit_operations(visitor: &mut impl OperationVisitor) {
    profile::visit_operations(visitor);
    overview::visit_operations(visitor);
    preferences::visit_operations(visitor);
    break_glass::visit_operations(visitor);
    persona::visit_operations(visitor);
    memory::visit_operations(visitor);
    memory_version::visit_operations(visitor);
    share::visit_operations(visitor);
    proposal::visit_operations(visitor);
    import::visit_operations(visitor);
    memory_view::visit_operations(visitor);
    member::visit_operations(visitor);
    bulk::visit_operations(visitor);
    member_status::visit_operations(visitor);
    offboard::visit_operations(visitor);
    role::visit_operations(visitor);
    team::visit_operations(visitor);
    invite::visit_operations(visitor);
    group_mapping::visit_operations(visitor);
    settings::visit_operations(visitor);
    embedding_model::visit_operations(visitor);
    isolation::visit_operations(visitor);
    api_key::visit_operations(visitor);
    audit::visit_operations(visitor);
    notification::visit_operations(visitor);
}
