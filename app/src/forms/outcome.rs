//! The result of a form post without JavaScript.

use std::fmt;

use domain::AppError;

/// Response header by which a server function asks to show its output on the
/// form's page instead of redirecting: for output that is shown once and must
/// not be in a URL.
pub(crate) const STAY_HEADER: &str = "x-atrium-stay";

/// The result of a form's call, for the page that responds to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Name of the server function.
    pub(crate) call: String,
    /// The output as JSON, or the error.
    pub(crate) ended: Result<String, AppError>,
    /// Names and values of the posted fields.
    pub(crate) fields: Vec<(String, String)>,
}

// Not derived: the output may be a secret that is shown once.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

impl Outcome {
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
