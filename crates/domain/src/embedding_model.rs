//! The embedding models of an organisation. At most one is active, and one more
//! can be built beside it.

use serde::{Deserialize, Serialize};

use crate::{
    AppError, Timestamp, form_text, id::typed_id, keyed_enum::keyed_enum, validate::FieldErrors,
};

typed_id!(EmbeddingModelId, "embedding_model");

/// The model that runs inside Atrium.
pub const LOCAL_MODEL: &str = "all-MiniLM-L6-v2";
/// Vector length of [`LOCAL_MODEL`].
pub const LOCAL_DIMENSIONS: u16 = 384;
/// Supported vector lengths: shorter ones are too imprecise, longer ones can't
/// be indexed.
pub const DIMENSIONS: std::ops::RangeInclusive<u16> = 64..=4_000;
/// In characters.
pub const MAX_MODEL_CHARS: usize = 200;

keyed_enum! {
    EmbeddingModelStatus {
        /// Vectors are being built; searches still use the active model.
        Building = "building", "Indexing";
        /// Building is paused.
        Paused = "paused", "Paused";
        Active = "active", "In use";
        /// Replaced by another model, or cancelled while building.
        Retired = "retired", "Retired";
    }
}

/// The service that computes the vectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingSource {
    /// Atrium itself; no data leaves the machine.
    Local,
    /// A service set up by the operator, by its name in the configuration,
    /// which has its address and API key.
    Endpoint(String),
    /// A service without an API key, by its URL.
    Address(String),
}

keyed_enum! {
    /// Each memory has two vector columns, so that a new model can be built while
    /// the other one is in use.
    EmbeddingSlot {
        A = "a";
        B = "b";
    }
}

impl EmbeddingSlot {
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EmbeddingModel {
    pub id: EmbeddingModelId,
    pub source: EmbeddingSource,
    /// The name that the service uses.
    pub model: String,
    /// Vector length.
    pub dimensions: u16,
    /// `dimensions` was requested from a model whose full vectors are longer.
    pub is_shortened: bool,
    pub slot: EmbeddingSlot,
    pub status: EmbeddingModelStatus,
    /// The error of the last failed attempt.
    pub problem: Option<String>,
    /// When the next attempt is due.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub retry_at: Option<Timestamp>,
    /// Consecutive failures.
    pub failures: u32,
    /// `None` if created by Atrium.
    pub created_by_name: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub created_at: Timestamp,
    /// When searches began to use it.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub activated_at: Option<Timestamp>,
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub retired_at: Option<Timestamp>,
    /// When the last of its vectors was deleted.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::DateTime>"))]
    pub dropped_at: Option<Timestamp>,
}

impl EmbeddingModel {
    /// True if vectors of this model are to be computed.
    pub fn needs_vectors(&self) -> bool {
        matches!(
            self.status,
            EmbeddingModelStatus::Active | EmbeddingModelStatus::Building
        )
    }

    /// True if the model is retired but has vectors left to delete.
    pub fn is_being_dropped(&self) -> bool {
        self.status == EmbeddingModelStatus::Retired && self.dropped_at.is_none()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EmbeddingProgress {
    /// Memories with a vector.
    pub done: i64,
    /// All memories of the organisation, except those in the trash.
    pub total: i64,
}

/// A model with its progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EmbeddingModelEntry {
    pub model: EmbeddingModel,
    pub progress: EmbeddingProgress,
}

/// Data of the models page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EmbeddingModels {
    /// The active model, the next one if any, then retired ones, newest first.
    pub models: Vec<EmbeddingModelEntry>,
    /// Memories that only their owners see, of all members, except those in the
    /// trash.
    pub private_memories: i64,
    /// Names of the services set up by the operator.
    pub endpoints: Vec<String>,
    /// The reason why the local model can't be used; `None` if it can.
    pub local_off: Option<String>,
}

impl EmbeddingModels {
    pub fn active(&self) -> Option<&EmbeddingModelEntry> {
        self.find_by_status(|status| status == EmbeddingModelStatus::Active)
    }

