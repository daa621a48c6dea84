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

pub use api_key::{
    ApiKeyCreate, ApiKeyError, ApiKeyGet, ApiKeyList, ApiKeyOwnerGet, ApiKeyRevoke,
    OrganisationApiKeyCreate, OrganisationApiKeyGet, OrganisationApiKeyList,
    OrganisationApiKeyRevoke, RejectedKey, ServiceAccountCreate, ServiceAccountList,
    ServiceAccountOwnerGet, api_key_actor, api_key_check, api_key_is_well_formed,
    api_key_rejection_audit,
};
pub use audit::{
    AuditList, AuditReport, AuditVerdict, CheckpointFolder, CheckpointKey, CheckpointProblem,
    CheckpointSettings, CheckpointWriter, NoteProblem, StoredNotes, audit_verify,
};
pub use authorized_tx::authorize;
pub use break_glass::{
    BreakGlassReportList, break_glass_close, break_glass_list, break_glass_open, break_glass_read,
};
pub use bulk::{MemberBulkActionList, MemberBulkApply, MemberBulkOutcomeGet, MemberBulkPreview};
pub use context::{Clock, Ctx, Entropy, Ids, Quotas};
pub use denial::{denials_sweep, request_denial_audit};
pub use embedder::{EmbedFailure, Embedder};
pub use embedding_model::{
    EmbeddingModelCancel, EmbeddingModelGet, EmbeddingModelPause, EmbeddingModelResume,
    EmbeddingModelStart,
};
pub use export::{Export, memory_export};
pub use group_mapping::{
    GroupMappingCreate, GroupMappingDelete, GroupMappingList, GroupMappingSimulate,
    GroupMappingUpdate,
};
pub use idempotency::{IdempotentCall, idempotency_begin, idempotency_forget, idempotency_store};
pub use import::{
    ImportCancel, ImportConfirm, ImportDiscard, ImportGet, ImportList, ImportPreviewGet,
    ImportRetry, Upload, UploadError,
};
pub use input::{JsonObject, Part, brief, read_input, read_json_input};
pub use interchange::ExportFormat;
pub use invite::{
    AcceptedInvite, FoundInvite, InviteChoicesGet, InviteCreate, InviteGet, InviteList,
    InviteRenew, InviteRevoke, InviteToken, invite_accept, invite_find, owner_invite_create,
};
pub use isolation::{IsolationProbe, isolation_check};
pub use job::{WorkerSettings, embedding_sweep, work};
pub use live::{LiveReader, changes_relay};
pub use member::{
    MemberGet, MemberList, MemberRoleGrant, MemberRoleRevoke, member_change, member_session_revoke,
    member_session_revoke_all,
};
pub use member_status::{
    MemberDeactivate, MemberReactivate, MemberSessionRevoke, MemberSessionRevokeAll, MemberSuspend,
};
pub use memory::{
    MemoryCreate, MemoryGet, MemoryList, MemoryReplies, MemoryThreadGet, MemoryUpdate,
};
pub use memory_batch::{MemoryBatch, MemoryBatchInput};
pub use memory_edit::memory_needs_review;
pub use memory_search::{MemorySearch, MemorySimilar};
pub use memory_trash::{MemoryDelete, MemoryPurge, MemoryRestore, MemoryTrashEmpty, memory_sweep};
pub use memory_version::{
    MemoryVersionDiff, MemoryVersionGet, MemoryVersionList, MemoryVersionRestore, memory_versions,
};
pub use memory_view::{
    MemoryViewCreate, MemoryViewDelete, MemoryViewList, MemoryViewRename, memory_filter_choices,
};
pub use notification::{
    NotificationList, NotificationRead, NotificationReadAll, notification_unread_count,
};
pub use offboard::{MemberOffboard, MemberOffboardPreview};
pub use operation::{
    Endpoint, Group, McpTool, Method, Operation, OperationVisitor, Route, authorize_endpoint, call,
    visit_operations,
};
pub use operator::{operator_add, operator_list, operator_remove};
pub use overview::overview_get;
pub use persona::{PersonaCreate, PersonaDelete, PersonaGet, PersonaList, PersonaUpdate};
pub use preferences::{
    PreferencesGet, PreferencesUpdate, ThemeSet, currencies, day_end, display_settings, time_zones,
};
pub use profile::{
    ProfileGet, actor_find, organisation_list, session_list, session_revoke, session_revoke_others,
};
pub use proposal::{
    ProposalAccept, ProposalDecline, ProposalGet, ProposalList, ProposalWithdraw, proposal_pending,
    proposal_pending_count,
};
pub use role::{RoleCreate, RoleDelete, RoleGet, RoleList, RoleUpdate, role_names};
pub use settings::{SettingsGet, SettingsUpdate};
pub use share::{MemoryShare, MemorySharingGet, MemoryUnshare};
pub use team::{
    TeamCreate, TeamDelete, TeamGet, TeamList, TeamMemberRemove, TeamMemberSet, TeamRename,
    team_names,
};
pub use tenant::{
    CreatedOrganisation, NewOrganisation, Owner, Person, Tenant, member_add, member_exists,
    tenant_create, tenant_list,
};
pub use tenant_lifecycle::{
    Initiator, tenant_delete, tenant_get, tenant_id_by_slug, tenant_page, tenant_resume,
    tenant_suspend, tenant_tier_set, tenants_purge,
};
