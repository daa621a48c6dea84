//! The errors that people and clients see. Causes never travel in them: they
//! are logged where they happen, under the request's id.

use serde::{Deserialize, Serialize};

use crate::access::Permission;

/// What is wrong with one field of a form or a request body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name as in the form.
    pub field: String,
    /// What is wrong and what is allowed, as one sentence.
    pub message: String,
}

/// The public face of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum AppError {
    /// No valid session or key came with the request.
    #[error("You are not signed in.")]
    Unauthenticated,
    /// The caller knows of the thing but lacks the permission.
    #[error("This needs the permission “{permission}”.")]
    Forbidden {
        /// What is missing.
        permission: Permission,
    },
    /// It doesn't exist, or the caller may not know that it does.
    #[error("There is nothing here.")]
    NotFound,
    /// Somebody else changed it first, or its state does not allow the act.
    #[error("{message}")]
    Conflict {
        /// What stands in the way and what to do.
        message: String,
    },
    /// The input is not acceptable; what was typed is kept.
    #[error("{}", fields.first().map_or("The input is not valid.", |f| f.message.as_str()))]
    Invalid {
        /// The fields at fault.
        fields: Vec<FieldError>,
    },
    /// The body is larger than the route takes.
    #[error("{message}")]
    TooLarge {
        /// The limit, in words.
        message: String,
    },
    /// Too many requests.
    #[error("Too many requests. Try again in {retry_after_seconds} s.")]
    TooManyRequests {
        /// When to come again, in seconds.
        retry_after_seconds: u32,
    },
    /// A part that is needed (the database, the model) is away.
    #[error("{message}")]
    Unavailable {
        /// What is away and what to do.
        message: String,
    },
    /// A fault of ours. The cause is in the log under the request's id.
    #[error("Something went wrong on our side. Nothing was changed.")]
    Internal,
    /// The request never became a call: a malformed body, a lost connection.
    #[error("{message}")]
    Transport {
        /// What happened.
        message: String,
    },
}

impl AppError {
    /// [`AppError::Invalid`] for a single field.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            fields: vec![FieldError {
                field: field.into(),
                message: message.into(),
            }],
        }
    }

    /// The HTTP status that carries this error (RFC 9110).
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden { .. } => 403,
            Self::NotFound => 404,
            Self::Conflict { .. } => 409,
            Self::TooLarge { .. } => 413,
            Self::Invalid { .. } => 422,
            Self::TooManyRequests { .. } => 429,
            Self::Internal => 500,
            Self::Unavailable { .. } => 503,
            Self::Transport { .. } => 400,
        }
    }

    /// The kind of error as a word that never changes, as in its JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::TooLarge { .. } => "too_large",
            Self::Invalid { .. } => "invalid",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Internal => "internal",
            Self::Unavailable { .. } => "unavailable",
            Self::Transport { .. } => "transport",
        }
    }

    /// The message for `field`, if this error names it.
    pub fn for_field(&self, field: &str) -> Option<&str> {
        match self {
            Self::Invalid { fields } => fields
                .iter()
                .find(|f| f.field == field)
                .map(|f| f.message.as_str()),
            _ => None,
        }
    }
}

#[cfg(feature = "server-fn")]
impl server_fn::error::FromServerFnError for AppError {
    type Encoder = server_fn::codec::JsonEncoding;

    fn from_server_fn_error(error: server_fn::error::ServerFnErrorErr) -> Self {
        Self::Transport {
            message: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn travels_as_json_with_its_code() {
        let error = AppError::field("content", "Write something.");
        let json = serde_json::to_string(&error).unwrap();
        assert!(json.contains(r#""code":"invalid""#), "{json}");
        assert_eq!(error.code(), "invalid");
        assert_eq!(serde_json::from_str::<AppError>(&json).unwrap(), error);
        assert_eq!(error.for_field("content"), Some("Write something."));
        assert_eq!(error.for_field("title"), None);
    }
}
