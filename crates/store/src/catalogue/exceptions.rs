//! Objects that may break a rule, with the reason. A test fails for an
//! exception that is no longer needed.

use super::Exception;

pub const EXCEPTIONS: &[Exception] = &[
    // Tables that are read before a tenant is known.
    (
        "policy_holds_tenant",
        "tenants.tenants_auth_select",
        "sign-in finds a tenant by its slug",
    ),
    (
        "policy_holds_tenant",
        "tenants.tenants_operator_select",
        "the command line lists all tenants",
    ),
    (
        "policy_holds_tenant",
        "tenants.tenants_operator_insert",
        "the command line creates tenants",
    ),
    (
        "policy_holds_tenant",
        "tenants.tenants_operator_update",
        "the command line changes tenants",
    ),
    (
        "policy_holds_tenant",
        "tenants.tenants_worker_select",
        "a worker skips organisations that are not active; two columns only",
    ),
    (
        "policy_holds_tenant",
        "identities.identities_auth_select",
        "a sign-in is looked up before a tenant is known",
    ),
    (
        "policy_holds_tenant",
        "identities.identities_auth_insert",
        "only sign-in writes identities",
    ),
    (
        "policy_holds_tenant",
        "identities.identities_auth_delete",
        "only sign-in removes identities",
    ),
    (
        "policy_holds_tenant",
        "web_sessions.web_sessions_auth_select",
        "a request identifies a session by its cookie alone",
    ),
    (
        "policy_holds_tenant",
        "web_sessions.web_sessions_auth_insert",
        "only sign-in creates sessions",
    ),
    (
        "policy_holds_tenant",
        "web_sessions.web_sessions_auth_update",
        "sessions are touched and ended by their cookie",
    ),
    (
        "policy_holds_tenant",
        "web_sessions.web_sessions_auth_delete",
        "expired sessions of all tenants are purged",
    ),
    (
        "policy_holds_tenant",
        "web_sessions.web_sessions_session_select",
        "owner of session_enter, which finds a session by its cookie's hash; no tokens",
    ),
    (
        "policy_holds_tenant",
        "login_attempts.login_attempts_auth_select",
        "the member is not known yet",
    ),
    (
        "policy_holds_tenant",
        "login_attempts.login_attempts_auth_insert",
        "the member is not known yet",
    ),
    (
        "policy_holds_tenant",
        "login_attempts.login_attempts_auth_delete",
        "the member is not known yet",
    ),
    (
        "policy_holds_tenant",
        "logout_tokens.logout_tokens_auth_select",
        "the issuer names sessions before a tenant is known",
    ),
    (
        "policy_holds_tenant",
        "logout_tokens.logout_tokens_auth_insert",
        "the issuer names sessions before a tenant is known",
    ),
    (
        "policy_holds_tenant",
        "logout_tokens.logout_tokens_auth_delete",
        "tokens of all issuers are purged",
    ),
    (
        "policy_holds_tenant",
        "api_keys.api_keys_auth_select",
        "a request identifies a key by its text alone",
    ),
    (
        "policy_holds_tenant",
        "api_keys.api_keys_auth_update",
        "its use is recorded before a tenant is entered",
    ),
    (
        "policy_holds_tenant",
        "invites.invites_auth_select",
        "a visitor identifies an invite by its link alone; three columns only",
    ),
    (
        "policy_holds_tenant",
        "jobs.jobs_worker_select",
        "a worker doesn't know the tenant of a due job before it claims it",
    ),
    (
        "policy_holds_tenant",
        "jobs.jobs_worker_update",
        "a worker claims jobs of any tenant",
    ),
    (
        "policy_holds_tenant",
        "idempotency_keys.idempotency_keys_worker_select",
        "housekeeping finds expired rows of every tenant; one column only",
    ),
    (
        "policy_holds_tenant",
        "idempotency_keys.idempotency_keys_worker_delete",
        "housekeeping deletes expired rows of every tenant",
    ),
    (
        "policy_holds_tenant",
        "audit_denials.audit_denials_worker_select",
        "housekeeping finds tenants with counted denials; two columns only",
    ),
    (
        "policy_holds_tenant",
        "audit_heads.audit_heads_worker_select",
        "finds logs that grew since their last checkpoint; lengths and hashes only",
    ),
    (
        "policy_holds_tenant",
        "audit_checkpoints.audit_checkpoints_worker_select",
        "finds logs that grew since their last checkpoint; checkpoints are public",
    ),
    (
        "policy_holds_tenant",
        "imports.imports_worker_select",
        "housekeeping finds abandoned files of every tenant; no names and no content",
    ),
    (
        "policy_holds_tenant",
        "memories.memories_worker_select",
        "finds organisations with memories to sweep; no texts and no vectors",
    ),
    (
        "policy_holds_tenant",
        "embedding_models.embedding_models_worker_select",
        "finds tenants with models to build or drop; no vectors",
    ),
    (
        "policy_holds_tenant",
        "memory_collections.memory_collections_worker_select",
        "finds collections whose count is old; two columns only",
    ),
    (
        "policy_holds_tenant",
        "memories.memories_search_select",
        "owner of the keyword search, which repeats the policy",
    ),
    // Functions that run as their owner.
    (
        "definer_functions",
        "audit_append",
        "the only way to write audit rows",
    ),
    (
        "definer_functions",
        "audit_partitions_ensure",
        "only the table's owner can create partitions",
    ),
    (
        "definer_functions",
        "session_enter",
        "a request identifies a session by its cookie alone, on the login that can read none",
    ),
    (
        "definer_functions",
        "memory_search_words",
        "row security would prevent the use of the word index",
    ),
    (
        "definer_functions",
        "memory_collection_refresh",
        "counts the words of all members for the tenant, into tables that no member reads",
    ),
    (
        "definer_functions",
        "memory_like_lexemes",
        "repeats the policy like the keyword search; reads word counts",
    ),
    (
        "definer_functions",
        "team_memories_count",
        "counts memories, without returning any, before a team is deleted",
    ),
    (
        "definer_functions",
        "team_memories_release",
        "unshares memories that the actor may not see",
    ),
    (
        "definer_functions",
        "user_memories_count",
        "counts memories, without returning any, before a member is offboarded",
    ),
    (
        "definer_functions",
        "user_memories_hand_over",
        "transfers shared memories that the actor may not see",
    ),
    (
        "definer_functions",
        "team_proposals_release",
        "ends proposals to a deleted team that the actor may not see",
    ),
    (
        "definer_functions",
        "user_proposals_withdraw",
        "ends proposals of an offboarded member that the actor may not see",
    ),
    (
        "definer_functions",
        "memory_share",
        "compares a memory with its earlier state, which a policy can't",
    ),
    (
        "definer_functions",
        "memory_edit",
        "compares a memory with its new state, which a policy can't",
    ),
    (
        "definer_functions",
        "memory_proposal_accept",
        "shares a memory that the actor sees as a proposal only",
    ),
    (
        "definer_functions",
        "memory_proposal_close",
        "the only way to decline or withdraw a proposal",
    ),
    (
        "definer_functions",
        "tenant_purge",
        "purges a deleted organisation after its grace period, as a role that no login takes",
    ),
    (
        "definer_functions",
        "memory_reply_publish",
        "makes a reply as visible as its root, which a policy can't compare",
    ),
    (
        "definer_functions",
        "memory_embedding_owners",
        "returns the owners of memories without a vector, and no memories",
    ),
    (
        "definer_functions",
        "memory_thread_follow",
        "changes replies with their root, which belong to others",
    ),
    (
        "definer_functions",
        "memory_expire",
        "moves expired memories of all members to the trash without reading them",
    ),
    (
        "definer_functions",
        "memory_trash_purge",
        "deletes old trash of all members without reading it",
    ),
    (
        "definer_functions",
        "memory_trash_empty",
        "deletes one's own trash with replies that belong to others",
    ),
    (
        "definer_functions",
        "memory_collection_size",
        "counts the tenant's rows without comparing each with the policy",
    ),
    (
        "definer_functions",
        "memory_embedding_counts",
        "counts the vectors of all members' memories",
    ),
];