    /// The model being built or paused.
    pub fn next(&self) -> Option<&EmbeddingModelEntry> {
        self.find_by_status(|status| {
            matches!(
                status,
                EmbeddingModelStatus::Building | EmbeddingModelStatus::Paused
            )
        })
    }

    /// True while vectors of a retired model are being deleted; until then its
    /// column can't be reused.
    pub fn is_dropping(&self) -> bool {
        self.models
            .iter()
            .any(|entry| entry.model.is_being_dropped())
    }

    fn find_by_status(
        &self,
        matches_status: impl Fn(EmbeddingModelStatus) -> bool,
    ) -> Option<&EmbeddingModelEntry> {
        self.models
            .iter()
            .find(|entry| matches_status(entry.model.status))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EmbeddingModelInput {
    /// `local`, `address`, or `endpoint:` and the name of a service that the
    /// operator set up.
    pub source: String,
    /// The service's URL, for `address` only.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub base_url: String,
    /// The name that the service uses, at most 200 characters; ignored for
    /// `local`.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub model: String,
    /// The length of the vectors, 64 to 4000. Unset: the model's own.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<u16>"))]
    pub dimensions: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EmbeddingModelPath {
    pub id: EmbeddingModelId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StartedEmbeddingModel {
    pub id: EmbeddingModelId,
}

/// A validated [`EmbeddingModelInput`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedEmbeddingModel {
    /// The URL of an [`EmbeddingSource::Address`] is not validated yet.
    pub source: EmbeddingSource,
    /// The name that the service uses.
    pub model: String,
    /// The vector length to request.
    pub dimensions: Option<u16>,
}

impl ParsedEmbeddingModel {
    pub fn parse(input: &EmbeddingModelInput) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let source = match input.source.as_str() {
            "local" => {
                return Ok(Self {
                    source: EmbeddingSource::Local,
                    model: LOCAL_MODEL.to_owned(),
                    dimensions: None,
                });
            }
            "address" => {
                if input.base_url.trim().is_empty() {
                    errors.reject("base_url", "Enter the address of the service.");
                }
                EmbeddingSource::Address(input.base_url.trim().to_owned())
            }
            other => {
                let name = other.strip_prefix("endpoint:").unwrap_or_default();
                if name.is_empty() {
                    errors.reject("source", "Choose one of the providers offered.");
                }
                EmbeddingSource::Endpoint(name.to_owned())
            }
        };
        let missing = "Enter the provider's name of the model.";
        let model = errors.line("model", &input.model, MAX_MODEL_CHARS, missing);
        let dimensions = match input.dimensions.trim() {
            "" => None,
            number => {
                let number = number.parse().ok().filter(|n| DIMENSIONS.contains(n));
                let number = number.ok_or("Enter a whole number from 64 to 4,000, or leave empty.");
                errors.check("dimensions", number)
            }
        };
        errors.finish(|| {
            Some(Self {
                source,
                model,
                dimensions,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_invalid_fields_are_reported() {
        let draft = |source: &str, base_url: &str, model: &str, dimensions: &str| {
            ParsedEmbeddingModel::parse(&EmbeddingModelInput {
                source: source.into(),
                base_url: base_url.into(),
                model: model.into(),
                dimensions: dimensions.into(),
            })
        };
        let error = draft("address", " ", "", "63").unwrap_err();
        for field in ["base_url", "model", "dimensions"] {
            assert!(error.for_field(field).is_some(), "{field}: {error:?}");
        }
        for source in ["", "endpoint:", "cloud"] {
            let error = draft(source, "", "m", "").unwrap_err();
            assert!(error.for_field("source").is_some(), "{source}: {error:?}");
        }
        for dimensions in ["4001", "-1", "1e3", "a"] {
            assert!(
                draft("endpoint:x", "", "m", dimensions).is_err(),
                "{dimensions}"
            );
        }
        let text = draft("endpoint:openai", "", " text-embedding-3-large ", " 1024 ").unwrap();
        assert_eq!(text.source, EmbeddingSource::Endpoint("openai".into()));
        assert_eq!(
            (text.model.as_str(), text.dimensions),
            ("text-embedding-3-large", Some(1024))
        );
        assert_eq!(draft("local", "", "", "").unwrap().model, LOCAL_MODEL);
    }
}
