//! Objects that may break a rule, with the reason. A test fails for an
//! exception that is no longer needed.

use super::Exception;

pub const EXCEPTIONS: &[Exception] = &[
    // Tables that are read before a tenant is known.
    (
        "policy_holds_tenant",
        "tenants.tenants_auth_select",
        "the front door turns a slug into a tenant",
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
        "a worker leaves organisations alone that are not active; two columns only",
    ),
    (
        "policy_holds_tenant",
        "identities.identities_auth_select",
        "a sign-in is looked up before a tenant is known",
    ),
    (
        "policy_holds_tenant",
        "identities.identities_auth_insert",
        "only the front door writes identities",
    ),
    (
        "policy_holds_tenant",
        "identities.identities_auth_delete",
        "only the front door removes identities",
    ),
    (
        "policy_holds_tenant",
        "web_sessions.web_sessions_auth_select",
        "the cookie is all that a request brings",
    ),
    (
        "policy_holds_tenant",
        "web_sessions.web_sessions_auth_insert",
        "only the front door opens sessions",
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
        "login_attempts.login_attempts_auth_select",
        "nobody is known yet",
    ),
    (
        "policy_holds_tenant",
        "login_attempts.login_attempts_auth_insert",
        "nobody is known yet",
    ),
    (
        "policy_holds_tenant",
        "login_attempts.login_attempts_auth_delete",
        "nobody is known yet",
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
        "the key is all that a request brings",
    ),
    (
        "policy_holds_tenant",
        "api_keys.api_keys_auth_update",
        "its use is noted before a tenant is entered",
    ),
    (
        "policy_holds_tenant",
        "invites.invites_auth_select",
        "the link is all that a visitor brings; three columns only",
    ),
    (
        "policy_holds_tenant",
        "jobs.jobs_worker_select",
        "a worker doesn't know whose work is due before it claims",
    ),
    (
        "policy_holds_tenant",
        "jobs.jobs_worker_update",
        "a worker claims the work of any tenant",
    ),
    (
        "policy_holds_tenant",
        "idempotency_keys.idempotency_keys_worker_select",
        "what is past its time goes, whosever it is; one column only",
    ),
    (
        "policy_holds_tenant",
        "idempotency_keys.idempotency_keys_worker_delete",
        "what is past its time goes, whosever it is",
    ),
    (
        "policy_holds_tenant",
        "audit_denials.audit_denials_worker_select",
        "housekeeping finds whose denials are to be written; two columns only",
    ),
    (
        "policy_holds_tenant",
        "audit_heads.audit_heads_worker_select",
        "finds logs that grew since their last checkpoint; how long they are and the tree's hashes",
    ),
    (
        "policy_holds_tenant",
        "audit_checkpoints.audit_checkpoints_worker_select",
        "finds logs that grew since their last checkpoint; it is signed to be shown",
    ),
    (
        "policy_holds_tenant",
        "imports.imports_worker_select",
        "housekeeping doesn't know whose files nobody imports before it looks; no name and no content",
    ),
    (
        "policy_holds_tenant",
        "memories.memories_worker_select",
        "finds organisations with something to sweep; no words and no vectors",
    ),
    (
        "policy_holds_tenant",
        "embedding_models.embedding_models_worker_select",
        "finds models whose vectors are to be made or let go; where they are, not which",
    ),
    (
        "policy_holds_tenant",
        "memory_collections.memory_collections_worker_select",
        "finds collections that were not counted for a while; two columns only",
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
        "only the table's owner can make partitions",
    ),
    (
        "definer_functions",
        "memory_search_words",
        "row security would keep the word index from being used",
    ),
    (
        "definer_functions",
        "memory_collection_refresh",
        "counts everybody's words for the tenant, into tables that no member reads",
    ),
    (
        "definer_functions",
        "memory_like_lexemes",
        "repeats the policy, as the keyword search; knows how common words are",
    ),
    (
        "definer_functions",
        "team_memories_count",
        "tells how many, never which, before a team goes",
    ),
    (
        "definer_functions",
        "team_memories_release",
        "gives memories back to owners whose rows the actor may not see",
    ),
    (
        "definer_functions",
        "user_memories_count",
        "tells how many, never which, before a member goes",
    ),
    (
        "definer_functions",
        "user_memories_hand_over",
        "gives shared memories to another member; the actor may not see them",
    ),
    (
        "definer_functions",
        "team_proposals_release",
        "ends what waits for a team that goes, which the actor may not see",
    ),
    (
        "definer_functions",
        "user_proposals_withdraw",
        "ends what a member who goes had proposed, which the actor may not see",
    ),
    (
        "definer_functions",
        "memory_share",
        "compares a memory with what it was, which a policy can't",
    ),
    (
        "definer_functions",
        "memory_edit",
        "compares a memory with what it becomes, which a policy can't",
    ),
    (
        "definer_functions",
        "memory_proposal_accept",
        "shares a memory that the actor sees as a proposal only",
    ),
    (
        "definer_functions",
        "memory_proposal_close",
        "the only way a proposal ends unshared",
    ),
    (
        "definer_functions",
        "tenant_purge",
        "removes a deleted organisation past its grace, as a role that nobody takes",
    ),
    (
        "definer_functions",
        "memory_reply_publish",
        "makes a reply as visible as what it replies to, which a policy can't compare",
    ),
    (
        "definer_functions",
        "memory_embedding_owners",
        "tells a worker whose memories wait for a vector, and shows it none",
    ),
    (
        "definer_functions",
        "memory_thread_follow",
        "replies follow their root, and belong to others",
    ),
    (
        "definer_functions",
        "memory_expire",
        "moves what has ended into the trash, whosever it is, without reading it",
    ),
    (
        "definer_functions",
        "memory_trash_purge",
        "deletes what is in the trash, whosever it is, without reading it",
    ),
    (
        "definer_functions",
        "memory_trash_empty",
        "deletes one's own trash with the replies in it, which belong to others",
    ),
    (
        "definer_functions",
        "memory_collection_size",
        "counts the tenant's rows without comparing each with the policy",
    ),
    (
        "definer_functions",
        "memory_embedding_counts",
        "how far an embedding model is depends on everybody's memories; gives numbers",
    ),
];
