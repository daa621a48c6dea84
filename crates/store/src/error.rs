//! Errors of the store, and the messages that people see for them.

use domain::{AppError, Permission};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row doesn't exist, or the actor can't see it.
    #[error("there is no such row in sight")]
    NotFound,
    /// Somebody else changed it first, or its state doesn't allow the
    /// operation.
    #[error("it was changed by somebody else first")]
    Conflict,
    /// A violated constraint of the schema, or rule of the store such as
    /// `last_owner`.
    #[error("the rule “{0}” was broken")]
    Constraint(String),
    /// A cursor of another list or tenant.
    #[error("the cursor is not one of this list")]
    Cursor,
    /// An invalid filter value; holds the field's name.
    #[error("the filter “{0}” is not acceptable")]
    Filter(&'static str),
    /// No connection within the time limit, or it was lost.
    #[error("the database is away")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else: a bug.
    #[error("the database refused a statement")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

pub const LAST_OWNER: &str = "last_owner";

/// A member can have at most [`domain::memory_view::MAX_VIEWS`] saved views.
pub(crate) const VIEWS_LIMIT: &str = "memory_views_limit";

/// Postgres can't store a NUL character in text.
const TEXT_WITHOUT_NUL: &str = "text_without_nul";

impl StoreError {
    /// A bug that is not a database error.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::Other(message.into().into())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::RowNotFound => return Self::NotFound,
            E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Io(_) => {
                return Self::Unavailable(error);
            }
            E::Database(database) => {
                if let Some(name) = database.constraint() {
                    return Self::Constraint(name.to_owned());
                }
                match database.code().as_deref() {
                    // Serialisation failure, deadlock, lock not available.
                    Some("40001" | "40P01" | "55P03") => return Self::Conflict,
                    // A character that the database's encoding can't represent.
                    Some("22021") => return Self::Constraint(TEXT_WITHOUT_NUL.to_owned()),
                    // Connection failures, too many connections, server
                    // shutting down or starting, statement timeout.
                    Some(code)
                        if code.starts_with("08") || code.starts_with("57") || code == "53300" =>
                    {
                        return Self::Unavailable(error);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Self::Other(error.into())
    }
}

impl From<StoreError> for AppError {
    /// Causes that people don't see are logged here, once; the request's span
    /// adds its id.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::Conflict => Self::Conflict {
                message:
                    "This was changed in the meantime. Look at the newest version and try again."
                        .into(),
            },
            StoreError::Cursor => Self::field(
                "after",
                "This page of the list doesn't exist. Start at the first page.",
            ),
            StoreError::Filter(field) => {
                Self::field(field, "Choose one of the values offered, or none.")
            }
            StoreError::Constraint(name) => constraint_error(&name),
            StoreError::Unavailable(cause) => {
                tracing::error!(error = %cause, "the database is away");
                Self::Unavailable {
                    message: "The database is not available at the moment. Try again shortly."
                        .into(),
                }
            }
            StoreError::Other(cause) => {
                tracing::error!(error = %cause, "a database statement failed");
                Self::Internal
            }
        }
    }
}

/// The field error or conflict for a violated constraint.
fn constraint_error(name: &str) -> AppError {
    match name {
        "tenants_slug_key" => {
            AppError::field("slug", "There is an organisation with this slug already.")
        }
        "tenants_slug_check" => AppError::field(
            "slug",
            "A slug has 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
        ),
        "tenants_entra_tenant_id_key" => AppError::field(
            "entra_tenant_id",
            "This directory is another organisation's already.",
        ),
        "tenants_name_check" => AppError::field("name", "A name has 1 to 200 characters."),
        "users_handle_key" => {
            AppError::field("handle", "There is a member with this handle already.")
        }
        "users_display_name_check" => {
            AppError::field("display_name", "A name has 1 to 200 characters.")
        }
        "roles_key_key" => AppError::field(
            "name",
            "There is a role with this name, or one like it, already.",
        ),
        "teams_name_key" => AppError::field("name", "There is a team with this name already."),
        "teams_name_check" => AppError::field("name", "A team's name has 1 to 100 characters."),
        "group_mappings_grant_key" => AppError::field(
            "group_id",
            "There is a rule already by which this group grants exactly this.",
        ),
        "group_mappings_grant_check" => {
            AppError::field("role_id", "Choose a role, a team, or both.")
        }
        "group_mappings_group_id_check" => {
            AppError::field("group_id", "A group's id or name has 1 to 255 characters.")
        }
        "group_mappings_label_check" => AppError::field("label", "A name has 1 to 255 characters."),
        "group_mappings_priority_check" => {
            AppError::field("priority", "A priority is a whole number from 0 to 1000.")
        }
        "api_keys_label_check" => AppError::field("label", "A label has 1 to 100 characters."),
        "break_glass_grants_reason_check" => {
            AppError::field("reason", "Say why, in 10 to 500 characters.")
        }
        "personas_name_key" => {
            AppError::field("name", "You have a persona with this name already.")
        }
        "memories_persona_id_fkey" => AppError::field("persona_id", "Choose one of your personas."),
        "memory_versions_change_reason_check" => {
            AppError::field("reason", "A reason has at most 500 characters.")
        }
        "memory_views_name_key" => {
            AppError::field("name", "You have a view with this name already.")
        }
        VIEWS_LIMIT => AppError::field(
            "name",
            format!(
                "You have {} views, which is as many as there may be. Delete one first.",
                domain::memory_view::MAX_VIEWS
            ),
        ),
        "memory_proposals_pending_idx" => AppError::Conflict {
            message: "You have proposed this already. It waits for a decision.".into(),
        },
        // Raised by `memory_reply_publish`.
        "memory_reply_share" => AppError::Forbidden {
            permission: Permission::MemoryShare,
        },
        "identities_subject_key" | "identities_entra_key" => AppError::Conflict {
            message: "This identity belongs to a member already.".into(),
        },
        LAST_OWNER => AppError::Conflict {
            message: "This is the organisation's last owner. Make somebody else an owner first."
                .into(),
        },
        TEXT_WITHOUT_NUL => AppError::field("", "Text can't contain a NUL character."),
        // The caller can't distinguish a reference to something that doesn't
        // exist from one to something hidden.
        _ if name.ends_with("_fkey") => AppError::NotFound,
        _ => {
            tracing::error!(constraint = name, "a constraint without a field was broken");
            AppError::Internal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
