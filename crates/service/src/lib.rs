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
mod invite;
mod isolation;
mod job;
mod live;
mod member;
mod memory;
mod memory_command;
mod memory_edit;
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
pub use bulk::{MemberBulkActionList, MemberBulkOutcomeGet, MemberBulkPreview, bulk_apply};
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
    Upload, UploadError, import_cancel, import_confirm, import_discard, import_get, import_list,
    import_preview, import_retry,
};
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
pub use memory::{
    memory_create, memory_get, memory_list, memory_replies, memory_reply, memory_search,
    memory_similar, memory_versions,
};
pub use memory_command::{memory_apply, memory_batch};
pub use memory_edit::{memory_needs_review, memory_update};
pub use memory_trash::{
    memory_delete, memory_purge, memory_restore, memory_sweep, memory_trash_empty,
};
pub use memory_version::{
    memory_version_diff, memory_version_get, memory_version_list, memory_version_restore,
};
pub use memory_view::{
    MemoryViewCreate, MemoryViewDelete, MemoryViewList, MemoryViewRename, memory_filter_choices,
};
pub use notification::{
    NotificationList, NotificationRead, NotificationReadAll, notification_unread_count,
};
pub use offboard::{MemberOffboardPreview, offboard};
pub use operation::{
    Endpoint, Group, Method, Operation, OperationVisitor, Route, authorize_endpoint, call,
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
    proposal_accept, proposal_decline, proposal_get, proposal_list, proposal_pending,
    proposal_pending_count, proposal_withdraw,
};
pub use role::{RoleCreate, RoleDelete, RoleGet, RoleList, RoleUpdate, role_names};
pub use settings::{SettingsGet, SettingsUpdate};
pub use share::{memory_share, memory_sharing, memory_unshare};
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
