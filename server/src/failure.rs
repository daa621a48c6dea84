//! How a command of the program ends when it can't do its work.

use std::process::ExitCode;

use crate::config::ConfigError;

/// One sentence that says what is wrong and what to do, and the exit status.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration or the arguments can't be used: status 2.
    #[error("{0}")]
    Usage(String),
    /// The work was tried and failed: status 1.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// [`Failure::Failed`] from anything that reads as a sentence.
    pub fn failed(cause: impl std::fmt::Display) -> Self {
        Self::Failed(cause.to_string())
    }

    /// The process's exit status.
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
