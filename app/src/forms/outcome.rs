//! What became of a form that was posted without JavaScript.

use std::fmt;

use domain::AppError;
use serde::{Deserialize, Serialize};

/// The hidden field that names the server function.
pub(crate) const CALL_FIELD: &str = "call";

/// The header by which a server function asks that its answer be shown on the
/// page with the form instead of leading elsewhere: for what is shown once and
/// may stand in no URL.
#[cfg(feature = "ssr")]
pub(crate) const STAY_HEADER: &str = "x-atrium-stay";

/// What a form's call came to, for the page that answers it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The server function's name.
    pub(crate) call: String,
    /// Its answer as JSON, or why it failed.
    pub(crate) ended: Result<String, AppError>,
    /// What was typed, name and value.
    pub(crate) fields: Vec<(String, String)>,
}

// By hand: an answer may hold what is shown once.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

impl Outcome {
    /// The typed value of the field `name`.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of the field `name`, as of a group of checkboxes.
    pub(crate) fn field_all(&self, name: &str) -> Vec<String> {
        self.fields
            .iter()
            .filter(|(field, _)| field == name)
            .map(|(_, value)| value.clone())
            .collect()
    }
}
