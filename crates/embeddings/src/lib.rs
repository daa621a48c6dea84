//! Vectors from a service that speaks OpenAI's `/embeddings`: OpenAI itself,
//! Mistral, Voyage's and Azure's compatible addresses, vLLM, Ollama, Text
//! Embeddings Inference and many others.
//!
//! Whatever answers is not trusted to answer well: how many vectors there are,
//! which text each is of, how many numbers each has and that they are numbers
//! is looked at here, and nothing else is let through.
//!
//! Source: <https://platform.openai.com/docs/api-reference/embeddings/create>.

use std::{fmt, time::Duration};

use outbound::{BodyProblem, Outbound, OutboundUrl, body_of};
use reqwest::{Method, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Numbers that a vector may have: fewer say little, more can't be indexed.
pub const DIMENSIONS: std::ops::RangeInclusive<usize> = 64..=4_000;

/// Texts in one request.
pub const MAX_TEXTS: usize = 64;

/// Characters of a text that are sent. Most services take some 8,000 tokens
/// and refuse a longer text instead of cutting it.
pub const MAX_CHARS: usize = 6_000;

/// The longest answer: 64 vectors of 4,000 numbers with 20 characters each
/// are 5 MB.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A service and one of its models.
#[derive(Clone)]
pub struct Endpoint {
    /// The address to which `/embeddings` is added, such as
    /// `https://api.openai.com/v1`.
    pub base_url: OutboundUrl,
    /// Sent as a bearer token, to this address alone.
    pub key: Option<SecretString>,
    /// The model as the service calls it.
    pub model: String,
    /// Asks for vectors of this length, for models that can shorten theirs.
    /// Services refuse the wish where the model can't.
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

/// Why there are no vectors, in a sentence for an administrator. Nothing of
/// what the service said is in it: that may repeat the texts or the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingsError {
    /// No answer at all.
    #[error("The embedding service can't be reached.")]
    Unreachable,
    /// No answer in time.
    #[error("The embedding service took too long to answer.")]
    TimedOut,
    /// The key is missing, wrong or not allowed to.
    #[error("The embedding service refuses the key (status {0}).")]
    Unauthorized(u16),
    /// Too many requests, or the account has nothing left.
    #[error("The embedding service asks to wait, or the account has run out (status 429).")]
    TooBusy {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// It doesn't take the request: the model is not there, or a text is too
    /// long for it.
    #[error("The embedding service refuses the request (status {0}). Is the model's name right?")]
    Refused(u16),
    /// It is broken at the moment.
    #[error("The embedding service has a fault of its own (status {0}).")]
    Failed(u16),
    /// The answer is not what the interface promises.
    #[error("The embedding service answers with something that is no embedding: {0}.")]
    Nonsense(&'static str),
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
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

/// The vectors of `texts`, of which there are 1 to [`MAX_TEXTS`], in their
/// order. All have the same number of [`DIMENSIONS`] and the length 1. Of each
/// text the first [`MAX_CHARS`] characters count.
///
/// # Errors
/// [`EmbeddingsError`].
pub async fn embed(
    outbound: &Outbound,
    endpoint: &Endpoint,
    texts: &[String],
) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
    let input: Vec<&str> = texts.iter().map(|text| beginning(text)).collect();
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
    let response = request.send().await.map_err(|error| unanswered(&error))?;
    refusal(&response)?;
    let body = body_of(response, MAX_ANSWER)
        .await
        .map_err(|problem| match problem {
            BodyProblem::Broken(error) => unanswered(&error),
            BodyProblem::TooLong(_) => EmbeddingsError::Nonsense("it is far too long"),
        })?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| EmbeddingsError::Nonsense("it is not the JSON that was asked for"))?;
    in_order(answer, texts.len(), endpoint.dimensions)
}

fn beginning(text: &str) -> &str {
    text.char_indices()
        .nth(MAX_CHARS)
        .map_or(text, |(end, _)| &text[..end])
}

fn unanswered(error: &reqwest::Error) -> EmbeddingsError {
    if error.is_timeout() {
        EmbeddingsError::TimedOut
    } else {
        EmbeddingsError::Unreachable
    }
}

fn refusal(response: &Response) -> Result<(), EmbeddingsError> {
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
            Err(EmbeddingsError::TooBusy { retry_after })
        }
        _ if status.is_client_error() => Err(EmbeddingsError::Refused(status.as_u16())),
        _ => Err(EmbeddingsError::Failed(status.as_u16())),
    }
}

/// The vectors in the order of their texts, if they are all there and all of
/// a kind.
fn in_order(
    answer: Answer,
    texts: usize,
    asked: Option<usize>,
) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
    use EmbeddingsError::Nonsense;

    if answer.data.len() != texts {
        return Err(Nonsense("it has another number of vectors than of texts"));
    }
    let dimensions = asked
        .or_else(|| answer.data.first().map(|item| item.embedding.len()))
        .unwrap_or_default();
    if !DIMENSIONS.contains(&dimensions) {
        return Err(Nonsense(
            "its vectors have fewer than 64 or more than 4,000 numbers",
        ));
    }
    let mut vectors = vec![None; texts];
    for item in answer.data {
        if item.embedding.len() != dimensions {
            return Err(Nonsense("its vectors have another length than they should"));
        }
        let place = vectors
            .get_mut(item.index)
            .filter(|place| place.is_none())
            .ok_or(Nonsense("two of its vectors are of one text"))?;
        *place = Some(to_length_1(item.embedding).ok_or(Nonsense("a vector has no direction"))?);
    }
    Ok(vectors.into_iter().flatten().collect())
}

/// The vector with the length 1: only the direction counts, and half-precision
/// numbers end at 65,504.
fn to_length_1(mut vector: Vec<f32>) -> Option<Vec<f32>> {
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
