//! The embedding model of an organisation's semantic search, and changing it:
//! the next model is prepared in the background beside the active one, and
//! replaces it when complete.

use domain::{
    Action, Actor, AppError, EmbeddingModelId,
    embedding_model::{
        EmbeddingModelDraft, EmbeddingModels, EmbeddingProgress, ParsedEmbeddingModel,
    },
    overview::SemanticSearch,
};
use serde_json::json;
use store::{
    StoreError,
    embedding_model::{NewEmbeddingModel, counts, embedding_model_list},
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    job::embedding_sweep,
};

/// The organisation's models with the progress of each.
pub async fn embedding_model_get(ctx: &Ctx, actor: &Actor) -> Result<EmbeddingModels, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelList).await?;
    let models = embedding_model_list(&mut act.tx).await?;
    let counts = counts(&mut act.tx).await?;
    Ok(EmbeddingModels {
        models: models
            .into_iter()
            .map(|model| {
                // The slot of a dropped model may be reused by another.
                let progress = match model.dropped_at {
                    None => counts.progress(model.slot),
                    Some(_) => EmbeddingProgress::default(),
                };
                (model, progress)
            })
            .collect(),
        endpoints: ctx.embedder.endpoint_names(),
        local_off: match ctx.embedder.status() {
            SemanticSearch::On => None,
            SemanticSearch::Off { reason } => Some(reason),
        },
    })
}

/// Begins to prepare another model. Requests a vector from it first, so that a
/// model that doesn't answer is rejected at once.
///
/// # Errors
/// [`AppError::Conflict`] while another model is being prepared or dropped, or
/// if this one is in use.
pub async fn embedding_model_start(
    ctx: &Ctx,
    actor: &Actor,
    draft: &EmbeddingModelDraft,
) -> Result<EmbeddingModelId, AppError> {
    // Before anything leaves the machine.
    AuthorizedTx::authorize(ctx, actor, Action::EmbeddingModelStart).await?;
    let text = ParsedEmbeddingModel::parse(draft)?;
    let (source, dimensions) = ctx.embedder.probe(&text).await?;
    let mut act = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelStart).await?;
    let id: EmbeddingModelId = ctx.ids.id();
    let active = store::embedding_model::embedding_model_active(&mut act.tx).await?;
    if (&active.source, &active.model, active.dimensions) == (&source, &text.model, dimensions) {
        return Err(AppError::Conflict {
            message: "This model is in use already.".into(),
        });
    }
    let model = NewEmbeddingModel {
        id,
        source,
        model: text.model,
        dimensions,
        is_shortened: text.dimensions.is_some(),
    };
    match store::embedding_model::embedding_model_start(&mut act.tx, &model, ctx.clock.now()).await
    {
        Err(StoreError::Conflict) => {
            return Err(AppError::Conflict {
                message: "Another model is being prepared, or vectors of an earlier one are still being let go. Wait until that is done, or cancel it.".into(),
            });
        }
        done => done?,
    }
    let changes = json!({ "after": {
        "source": model.source, "model": model.model, "dimensions": model.dimensions,
    } });
    act.commit(AuditTarget::embedding_model(id).with_changes(changes))
        .await?;
    sweep_now(ctx).await?;
    Ok(id)
}

/// Pauses the preparation of the next model.
///
/// # Errors
/// [`AppError::Conflict`] if it is not being prepared.
pub async fn embedding_model_pause(
    ctx: &Ctx,
    actor: &Actor,
    id: EmbeddingModelId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelPause).await?;
    store::embedding_model::embedding_model_pause(&mut act.tx, id, true).await?;
    act.commit(AuditTarget::embedding_model(id)).await
}

/// Resumes the preparation.
///
/// # Errors
/// [`AppError::Conflict`] if it is not paused.
pub async fn embedding_model_resume(
    ctx: &Ctx,
    actor: &Actor,
    id: EmbeddingModelId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelResume).await?;
    store::embedding_model::embedding_model_pause(&mut act.tx, id, false).await?;
    act.commit(AuditTarget::embedding_model(id)).await?;
    sweep_now(ctx).await
}

/// Cancels the next model; its vectors are deleted later.
///
/// # Errors
/// [`AppError::Conflict`] if it is no longer being prepared.
pub async fn embedding_model_cancel(
    ctx: &Ctx,
    actor: &Actor,
    id: EmbeddingModelId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelCancel).await?;
    store::embedding_model::embedding_model_cancel(&mut act.tx, id, ctx.clock.now()).await?;
    act.commit(AuditTarget::embedding_model(id)).await
}

/// Queues the work now instead of waiting for housekeeping; an organisation
/// without memories is done at once.
async fn sweep_now(ctx: &Ctx) -> Result<(), AppError> {
    Ok(embedding_sweep(ctx).await?)
}
