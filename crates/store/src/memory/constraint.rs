//! Sentences for broken constraints of memories.

use domain::{AppError, Permission, memory_view::MAX_VIEWS};

use crate::error::ConstraintErrors;

/// A member can have at most [`MAX_VIEWS`] saved views.
pub(super) const VIEWS_LIMIT: &str = "memory_views_limit";

pub(crate) const CONSTRAINTS: ConstraintErrors = &[
    ("memory_versions_change_reason_check", || {
        AppError::field("reason", "A reason has at most 500 characters.")
    }),
    ("memory_views_name_key", || {
        AppError::field("name", "You have a view with this name already.")
    }),
    (VIEWS_LIMIT, || {
        AppError::field(
            "name",
            format!(
                "You have {MAX_VIEWS} views, which is as many as there may be. Delete one first."
            ),
        )
    }),
    // Raised by `memory_reply_publish`.
    ("memory_reply_share", || AppError::Forbidden {
        permission: Permission::MemoryShare,
    }),
];
