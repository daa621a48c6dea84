//! The errors that people and clients see. Causes never travel in them: they
//! are logged where they happen, under the request's id.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq};

use crate::access::Permission;

/// Characters of a message that are sent. The longest of ours, which list all
/// that is allowed, are shorter: what is longer echoes what came in.
const MAX_MESSAGE: usize = 2_000;
/// Characters of a field's name that are sent.
const MAX_FIELD: usize = 100;
/// Fields at fault that are sent.
const MAX_FIELDS: usize = 20;
/// Characters of a value that a message repeats.
const MAX_QUOTED: usize = 80;

/// `text` up to so many characters; where it is longer, an ellipsis ends it.
pub fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    if text.chars().nth(chars).is_none() {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(chars.saturating_sub(1)).collect();
    Cow::Owned(kept + "…")
}

/// A value as a message repeats it, in quotation marks: its beginning says
/// which one is meant.
pub fn quote(value: &str) -> String {
    format!("“{}”", cut(value, MAX_QUOTED))
}

/// Writes a message up to its bound.
///
/// # Errors
/// The serializer's own.
pub fn cut_message<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&cut(text, MAX_MESSAGE))
}

/// Writes a field's name up to its bound.
///
/// # Errors
/// The serializer's own.
pub fn cut_field<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&cut(text, MAX_FIELD))
}

/// Writes the first of the fields at fault.
///
/// # Errors
/// The serializer's own.
pub fn cut_fields<S: Serializer, T: Serialize>(fields: &[T], to: S) -> Result<S::Ok, S::Error> {
    let sent = fields.len().min(MAX_FIELDS);
    let mut to = to.serialize_seq(Some(sent))?;
    for field in &fields[..sent] {
        to.serialize_element(field)?;
    }
    to.end()
}

/// What is wrong with one field of a form or a request body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name as in the form.
    #[serde(serialize_with = "cut_field")]
    pub field: String,
    /// What is wrong and what is allowed, as one sentence.
    #[serde(serialize_with = "cut_message")]
    pub message: String,
}

/// The public face of a failure. As text and as JSON it is bounded, whatever
/// its messages repeat of what came in.
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
    #[error("{}", cut(message, MAX_MESSAGE))]
    Conflict {
        /// What stands in the way and what to do.
        #[serde(serialize_with = "cut_message")]
        message: String,
    },
    /// The input is not acceptable; what was typed is kept.
    #[error("{}", fields.first().map_or("The input is not valid.".into(), |f| cut(&f.message, MAX_MESSAGE)))]
    Invalid {
        /// The fields at fault.
        #[serde(serialize_with = "cut_fields")]
        fields: Vec<FieldError>,
    },
    /// The body is larger than the route takes.
    #[error("{}", cut(message, MAX_MESSAGE))]
    TooLarge {
        /// The limit, in words.
        #[serde(serialize_with = "cut_message")]
        message: String,
    },
    /// Too many requests.
    #[error("Too many requests. Try again in {retry_after_seconds} s.")]
    TooManyRequests {
        /// When to come again, in seconds.
        retry_after_seconds: u32,
    },
    /// A part that is needed (the database, the model) is away.
    #[error("{}", cut(message, MAX_MESSAGE))]
    Unavailable {
        /// What is away and what to do.
        #[serde(serialize_with = "cut_message")]
        message: String,
    },
    /// A fault of ours. The cause is in the log under the request's id.
    #[error("Something went wrong on our side. Nothing was changed.")]
    Internal,
    /// The request never became a call: a malformed body, a lost connection.
    #[error("{}", cut(message, MAX_MESSAGE))]
    Transport {
        /// What happened.
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

    #[test]
    fn however_much_an_error_repeats_its_json_is_bounded() {
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
    fn a_quoted_value_keeps_its_beginning() {
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
