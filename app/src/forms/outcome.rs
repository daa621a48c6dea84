//! What became of a form that was posted without JavaScript.

use domain::AppError;
use serde::{Deserialize, Serialize};

/// The hidden field that names the server function.
pub(crate) const CALL_FIELD: &str = "call";

/// A form's failed call, for the page that answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The server function's name.
    pub(crate) call: String,
    /// Why it failed.
    pub(crate) error: AppError,
    /// What was typed, name and value.
    pub(crate) fields: Vec<(String, String)>,
}

impl Outcome {
    /// The typed value of the field `name`.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
}
