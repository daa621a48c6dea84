//! Client for embedding services with OpenAI's `/embeddings` API: OpenAI,
//! Mistral, Voyage's and Azure's compatible endpoints, vLLM, Ollama, Text
//! Embeddings Inference and others.
//!
//! Responses are not trusted: the number of vectors, their indexes, their
//! lengths and their values are all checked here.
//!
//! Source: <https://platform.openai.com/docs/api-reference/embeddings/create>.

use std::{fmt, time::Duration};

use outbound::{BodyError, Outbound, OutboundUrl, read_body};
use reqwest::{Method, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Supported vector lengths: shorter ones are too imprecise, longer ones can't
/// be indexed.
pub const DIMENSIONS: std::ops::RangeInclusive<usize> = 64..=4_000;

/// Per request.
pub const MAX_TEXTS: usize = 64;

/// Texts are cut to this number of characters. Most services accept about 8,000
/// tokens and reject longer texts instead of truncating them.
pub const MAX_CHARS: usize = 6_000;

/// In bytes; 64 vectors of 4,000 numbers with 20 characters each are 5 MB.
const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// An embedding service and one of its models.
#[derive(Clone)]
pub struct Endpoint {
    /// The URL to which `/embeddings` is added, such as
    /// `https://api.openai.com/v1`.
    pub base_url: OutboundUrl,
    /// Sent as a bearer token, to `base_url` only.
    pub key: Option<SecretString>,
    /// The name that the service uses.
    pub model: String,
    /// Requests vectors of this length, for models that can shorten theirs.
    /// Services reject the request if the model can't.
    pub dimensions: Option<usize>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("dimensions", &self.dimensions)
            .finish_non_exhaustive()
    }
}

/// An error as a sentence for an administrator. Contains nothing of the
/// service's response, which may repeat the texts or the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingsError {
    /// No response.
    #[error("The embedding service can't be reached.")]
    Unreachable,
    #[error("The embedding service took too long to answer.")]
    TimedOut,
    /// The key is missing, wrong or lacks permission.
    #[error("The embedding service refuses the key (status {0}).")]
    Unauthorized(u16),
    /// Too many requests, or the account has no credit left.
    #[error("The embedding service asks to wait, or the account has run out (status 429).")]
    RateLimited {
        /// From the `Retry-After` header.
        retry_after: Option<Duration>,
    },
    /// Another client error: an unknown model, or a text too long for it.
    #[error("The embedding service refuses the request (status {0}). Is the model's name right?")]
    ClientError(u16),
    /// A server error, or an unexpected status.
    #[error("The embedding service has a fault of its own (status {0}).")]
    ServerError(u16),
    /// The response is not a valid embedding response.
    #[error("The embedding service answers with something that is no embedding: {0}.")]
    InvalidResponse(&'static str),
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [&'a str],
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

#[derive(Deserialize)]
struct EmbeddingList {
    data: Vec<EmbeddingItem>,
}

#[derive(Deserialize)]
struct EmbeddingItem {
    /// Some services omit it, either everywhere or where it is 0.
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// Embeds 1 to [`MAX_TEXTS`] texts and returns their vectors in the same order.
/// The vectors all have the same number of components, within [`DIMENSIONS`],
/// and length 1. Only the first [`MAX_CHARS`] characters of a text are used.
pub async fn embed(
    outbound: &Outbound,
    endpoint: &Endpoint,
    texts: &[String],
) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
    let input: Vec<&str> = texts.iter().map(|text| truncate(text)).collect();
    let address = endpoint
        .base_url
        .join("embeddings")
        .map_err(|_| EmbeddingsError::Unreachable)?;
    let mut request = outbound.request(Method::POST, &address).json(&Request {
        model: &endpoint.model,
        input: &input,
        encoding_format: "float",
        dimensions: endpoint.dimensions,
    });
    if let Some(key) = &endpoint.key {
        request = request.bearer_auth(key.expose_secret());
    }
    let response = request
        .send()
        .await
        .map_err(|error| transport_error(&error))?;
    check_status(&response)?;
    let body = read_body(response, MAX_RESPONSE_BYTES)
        .await
        .map_err(|problem| match problem {
            BodyError::Broken(error) => transport_error(&error),
            BodyError::TooLong(_) => EmbeddingsError::InvalidResponse("it is far too long"),
        })?;
    let list: EmbeddingList = serde_json::from_slice(&body)
        .map_err(|_| EmbeddingsError::InvalidResponse("it is not the JSON that was asked for"))?;
    ordered_vectors(list, texts.len(), endpoint.dimensions)
}

fn truncate(text: &str) -> &str {
    text.char_indices()
        .nth(MAX_CHARS)
        .map_or(text, |(end, _)| &text[..end])
}

fn transport_error(error: &reqwest::Error) -> EmbeddingsError {
    if error.is_timeout() {
        EmbeddingsError::TimedOut
    } else {
        EmbeddingsError::Unreachable
    }
}

fn check_status(response: &Response) -> Result<(), EmbeddingsError> {
    let status = response.status();
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(EmbeddingsError::Unauthorized(status.as_u16()))
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let retry_after = response
                .headers()
                .get(header::RETRY_AFTER)
                .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
                .map(Duration::from_secs);
            Err(EmbeddingsError::RateLimited { retry_after })
        }
        _ if status.is_client_error() => Err(EmbeddingsError::ClientError(status.as_u16())),
        _ => Err(EmbeddingsError::ServerError(status.as_u16())),
    }
}

/// Validates the vectors and sorts them into the order of their texts.
fn ordered_vectors(
    list: EmbeddingList,
    texts: usize,
    requested: Option<usize>,
) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
    use EmbeddingsError::InvalidResponse;

    if list.data.len() != texts {
        return Err(InvalidResponse(
            "it has another number of vectors than of texts",
        ));
    }
    let dimensions = requested
        .or_else(|| list.data.first().map(|item| item.embedding.len()))
        .unwrap_or_default();
    if !DIMENSIONS.contains(&dimensions) {
        return Err(InvalidResponse(
            "its vectors have fewer than 64 or more than 4,000 numbers",
        ));
    }
    let has_no_index = list.data.iter().all(|item| item.index.is_none());
    let mut vectors = vec![None; texts];
    for (position, item) in list.data.into_iter().enumerate() {
        let index = item
            .index
            .unwrap_or(if has_no_index { position } else { 0 });
        if item.embedding.len() != dimensions {
            return Err(InvalidResponse(
                "its vectors have another length than they should",
            ));
        }
        let slot = vectors
            .get_mut(index)
            .filter(|slot| slot.is_none())
            .ok_or(InvalidResponse("two of its vectors are of one text"))?;
        *slot =
            Some(normalise(item.embedding).ok_or(InvalidResponse("a vector has no direction"))?);
    }
    Ok(vectors.into_iter().flatten().collect())
}

/// Scales a vector to length 1: only the direction matters, and half-precision
/// floats end at 65,504.
fn normalise(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let square: f64 = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let length = square.sqrt();
    // Written so that NaN fails.
    if !(length.is_finite() && length > 0.0) {
        return None;
    }
    for x in &mut vector {
        #[expect(clippy::cast_possible_truncation, reason = "between −1 and 1")]
        let scaled = (f64::from(*x) / length) as f32;
        *x = scaled;
    }
    Some(vector)
}
