//! The errors returned to users and clients. Causes are never part of them:
//! they are logged where they occur, with the request id.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq};

use crate::access::Permission;

/// In characters. Our own messages are shorter, even those that list all
/// allowed values; only echoed input gets longer.
const MAX_MESSAGE: usize = 2_000;
/// Limit for a field's name, in characters.
const MAX_FIELD: usize = 100;
const MAX_FIELDS: usize = 20;
/// Limit for an echoed value, in characters.
const MAX_QUOTED: usize = 80;

/// Cuts `text` to at most `chars` characters, the last of which is then an
/// ellipsis.
pub fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    if text.chars().nth(chars).is_none() {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(chars.saturating_sub(1)).collect();
    Cow::Owned(kept + "…")
}

/// Quotes a value for a message, cut to its first characters.
pub fn quote(value: &str) -> String {
    format!("“{}”", cut(value, MAX_QUOTED))
}

/// Serializes a message, cut to its limit.
pub fn cut_message<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&cut(text, MAX_MESSAGE))
}

/// Serializes a field name, cut to its limit.
pub fn cut_field<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&cut(text, MAX_FIELD))
}

/// Serializes the field errors, at most `MAX_FIELDS` of them.
pub fn cut_fields<S: Serializer, T: Serialize>(fields: &[T], to: S) -> Result<S::Ok, S::Error> {
    let sent = fields.len().min(MAX_FIELDS);
    let mut to = to.serialize_seq(Some(sent))?;
    for field in &fields[..sent] {
        to.serialize_element(field)?;
    }
    to.end()
}

/// A validation error of one field of a form or request body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// The name as in the form.
    #[serde(serialize_with = "cut_field")]
    pub field: String,
    /// A sentence that says what is wrong and what is allowed.
    #[serde(serialize_with = "cut_message")]
    pub message: String,
}

/// The public error type. Its text and JSON are bounded in size, however much
/// input its messages repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum AppError {
    /// The request has no valid session or API key.
    #[error("You are not signed in.")]
    Unauthenticated,
    /// The resource is visible to the caller, but the permission is missing.
    #[error("You need the permission “{permission}”.")]
    Forbidden { permission: Permission },
    /// The resource does not exist or is not visible to the caller.
    #[error("Not found.")]
    NotFound,
    /// Changed by somebody else in the meantime, or not possible in the current
    /// state.
    #[error("{}", cut(message, MAX_MESSAGE))]
    Conflict {
        /// Says why and what to do.
        #[serde(serialize_with = "cut_message")]
        message: String,
    },
    /// The input is not valid. Forms keep what was typed.
    #[error("{}", fields.first().map_or("The input is not valid.".into(), |f| cut(&f.message, MAX_MESSAGE)))]
    Invalid {
        /// All invalid fields, not only the first.
        #[serde(serialize_with = "cut_fields")]
        fields: Vec<FieldError>,
    },
    /// The request body is larger than the route accepts.
    #[error("{}", cut(message, MAX_MESSAGE))]
    TooLarge {
        /// Names the limit.
        #[serde(serialize_with = "cut_message")]
        message: String,
    },
    #[error("Too many requests. Try again in {retry_after_seconds} s.")]
    TooManyRequests { retry_after_seconds: u32 },
    /// A dependency (the database, the model) is unavailable.
    #[error("{}", cut(message, MAX_MESSAGE))]
    Unavailable {
        /// Says what is unavailable and what to do.
        #[serde(serialize_with = "cut_message")]
        message: String,
    },
    /// A bug or an unexpected failure. The cause is logged with the request id.
    #[error("Something went wrong on our side. Nothing was changed.")]
    Internal,
    /// The call failed before it reached its handler: a malformed body, a lost
    /// connection.
    #[error("{}", cut(message, MAX_MESSAGE))]
    Transport {
        #[serde(serialize_with = "cut_message")]
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

    /// The same error of an input that is the field `parent` of another.
    #[must_use]
    pub fn within(self, parent: &str) -> Self {
        match self {
            Self::Invalid { fields } => Self::Invalid {
                fields: fields
                    .into_iter()
                    .map(|error| FieldError {
                        field: format!("{parent}.{}", error.field),
                        ..error
                    })
                    .collect(),
            },
            other => other,
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

    /// The stable error code, as in the JSON.
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
    fn json_round_trips_with_its_code() {
        let error = AppError::field("content", "Write something.");
        let json = serde_json::to_string(&error).unwrap();
        assert!(json.contains(r#""code":"invalid""#), "{json}");
        assert_eq!(error.code(), "invalid");
        assert_eq!(serde_json::from_str::<AppError>(&json).unwrap(), error);
        assert_eq!(error.for_field("content"), Some("Write something."));
        assert_eq!(error.for_field("title"), None);
    }

    #[test]
    fn json_size_is_bounded() {
        // Six bytes a character in JSON.
        let long = "\u{1}".repeat(100_000);
        let field = || FieldError {
            field: long.clone(),
            message: long.clone(),
        };
        let errors = [
            AppError::Conflict {
                message: long.clone(),
            },
            AppError::TooLarge {
                message: long.clone(),
            },
            AppError::Unavailable {
                message: long.clone(),
            },
            AppError::Transport {
                message: long.clone(),
            },
            AppError::Invalid {
                fields: std::iter::repeat_with(field).take(1_000).collect(),
            },
        ];
        for error in errors {
            let json = serde_json::to_string(&error).unwrap();
            assert!(json.len() < 256 * 1024, "{} {}", error.code(), json.len());
            assert!(error.to_string().chars().count() <= MAX_MESSAGE);
            let read: AppError = serde_json::from_str(&json).unwrap();
            assert_eq!(read.code(), error.code());
        }
    }

    #[test]
    fn long_quoted_values_are_cut() {
        assert_eq!(quote("memory.fly"), "“memory.fly”");
        let quoted = quote(&"ä".repeat(1_000));
        assert_eq!(quoted.chars().count(), MAX_QUOTED + 2);
        assert!(quoted.ends_with("ä…”"), "{quoted}");
        assert_eq!(
            quote(&"a".repeat(MAX_QUOTED)).chars().count(),
            MAX_QUOTED + 2
        );
    }
}
