//! Server functions of the embedding model.

use domain::{AppError, EmbeddingModelId, embedding_model::EmbeddingModels};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{Flash, api};

#[cfg(feature = "ssr")]
const PAGE: &str = "/settings/embedding";

#[server(endpoint = "embedding_model_get")]
pub(crate) async fn embedding_model_get() -> Result<EmbeddingModels, AppError> {
    let (ctx, actor) = api::caller()?;
    service::embedding_model_get(&ctx, &actor).await
}

/// Starts preparing another model.
#[server(endpoint = "embedding_model_start")]
pub(crate) async fn embedding_model_start(
    #[server(default)] source: String,
    #[server(default)] base_url: String,
    #[server(default)] model: String,
    #[server(default)] dimensions: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = domain::embedding_model::EmbeddingModelDraft {
        source,
        base_url,
        model,
        dimensions,
    };
    service::embedding_model_start(&ctx, &actor, &draft).await?;
    api::redirect_with_flash(PAGE, Flash::EmbeddingModelStarted);
    Ok(())
}

#[server(endpoint = "embedding_model_pause")]
pub(crate) async fn embedding_model_pause(id: EmbeddingModelId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::embedding_model_pause(&ctx, &actor, id).await?;
    api::redirect_with_flash(PAGE, Flash::EmbeddingModelPaused);
    Ok(())
}

#[server(endpoint = "embedding_model_resume")]
pub(crate) async fn embedding_model_resume(id: EmbeddingModelId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::embedding_model_resume(&ctx, &actor, id).await?;
    api::redirect_with_flash(PAGE, Flash::EmbeddingModelResumed);
    Ok(())
}

#[server(endpoint = "embedding_model_cancel")]
pub(crate) async fn embedding_model_cancel(id: EmbeddingModelId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::embedding_model_cancel(&ctx, &actor, id).await?;
    api::redirect_with_flash(PAGE, Flash::EmbeddingModelCancelled);
    Ok(())
}
