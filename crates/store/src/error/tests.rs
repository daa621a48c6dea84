use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Generated from the catalogue; a test of its own keeps it true.
const SCHEMA: &str = include_str!("../../../../schema/current.sql");

const FUNCTIONS: &str = include_str!("../../../../schema/functions/memory_sharing.sql");

/// Constraints that no request can break, by the reason. Not listed are those
/// of an enumeration, which is written from a Rust enum, and of a digest's
/// length; primary keys, which are new ids; and foreign keys, which are
/// answered with "not found" whatever their name.
const UNREACHABLE: &[(&str, &[&str])] = &[
    (
        "unique because it is random or contains the id",
        &[
            "api_keys_key_hash_key",
            "imports_user_id_key",
            "invites_token_hash_key",
            "personas_user_id_key",
            "web_sessions_id_hash_key",
        ],
    ),
    (
        "the statement expects it: ON CONFLICT, or a conflict for the caller",
        &[
            "embedding_models_next_key",
            "embedding_models_slot_key",
            "jobs_dedupe_key",
            "memories_source_digest_key",
        ],
    ),
    (
        "the domain's type refuses the value first, by its field",
        &[
            "embedding_models_base_url_check",
            "embedding_models_dimensions_check",
            "embedding_models_endpoint_check",
            "embedding_models_model_check",
            "break_glass_grants_term_check",
            "invites_email_check",
            "memories_allowed_vendors_check",
            "memories_allowed_vendors_known_check",
            "memories_content_check",
            "memories_importance_check",
            "memories_source_session_id_check",
            "memories_source_url_check",
            "memories_tags_check",
            "memories_title_check",
            "memory_proposals_comment_check",
            "memory_proposals_review_comment_check",
            "memory_views_name_check",
            "memory_views_query_check",
            "personas_description_check",
            "personas_name_check",
            "roles_description_check",
            "roles_key_check",
            "roles_name_check",
            "tenants_settings_check",
            "tenants_status_reason_check",
            "user_preferences_locale_check",
            "user_preferences_time_zone_check",
        ],
    ),
    (
        "the service or the server refuses, shortens or ignores the value first",
        &[
            "break_glass_grants_other_check",
            "idempotency_keys_key_check",
            "identities_length_check",
            "import_chunks_bytes_check",
            "import_chunks_position_check",
            "imports_file_name_check",
            "imports_size_check",
            "login_attempts_return_to_check",
            "memory_proposals_other_check",
            "users_avatar_url_check",
            "users_email_check",
            "users_handle_check",
            "web_sessions_oidc_sid_check",
            "web_sessions_oidc_subject_check",
            "web_sessions_user_agent_check",
        ],
    ),
    (
        "copied from a column with the same bound, or from a list of keys",
        &[
            "api_keys_scopes_check",
            "memory_proposals_attributes_check",
            "memory_proposals_memory_version_check",
            "memory_proposals_replaces_check",
            "memory_proposals_team_name_check",
            "roles_permissions_check",
            "user_claims_app_roles_check",
            "user_claims_groups_check",
        ],
    ),
    (
        "Atrium writes these columns together, by the state that it leads",
        &[
            "embedding_models_active_key",
            "embedding_models_dropped_check",
            "embedding_models_place_check",
            "embedding_models_problem_at_check",
            "embedding_models_retired_check",
            "identities_key_check",
            "imports_arrived_check",
            "invites_accepted_check",
            "jobs_finished_check",
            "jobs_lease_check",
            "login_attempts_invite_check",
            "memories_parent_check",
            "memories_team_check",
            "memory_collections_lexemes_check",
            "memory_proposals_reviewed_check",
            "memory_proposals_team_check",
            "roles_system_permissions_check",
            "tenants_delete_after_check",
            "tenants_status_by_check",
            "users_parent_check",
            "web_sessions_previous_id_check",
        ],
    ),
    (
        "Atrium makes or counts the value",
        &[
            "api_keys_prefix_check",
            "embedding_models_failures_check",
            "embedding_models_problem_check",
            "imports_report_check",
            "invites_renewals_check",
            "jobs_attempts_check",
            "jobs_dedupe_key_check",
            "jobs_error_check",
            "jobs_kind_check",
            "jobs_locked_by_check",
            "jobs_max_attempts_check",
            "jobs_payload_check",
            "jobs_progress_done_check",
            "jobs_progress_total_check",
            "jobs_result_check",
            "login_attempts_issuer_check",
            "login_attempts_issuer_name_check",
            "login_attempts_nonce_check",
            "login_attempts_pkce_verifier_check",
            "memories_embedding_a_check",
            "memories_embedding_b_check",
            "memories_version_check",
            "memory_collections_memories_check",
            "memory_lexemes_memories_check",
            "memory_versions_version_check",
            "notifications_data_check",
            "notifications_kind_check",
            "roles_version_check",
            "tenants_version_check",
            "web_sessions_issuer_name_check",
            "web_sessions_oidc_issuer_check",
            "web_sessions_tokens_encrypted_check",
        ],
    ),
    (
        "audit rows are built by the service from bounded values",
        &[
            "audit_checkpoints_edge_check",
            "audit_checkpoints_note_check",
            "audit_checkpoints_size_check",
            "audit_denials_action_check",
            "audit_denials_reason_check",
            "audit_denials_repeats_check",
            "audit_heads_edge_check",
            "audit_heads_seq_check",
            "audit_log_action_check",
            "audit_log_at_check",
            "audit_log_changes_check",
            "audit_log_metadata_check",
            "audit_log_seq_check",
        ],
    ),
];

