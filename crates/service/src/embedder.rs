//! Vectors for async code: made by the model that Atrium brings, off the async
//! threads, or by a service. Either may be absent.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc, time::Duration};

use domain::{
    AppError,
    embedding_model::{
        EmbeddingModel, EmbeddingModelText, EmbeddingSource, LOCAL_DIMENSIONS, LOCAL_MODEL,
    },
    overview::SemanticSearch,
};
use embed::Model;
use embeddings::{EmbeddingsError, Endpoint};
use outbound::{AllowedHosts, Outbound, OutboundUrl, UrlProblem};
use secrecy::SecretString;
use tokio::task::spawn_blocking;

/// How long a service may take for a batch of texts.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take for a question that somebody waits for.
const PATIENCE_FOR_QUESTIONS: Duration = Duration::from_secs(5);

/// A text that no service has a reason to refuse.
pub(crate) const HARMLESS: &str = "Where is the spare key?";

/// A service, and the way to it.
#[derive(Clone)]
struct EmbeddingService {
    outbound: Outbound,
    /// The address to which `/embeddings` is added.
    base_url: OutboundUrl,
    /// What it asks for; it goes to this address alone.
    key: Option<SecretString>,
}

impl fmt::Debug for EmbeddingService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmbeddingService({})", self.base_url)
    }
}

/// The model that Atrium brings, or the reason why it is not there, and the
/// way to services. Cheap to clone.
#[derive(Clone)]
pub struct Embedder {
    local: Result<Arc<Model>, Arc<str>>,
    /// To addresses that organisations chose.
    outbound: Option<Outbound>,
    /// Set up by the operator.
    endpoints: Arc<BTreeMap<String, EmbeddingService>>,
}

/// Why there are no vectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EmbedFailure {
    /// For administrators, and for those who search.
    pub message: String,
    /// What was asked for is refused, and would be again.
    pub is_refusal: bool,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
}

impl EmbedFailure {
    fn of(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_refusal: false,
            retry_after: None,
        }
    }
}

impl From<EmbeddingsError> for EmbedFailure {
    fn from(error: EmbeddingsError) -> Self {
        Self {
            message: error.to_string(),
            is_refusal: matches!(error, EmbeddingsError::Refused(_)),
            retry_after: match error {
                EmbeddingsError::TooBusy { retry_after } => retry_after,
                _ => None,
            },
        }
    }
}

impl Embedder {
    /// Opens the model in `folder`. Without it the product runs, search by
    /// meaning is off where it is used, and the reason is shown there.
    pub async fn open(folder: &Path) -> Self {
        let path = folder.to_owned();
        match spawn_blocking(move || Model::open(&path)).await {
            Ok(Ok(model)) => Self::of(Ok(Arc::new(model))),
            Ok(Err(error)) => Self::off(&error.to_string()),
            Err(panic) => Self::off(&format!("loading the model failed: {panic}")),
        }
    }

    /// No model of Atrium's own, because of `reason`, a sentence that says how
    /// to get one.
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

    /// With a way to services: to those that the operator set up, and to
    /// whatever is public or stands on one of `allowed` hosts.
    ///
    /// # Errors
    /// When TLS can't be set up, or an address of `endpoints` is none.
    pub fn with_services(
        self,
        allowed: &[String],
        endpoints: BTreeMap<String, (String, Option<SecretString>)>,
    ) -> Result<Self, String> {
        let outbound =
            |hosts: AllowedHosts| Outbound::new(hosts, PATIENCE).map_err(|error| error.to_string());
        let endpoints = endpoints
            .into_iter()
            .map(|(name, (url, key))| {
                // Whom the operator names may be next door, which doesn't let
                // anybody else's address lead there.
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

    /// Names of the services that the operator set up.
    pub fn endpoint_names(&self) -> Vec<String> {
        self.endpoints.keys().cloned().collect()
    }

    /// Whether Atrium's own model is there.
    pub fn is_on(&self) -> bool {
        self.local.is_ok()
    }

    /// Whether Atrium's own model is there, and why not, for the doctor.
    pub fn status(&self) -> SemanticSearch {
        match &self.local {
            Ok(_) => SemanticSearch::On,
            Err(reason) => SemanticSearch::Off {
                reason: reason.to_string(),
            },
        }
    }

    /// Whether vectors of this model can be asked for, and why not.
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

    /// The vector of a question, as quickly as one thread or the service can.
    ///
    /// # Errors
    /// [`EmbedFailure`] when there is none.
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
        let asked = self.ask(model, &texts);
        let answer = tokio::time::timeout(PATIENCE_FOR_QUESTIONS, asked).await;
        let vectors = answer.map_err(|_| EmbedFailure::from(EmbeddingsError::TimedOut))??;
        vectors
            .into_iter()
            .next()
            .ok_or_else(|| EmbedFailure::of("There is no vector."))
    }

    /// The vectors of up to [`embeddings::MAX_TEXTS`] texts, in their order,
    /// by all cores or the service.
    ///
    /// # Errors
    /// [`EmbedFailure`] when there are none.
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
        self.ask(model, &texts).await
    }

    /// How many numbers the vectors of a model have that somebody chose, and
    /// its address as it is to be stored: by asking for one.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with the field that is at fault.
    pub(crate) async fn probe(
        &self,
        text: &EmbeddingModelText,
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
                let url = outbound.check(url).await.map_err(|problem: UrlProblem| {
                    AppError::field("base_url", problem.to_string())
                })?;
                EmbeddingSource::Address(url.as_str().to_owned())
            }
        };
        let (outbound, endpoint) = self
            .service(&source, &text.model, text.dimensions)
            .map_err(unreachable)?;
        let sample = [HARMLESS.to_owned()];
        let vectors = embeddings::embed(&outbound, &endpoint, &sample)
            .await
            .map_err(|error| {
                let field = match error {
                    EmbeddingsError::Refused(_) | EmbeddingsError::Nonsense(_) => "model",
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

    async fn ask(
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
                "The embedding service gives vectors of another length than the {} that it gave before.",
                model.dimensions
            )));
        }
        Ok(vectors)
    }

    /// The way to a service, and what to ask there.
    fn service(
        &self,
        source: &EmbeddingSource,
        model: &str,
        dimensions: Option<u16>,
    ) -> Result<(Outbound, Endpoint), EmbedFailure> {
        let service = match source {
            EmbeddingSource::Local => return Err(EmbedFailure::of("This model is no service.")),
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
            .ok_or_else(|| EmbedFailure::of("This installation reaches no embedding services."))
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
                "The embedding model failed; the server's log says why.",
            ))
        }
        Err(error) => {
            tracing::error!(%error, "embedding panicked");
            Err(EmbedFailure::of(
                "The embedding model failed; the server's log says why.",
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
