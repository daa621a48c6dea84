//! The organisation's embedding model, and changing it.

mod api;
mod page;

use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || vec![page(path!("/settings/embedding"), page::EmbeddingModelPage)],
    forms: &[(
        "/settings/embedding",
        &[
            api::EmbeddingModelStart::PATH,
            api::EmbeddingModelPause::PATH,
            api::EmbeddingModelResume::PATH,
            api::EmbeddingModelCancel::PATH,
        ],
    )],
    flashes: FLASHES,
};

flashes! {
    /// Another embedding model is being prepared.
    EMBEDDING_MODEL_STARTED = "embedding_model_started", "Switch started. Search uses the current model until it is done.";
    EMBEDDING_MODEL_PAUSED = "embedding_model_paused", "Paused.";
    EMBEDDING_MODEL_RESUMED = "embedding_model_resumed", "Resumed.";
    EMBEDDING_MODEL_CANCELLED = "embedding_model_cancelled", "Switch cancelled.";
}
