//! Errors of the store, and the messages that people see for them.

use domain::AppError;

use crate::CONSTRAINTS;

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

/// The constraints of a feature that a user can break, each with the error that
/// says so.
pub(crate) type ConstraintErrors = &'static [(&'static str, fn() -> AppError)];

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
                    "This was updated in the meantime. Review the latest version and try again."
                        .into(),
            },
            StoreError::Cursor => {
                Self::field("after", "This page doesn't exist. Start at the first page.")
            }
            StoreError::Filter(field) => {
                Self::field(field, "Choose one of the values offered, or none.")
            }
            StoreError::Constraint(name) => constraint_error(&name),
            StoreError::Unavailable(cause) => {
                tracing::error!(error = %cause, "the database is away");
                Self::Unavailable {
                    message: "The database is unavailable. Try again shortly.".into(),
                }
            }
            StoreError::Other(cause) => {
                tracing::error!(error = %cause, "a database statement failed");
                Self::Internal
            }
        }
    }
}

/// The error for a violated constraint.
fn constraint_error(name: &str) -> AppError {
    if let Some((_, error)) = declared().find(|(declared, _)| *declared == name) {
        return error();
    }
    if name == TEXT_WITHOUT_NUL {
        AppError::field("", "Text can't contain a NUL character.")
    } else if name.ends_with("_fkey") {
        // The caller can't distinguish a reference to something that doesn't
        // exist from one to something hidden.
        AppError::NotFound
    } else {
        tracing::error!(constraint = name, "a constraint without a field was broken");
        AppError::Internal
    }
}

fn declared() -> impl Iterator<Item = &'static (&'static str, fn() -> AppError)> {
    CONSTRAINTS.iter().copied().flatten()
}

#[cfg(test)]
mod tests;
