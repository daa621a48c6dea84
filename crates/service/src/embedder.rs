//! Embedding vectors for async code, from the bundled model, run on blocking
//! threads, or from a remote service. Either may be absent.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc, time::Duration};

use domain::{
    AppError,
    embedding_model::{
        EmbeddingModel, EmbeddingSource, LOCAL_DIMENSIONS, LOCAL_MODEL, ParsedEmbeddingModel,
    },
    overview::SemanticSearch,
};
use embed::Model;
use embeddings::{EmbeddingsError, Endpoint};
use outbound::{AllowedHosts, Outbound, OutboundUrl, UrlError};
use secrecy::SecretString;
use tokio::task::spawn_blocking;

/// Timeout of a service for a batch of texts.
const BATCH_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of a service for a search query, which a user waits for.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Sample text for testing a model, which no service has a reason to reject.
pub(crate) const PROBE_TEXT: &str = "Where is the spare key?";

/// A remote embedding service.
#[derive(Clone)]
struct EmbeddingService {
    outbound: Outbound,
    /// The URL to which `/embeddings` is appended.
    base_url: OutboundUrl,
    /// Sent to this URL only.
    key: Option<SecretString>,
}

impl fmt::Debug for EmbeddingService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmbeddingService({})", self.base_url)
    }
}

/// The bundled model or the reason why it is missing, and access to services.
/// Cheap to clone.
#[derive(Clone)]
pub struct Embedder {
    local: Result<Arc<Model>, Arc<str>>,
    /// For addresses chosen by organisations.
    outbound: Option<Outbound>,
    /// Services configured by the operator, by name.
    endpoints: Arc<BTreeMap<String, EmbeddingService>>,
}

/// The reason why there are no vectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EmbedFailure {
    /// For administrators and for those who search.
    pub message: String,
    /// True if the service rejected the request and would again.
    pub is_rejected: bool,
    /// The delay that the service asks for.
    pub retry_after: Option<Duration>,
}

impl EmbedFailure {
    fn of(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_rejected: false,
            retry_after: None,
        }
    }
}

impl From<EmbeddingsError> for EmbedFailure {
    fn from(error: EmbeddingsError) -> Self {
        Self {
            message: error.to_string(),
            is_rejected: matches!(error, EmbeddingsError::ClientError(_)),
            retry_after: match error {
                EmbeddingsError::RateLimited { retry_after } => retry_after,
                _ => None,
            },
        }
    }
}

impl Embedder {
    /// Opens the bundled model in `folder`. Without it everything else works;
    /// semantic search is off and shows the reason.
    pub async fn open(folder: &Path) -> Self {
        let path = folder.to_owned();
        match spawn_blocking(move || Model::open(&path)).await {
            Ok(Ok(model)) => Self::of(Ok(Arc::new(model))),
            Ok(Err(error)) => Self::off(&error.to_string()),
            Err(panic) => Self::off(&format!("loading the model failed: {panic}")),
        }
    }

    /// Without the bundled model; `reason` is a sentence that says how to get
    /// it.
    pub fn off(reason: &str) -> Self {
        Self::of(Err(reason.into()))
    }

    fn of(local: Result<Arc<Model>, Arc<str>>) -> Self {
        Self {
            local,
            outbound: None,
            endpoints: Arc::default(),
        }
    }

