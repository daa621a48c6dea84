//! Sentences for broken constraints of imports.

use domain::AppError;

use crate::error::ConstraintErrors;

pub(crate) const CONSTRAINTS: ConstraintErrors = &[("imports_choice_check", || {
    AppError::field("columns", "Choose fewer columns.")
})];
