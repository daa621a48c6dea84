//! What people are told when a constraint of imports is broken.

use domain::AppError;

use crate::error::ConstraintErrors;

pub(crate) const CONSTRAINTS: ConstraintErrors = &[("imports_choice_check", || {
    AppError::field("columns", "Choose fewer columns.")
})];