    /// Allows services: those configured by the operator, and any at a public
    /// address or on one of the `allowed` hosts.
    ///
    /// # Errors
    /// If TLS can't be set up, or a URL in `endpoints` is invalid.
    pub fn with_services(
        self,
        allowed: &[String],
        endpoints: BTreeMap<String, (String, Option<SecretString>)>,
    ) -> Result<Self, String> {
        let outbound = |hosts: AllowedHosts| {
            Outbound::new(hosts, BATCH_TIMEOUT).map_err(|error| error.to_string())
        };
        let endpoints = endpoints
            .into_iter()
            .map(|(name, (url, key))| {
                // The operator's own services may have private addresses,
                // without allowing these to organisations.
                let host = OutboundUrl::host_of(&url);
                let outbound = outbound(host.into_iter().chain(allowed.iter().cloned()).collect())?;
                let base_url = outbound
                    .parse(&url)
                    .map_err(|problem| format!("embedding_endpoints.{name}.url: {problem}"))?;
                let service = EmbeddingService {
                    outbound,
                    base_url,
                    key,
                };
                Ok((name, service))
            })
            .collect::<Result<_, String>>()?;
        let outbound = outbound(allowed.iter().cloned().collect())?;
        Ok(Self {
            local: self.local,
            outbound: Some(outbound),
            endpoints: Arc::new(endpoints),
        })
    }

    pub fn endpoint_names(&self) -> Vec<String> {
        self.endpoints.keys().cloned().collect()
    }

    /// True if the bundled model is available.
    pub fn is_on(&self) -> bool {
        self.local.is_ok()
    }

    /// State of the bundled model, for the doctor command.
    pub fn status(&self) -> SemanticSearch {
        match &self.local {
            Ok(_) => SemanticSearch::On,
            Err(reason) => SemanticSearch::Off {
                reason: reason.to_string(),
            },
        }
    }

    /// State of this model: whether it can be requested, and if not, why.
    pub fn status_of(&self, model: &EmbeddingModel) -> SemanticSearch {
        let problem = match &model.source {
            EmbeddingSource::Local => return self.status(),
            EmbeddingSource::Endpoint(name) => self.endpoint(name).err(),
            EmbeddingSource::Address(_) => self.services().err(),
        };
        problem.map_or(SemanticSearch::On, |failure| SemanticSearch::Off {
            reason: failure.message,
        })
    }

    /// The vector of a search text, from one thread or the service, within a
    /// few seconds (`QUERY_TIMEOUT`).
    pub async fn query(
        &self,
        model: &EmbeddingModel,
        text: String,
    ) -> Result<Vec<f32>, EmbedFailure> {
        if model.source == EmbeddingSource::Local {
            let local = self.local()?;
            let vector = off_thread(move || local.embed_query(&text)).await?;
            return Ok(vector.to_vec());
        }
        let texts = [text];
        let request = self.embed_remote(model, &texts);
        let answer = tokio::time::timeout(QUERY_TIMEOUT, request).await;
        let vectors = answer.map_err(|_| EmbedFailure::from(EmbeddingsError::TimedOut))??;
        vectors
            .into_iter()
            .next()
            .ok_or_else(|| EmbedFailure::of("There is no vector."))
    }

