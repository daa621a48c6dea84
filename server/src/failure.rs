//! The error type of commands.

use std::process::ExitCode;

use crate::config::ConfigError;

/// An error as one sentence that says what is wrong and what to do, and its
/// exit status.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Invalid configuration or arguments: status 2.
    #[error("{0}")]
    Usage(String),
    /// The command failed: status 1.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// [`Failure::Failed`] with the text of `cause`.
    pub fn failed(cause: impl std::fmt::Display) -> Self {
        Self::Failed(cause.to_string())
    }

    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::from(1),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}
