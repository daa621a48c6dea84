//! Server functions of the embedding model.

use domain::{
    AppError, EmbeddingModelId, NoInput,
    embedding_model::{
        EmbeddingModelInput, EmbeddingModelPath, EmbeddingModels, EmbeddingSource,
        ParsedEmbeddingModel,
    },
};
use leptos::prelude::*;

use crate::{Flash, api, forms};

const PAGE: &str = "/settings/embedding";

pub(crate) async fn embedding_model_get() -> Result<EmbeddingModels, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::EmbeddingModelGet>(&ctx, &actor, NoInput {}).await
}

/// Starts preparing another model. An external service receives all memories, so
/// without `confirmed` only the form is validated, and its page asks.
#[server(endpoint = "embedding_model_start")]
pub(crate) async fn embedding_model_start(
    #[server(default)] source: String,
    #[server(default)] base_url: String,
    #[server(default)] model: String,
    #[server(default)] dimensions: String,
    #[server(default)] confirmed: bool,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = EmbeddingModelInput {
        source,
        base_url,
        model,
        dimensions,
    };
    service::authorize_endpoint::<service::EmbeddingModelStart>(&ctx, &actor).await?;
    let parsed = ParsedEmbeddingModel::parse(&input)?;
    if parsed.source != EmbeddingSource::Local && !confirmed {
        forms::stay();
        return Ok(());
    }
    service::call::<service::EmbeddingModelStart>(&ctx, &actor, input).await?;
    api::redirect_with_flash(PAGE, Flash::EMBEDDING_MODEL_STARTED);
    Ok(())
}

#[server(endpoint = "embedding_model_pause")]
pub(crate) async fn embedding_model_pause(id: EmbeddingModelId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = EmbeddingModelPath { id };
    service::call::<service::EmbeddingModelPause>(&ctx, &actor, input).await?;
    api::redirect_with_flash(PAGE, Flash::EMBEDDING_MODEL_PAUSED);
    Ok(())
}

#[server(endpoint = "embedding_model_resume")]
pub(crate) async fn embedding_model_resume(id: EmbeddingModelId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = EmbeddingModelPath { id };
    service::call::<service::EmbeddingModelResume>(&ctx, &actor, input).await?;
    api::redirect_with_flash(PAGE, Flash::EMBEDDING_MODEL_RESUMED);
    Ok(())
}

#[server(endpoint = "embedding_model_cancel")]
pub(crate) async fn embedding_model_cancel(id: EmbeddingModelId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = EmbeddingModelPath { id };
    service::call::<service::EmbeddingModelCancel>(&ctx, &actor, input).await?;
    api::redirect_with_flash(PAGE, Flash::EMBEDDING_MODEL_CANCELLED);
    Ok(())
}
