//! By which model an organisation's memories are found by meaning.

use serde::{Deserialize, Serialize};

use crate::{AppError, EmbeddingModelId, FieldError, Timestamp, memory::keyed_enum};

/// The name of the model that Atrium brings.
pub const LOCAL_MODEL: &str = "all-MiniLM-L6-v2";
/// How many numbers its vectors have.
pub const LOCAL_DIMENSIONS: u16 = 384;
/// How many numbers a vector may have: fewer say little, more can't be indexed.
pub const DIMENSIONS: std::ops::RangeInclusive<u16> = 64..=4_000;
/// Characters that a model's name may have.
pub const MAX_MODEL_CHARS: usize = 200;

keyed_enum! {
    /// How far a model is.
    EmbeddingModelStatus {
        /// Its vectors are being made, beside those that searches use.
        Building = "building", "Being prepared";
        /// The same, halted.
        Paused = "paused", "Paused";
        /// Searches use it.
        Active = "active", "In use";
        /// Searches used it once, or it was given up.
        Retired = "retired", "No longer in use";
    }
}

/// Who makes the vectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingSource {
    /// Atrium itself; nothing leaves the machine.
    Local,
    /// A service that the operator set up, by its name in the configuration,
    /// where its address and its key are.
    Endpoint(String),
    /// A service without a key, by its address.
    Address(String),
}

/// Which of a memory's two places holds a model's vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingSlot {
    /// The first.
    A,
    /// The other.
    B,
}

impl EmbeddingSlot {
    /// As stored.
    pub const fn key(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A model of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingModel {
    /// Its id.
    pub id: EmbeddingModelId,
    /// Who makes its vectors.
    pub source: EmbeddingSource,
    /// The model as its service calls it.
    pub model: String,
    /// How many numbers its vectors have.
    pub dimensions: u16,
    /// That many were asked for, of a model that would give more.
    pub is_shortened: bool,
    /// Where its vectors are.
    pub slot: EmbeddingSlot,
    /// How far it is.
    pub status: EmbeddingModelStatus,
    /// Why vectors could not be made last time.
    pub problem: Option<String>,
    /// When that is tried again.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retry_at: Option<Timestamp>,
    /// How often in a row it failed.
    pub failures: u32,
    /// Who chose it; `None`: Atrium.
    pub created_by_name: Option<String>,
    /// When it was chosen.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When searches began to use it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub activated_at: Option<Timestamp>,
    /// When it was given up.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retired_at: Option<Timestamp>,
    /// When the last of its vectors was let go.
    #[serde(with = "time::serde::rfc3339::option")]
    pub dropped_at: Option<Timestamp>,
}

impl EmbeddingModel {
    /// Its vectors are to be made: for searches of today, or for those to come.
    pub fn is_filled(&self) -> bool {
        matches!(
            self.status,
            EmbeddingModelStatus::Active | EmbeddingModelStatus::Building
        )
    }

    /// Vectors of it are still there though nothing uses them.
    pub fn is_being_dropped(&self) -> bool {
        self.status == EmbeddingModelStatus::Retired && self.dropped_at.is_none()
    }
}

/// How many memories a model has vectors for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingProgress {
    /// Memories that have one.
    pub done: i64,
    /// All memories of the organisation, the trash left out.
    pub total: i64,
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingModels {
    /// The one that searches use, how far the next one is if there is one, and
    /// those before, newest first.
    pub models: Vec<(EmbeddingModel, EmbeddingProgress)>,
    /// Services that the operator set up.
    pub endpoints: Vec<String>,
    /// Why the local model can't be used, if it can't.
    pub local_off: Option<String>,
}

impl EmbeddingModels {
    /// The one that searches use.
    pub fn active(&self) -> Option<&(EmbeddingModel, EmbeddingProgress)> {
        self.with(|status| status == EmbeddingModelStatus::Active)
    }

    /// The one that comes next.
    pub fn next(&self) -> Option<&(EmbeddingModel, EmbeddingProgress)> {
        self.with(|status| {
            matches!(
                status,
                EmbeddingModelStatus::Building | EmbeddingModelStatus::Paused
            )
        })
    }

    /// Vectors of an earlier one are being let go; until then there is no room
    /// for another.
    pub fn is_dropping(&self) -> bool {
        self.models
            .iter()
            .any(|(model, _)| model.is_being_dropped())
    }

    fn with(
        &self,
        fits: impl Fn(EmbeddingModelStatus) -> bool,
    ) -> Option<&(EmbeddingModel, EmbeddingProgress)> {
        self.models.iter().find(|(model, _)| fits(model.status))
    }
}

/// What somebody typed into the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbeddingModelDraft {
    /// `local`, `address`, or `endpoint:` and a name.
    pub source: String,
    /// With `address`: where the service is.
    pub base_url: String,
    /// The model as its service calls it; not for `local`.
    pub model: String,
    /// How many numbers to ask for; empty takes what the model gives.
    pub dimensions: String,
}

/// A model to be prepared, checked as far as words can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingModelText {
    /// Who makes the vectors. An address is not looked at yet.
    pub source: EmbeddingSource,
    /// The model as its service calls it.
    pub model: String,
    /// How many numbers to ask for.
    pub dimensions: Option<u16>,
}

impl EmbeddingModelText {
    /// Checks a draft.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn parse(draft: &EmbeddingModelDraft) -> Result<Self, AppError> {
        let mut fields = Vec::new();
        let mut fault = |field: &str, message: &str| {
            fields.push(FieldError {
                field: field.to_owned(),
                message: message.to_owned(),
            });
        };
        let source = match draft.source.as_str() {
            "local" => {
                return Ok(Self {
                    source: EmbeddingSource::Local,
                    model: LOCAL_MODEL.to_owned(),
                    dimensions: None,
                });
            }
            "address" => {
                if draft.base_url.trim().is_empty() {
                    fault("base_url", "Give the address of the service.");
                }
                EmbeddingSource::Address(draft.base_url.trim().to_owned())
            }
            other => {
                let name = other.strip_prefix("endpoint:").unwrap_or_default();
                if name.is_empty() {
                    fault("source", "Choose one of those offered.");
                }
                EmbeddingSource::Endpoint(name.to_owned())
            }
        };
        let model = draft.model.trim();
        if model.is_empty() {
            fault("model", "Give the model's name as its service calls it.");
        } else if model.chars().count() > MAX_MODEL_CHARS || model.chars().any(char::is_control) {
            fault(
                "model",
                "A model's name has at most 200 characters and no control character.",
            );
        }
        let dimensions = match draft.dimensions.trim() {
            "" => None,
            number => {
                let number = number.parse().ok().filter(|n| DIMENSIONS.contains(n));
                if number.is_none() {
                    fault("dimensions", "A whole number from 64 to 4,000, or nothing.");
                }
                number
            }
        };
        if fields.is_empty() {
            Ok(Self {
                source,
                model: model.to_owned(),
                dimensions,
            })
        } else {
            Err(AppError::Invalid { fields })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_names_every_field_at_fault() {
        let draft = |source: &str, base_url: &str, model: &str, dimensions: &str| {
            EmbeddingModelText::parse(&EmbeddingModelDraft {
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
