//! The embedding model for async code: computed off the async threads, and
//! allowed to be absent.

use std::{fmt, path::Path, sync::Arc};

use domain::{AppError, overview::SemanticSearch};
use embed::{Embedding, Model};
use tokio::task::spawn_blocking;

/// One model per process, or the reason why there is none. Cheap to clone.
#[derive(Clone)]
pub struct Embedder(Result<Arc<Model>, Arc<str>>);

impl Embedder {
    /// Opens the model in `folder`. Without it the product runs, search by
    /// meaning is off, and the reason is shown where it matters.
    pub async fn open(folder: &Path) -> Self {
        let path = folder.to_owned();
        match spawn_blocking(move || Model::open(&path)).await {
            Ok(Ok(model)) => Self(Ok(Arc::new(model))),
            Ok(Err(error)) => Self::off(&error.to_string()),
            Err(panic) => Self::off(&format!("loading the model failed: {panic}")),
        }
    }

    /// No model, because of `reason`, a sentence that says how to get one.
    pub fn off(reason: &str) -> Self {
        Self(Err(reason.into()))
    }

    /// Whether vectors can be made.
    pub fn is_on(&self) -> bool {
        self.0.is_ok()
    }

    /// Whether vectors can be made, and why not, for pages and the doctor.
    pub fn status(&self) -> SemanticSearch {
        match &self.0 {
            Ok(_) => SemanticSearch::On,
            Err(reason) => SemanticSearch::Off {
                reason: reason.to_string(),
            },
        }
    }

    /// The vector of one text, as quickly as one thread can.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when there is no model.
    pub async fn query(&self, text: String) -> Result<Embedding, AppError> {
        let model = self.model()?;
        run(move || model.embed_query(&text)).await
    }

    /// The vectors of many texts, in their order, using all cores.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when there is no model.
    pub async fn batch(&self, texts: Vec<String>) -> Result<Vec<Embedding>, AppError> {
        let model = self.model()?;
        run(move || model.embed_batch(&texts)).await
    }

    fn model(&self) -> Result<Arc<Model>, AppError> {
        self.0.clone().map_err(|reason| AppError::Unavailable {
            message: reason.to_string(),
        })
    }
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, embed::EmbedError> + Send + 'static,
) -> Result<T, AppError> {
    match spawn_blocking(work).await {
        Ok(Ok(vectors)) => Ok(vectors),
        Ok(Err(error)) => {
            tracing::error!(%error, "embedding failed");
            Err(AppError::Internal)
        }
        Err(error) => {
            tracing::error!(%error, "embedding panicked");
            Err(AppError::Internal)
        }
    }
}

impl fmt::Debug for Embedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() {
            "Embedder(on)"
        } else {
            "Embedder(off)"
        })
    }
}