    /// The vectors of up to [`embeddings::MAX_TEXTS`] texts, in their order,
    /// using all cores or the service.
    pub async fn batch(
        &self,
        model: &EmbeddingModel,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<f32>>, EmbedFailure> {
        if model.source == EmbeddingSource::Local {
            let local = self.local()?;
            let vectors = off_thread(move || local.embed_batch(&texts)).await?;
            return Ok(vectors.into_iter().map(|vector| vector.to_vec()).collect());
        }
        self.embed_remote(model, &texts).await
    }

    /// Requests a sample vector, and returns the source as it is to be stored
    /// and the number of dimensions.
    ///
    /// # Errors
    /// [`AppError::Invalid`] naming `source`, `base_url` or `model`.
    pub(crate) async fn probe(
        &self,
        text: &ParsedEmbeddingModel,
    ) -> Result<(EmbeddingSource, u16), AppError> {
        let unreachable = |failure: EmbedFailure| AppError::field("source", failure.message);
        let source = match &text.source {
            EmbeddingSource::Local => {
                self.local().map_err(unreachable)?;
                return Ok((EmbeddingSource::Local, LOCAL_DIMENSIONS));
            }
            EmbeddingSource::Endpoint(name) => EmbeddingSource::Endpoint(name.clone()),
            EmbeddingSource::Address(url) => {
                let outbound = self.services().map_err(unreachable)?;
                let url = outbound.check(url).await.map_err(|problem: UrlError| {
                    AppError::field("base_url", problem.to_string())
                })?;
                EmbeddingSource::Address(url.as_str().to_owned())
            }
        };
        let (outbound, endpoint) = self
            .service(&source, &text.model, text.dimensions)
            .map_err(unreachable)?;
        let sample = [PROBE_TEXT.to_owned()];
        let vectors = embeddings::embed(&outbound, &endpoint, &sample)
            .await
            .map_err(|error| {
                let field = match error {
                    EmbeddingsError::ClientError(_) | EmbeddingsError::InvalidResponse(_) => {
                        "model"
                    }
                    _ => match &source {
                        EmbeddingSource::Address(_) => "base_url",
                        _ => "source",
                    },
                };
                AppError::field(field, error.to_string())
            })?;
        let dimensions = vectors.first().map_or(0, Vec::len);
        let dimensions = u16::try_from(dimensions).map_err(|_| AppError::Internal)?;
        Ok((source, dimensions))
    }

    async fn embed_remote(
        &self,
        model: &EmbeddingModel,
        texts: &[String],
    ) -> Result<Vec<Vec<f32>>, EmbedFailure> {
        let dimensions = model.is_shortened.then_some(model.dimensions);
        let (outbound, endpoint) = self.service(&model.source, &model.model, dimensions)?;
        let vectors = embeddings::embed(&outbound, &endpoint, texts).await?;
        if vectors
            .iter()
            .any(|vector| vector.len() != usize::from(model.dimensions))
        {
            return Err(EmbedFailure::of(format!(
                "The embedding service returned vectors that don't have {} dimensions.",
                model.dimensions
            )));
        }
        Ok(vectors)
    }

    fn service(
        &self,
        source: &EmbeddingSource,
        model: &str,
        dimensions: Option<u16>,
    ) -> Result<(Outbound, Endpoint), EmbedFailure> {
        let service = match source {
            EmbeddingSource::Local => return Err(EmbedFailure::of("This model is not a service.")),
            EmbeddingSource::Endpoint(name) => self.endpoint(name)?.clone(),
            EmbeddingSource::Address(url) => {
                let outbound = self.services()?.clone();
                let base_url = outbound
                    .parse(url)
                    .map_err(|problem| EmbedFailure::of(problem.to_string()))?;
                EmbeddingService {
                    outbound,
                    base_url,
                    key: None,
                }
            }
        };
        let endpoint = Endpoint {
            base_url: service.base_url,
            key: service.key,
            model: model.to_owned(),
            dimensions: dimensions.map(usize::from),
        };
        Ok((service.outbound, endpoint))
    }

    fn services(&self) -> Result<&Outbound, EmbedFailure> {
        self.outbound
            .as_ref()
            .ok_or_else(|| EmbedFailure::of("This installation does not allow embedding services."))
    }

    fn endpoint(&self, name: &str) -> Result<&EmbeddingService, EmbedFailure> {
        self.endpoints.get(name).ok_or_else(|| {
            EmbedFailure::of(format!(
                "This installation has no embedding service called “{name}”."
            ))
        })
    }

    fn local(&self) -> Result<Arc<Model>, EmbedFailure> {
        self.local
            .clone()
            .map_err(|reason| EmbedFailure::of(&*reason))
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, embed::EmbedError> + Send + 'static,
) -> Result<T, EmbedFailure> {
    match spawn_blocking(work).await {
        Ok(Ok(vectors)) => Ok(vectors),
        Ok(Err(error)) => {
            tracing::error!(%error, "embedding failed");
            Err(EmbedFailure::of(
                "The embedding model failed. See the server's log.",
            ))
        }
        Err(error) => {
            tracing::error!(%error, "embedding panicked");
            Err(EmbedFailure::of(
                "The embedding model failed. See the server's log.",
            ))
        }
    }
}

impl fmt::Debug for Embedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedder")
            .field("model", &LOCAL_MODEL)
            .field("is_on", &self.is_on())
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}