/// Names and definitions of the schema's checks and unique keys.
fn constraints() -> BTreeMap<&'static str, &'static str> {
    SCHEMA
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            if let Some(index) = line.strip_prefix("CREATE UNIQUE INDEX ") {
                return index.split_once(' ');
            }
            let (name, definition) = line.strip_prefix("CONSTRAINT ")?.split_once(' ')?;
            let has_rule = definition.starts_with("CHECK") || definition.starts_with("UNIQUE");
            has_rule.then_some((name, definition.trim_end_matches(',')))
        })
        .collect()
}

/// True for `CHECK ((column = ANY (ARRAY['a'::text, …])))`.
fn is_enumeration(definition: &str) -> bool {
    let Some((column, keys)) = definition
        .strip_prefix("CHECK ((")
        .and_then(|rest| rest.split_once(" = ANY (ARRAY["))
    else {
        return false;
    };
    let Some(keys) = keys
        .strip_suffix("])))")
        .or_else(|| keys.strip_suffix("]))"))
    else {
        return false;
    };
    let is_word = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '0'..='9'))
    };
    is_word(column)
        && keys.split(", ").all(|key| {
            key.strip_prefix('\'')
                .and_then(|key| key.strip_suffix("'::text"))
                .is_some_and(is_word)
        })
}

/// True for `CHECK ((octet_length(column) = 32))`.
fn is_digest(definition: &str) -> bool {
    definition.starts_with("CHECK ((octet_length(") && definition.ends_with(") = 32))")
}

#[test]
fn every_constraint_has_a_sentence_or_is_listed_as_unreachable() {
    let with_sentence: BTreeSet<_> = declared().map(|(name, _)| *name).collect();
    let listed: BTreeSet<_> = UNREACHABLE
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    let constraints = constraints();
    assert!(constraints.len() > 150, "{}", constraints.len());
    for (name, definition) in &constraints {
        let reasons = [
            with_sentence.contains(name),
            listed.contains(name),
            is_enumeration(definition) || is_digest(definition),
        ];
        let reasons = reasons.into_iter().filter(|holds| *holds).count();
        assert_eq!(reasons, 1, "{name}: {definition}");
    }
    for name in &listed {
        assert!(constraints.contains_key(name), "the schema has no {name}");
    }
}

#[test]
fn every_sentence_belongs_to_one_rule_that_exists() {
    let constraints = constraints();
    // Rules that the store or a function raises by name.
    let raised = [
        crate::role::LAST_OWNER,
        "memory_views_limit",
        "memory_reply_share",
    ];
    assert!(FUNCTIONS.contains("CONSTRAINT = 'memory_reply_share'"));
    let mut names = BTreeSet::new();
    for (name, error) in declared() {
        assert!(names.insert(name), "{name} has two sentences");
        let is_foreign_key = SCHEMA.contains(&format!("CONSTRAINT {name} FOREIGN KEY"));
        assert!(
            constraints.contains_key(name) || raised.contains(name) || is_foreign_key,
            "{name} is no rule"
        );
        assert_ne!(error(), AppError::Internal, "{name}");
    }
}

#[test]
fn pool_timeout_is_unavailable_and_hides_its_cause() {
    let error = AppError::from(StoreError::from(sqlx::Error::PoolTimedOut));
    assert_eq!(error.status(), 503);
    assert!(!error.to_string().contains("pool"), "{error}");
}

#[test]
fn constraints_become_field_errors() {
    let error = AppError::from(StoreError::Constraint("teams_name_key".into()));
    assert!(error.for_field("name").is_some());
    // SEC-C6: a foreign key into another tenant looks like a missing row.
    let error = AppError::from(StoreError::Constraint("user_roles_role_id_fkey".into()));
    assert_eq!(error, AppError::NotFound);
    let error = AppError::from(StoreError::Constraint("unheard_of_check".into()));
    assert_eq!(error, AppError::Internal);
}
