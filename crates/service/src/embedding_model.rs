//! By which model an organisation's memories are found by meaning, and
//! changing it: the next one is prepared in the background beside the one that
//! searches use, and takes its place when it is whole.

use domain::{
    Action, Actor, AppError, EmbeddingModelId,
    embedding_model::{
        EmbeddingModelDraft, EmbeddingModelText, EmbeddingModels, EmbeddingProgress,
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

/// The organisation's models with how far each is.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn embedding_model_get(ctx: &Ctx, actor: &Actor) -> Result<EmbeddingModels, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelList).await?;
    let models = embedding_model_list(&mut act.tx).await?;
    let counts = counts(&mut act.tx).await?;
    Ok(EmbeddingModels {
        models: models
            .into_iter()
            .map(|model| {
                // The place of one that is gone may be another's by now.
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

/// Begins to prepare another model. It is asked for a vector first, so that
/// one that doesn't answer is refused at once.
///
/// # Errors
/// [`AppError::Invalid`] with the field at fault; [`AppError::Conflict`] while
/// another one is being prepared or let go, or when it is the one in use.
pub async fn embedding_model_start(
    ctx: &Ctx,
    actor: &Actor,
    draft: &EmbeddingModelDraft,
) -> Result<EmbeddingModelId, AppError> {
    // Before anything leaves the machine.
    AuthorizedTx::authorize(ctx, actor, Action::EmbeddingModelStart).await?;
    let text = EmbeddingModelText::parse(draft)?;
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
    act.commit(AuditTarget::embedding_model(id).changed(changes))
        .await?;
    go_on(ctx).await?;
    Ok(id)
}

/// Halts the preparation of the next model.
///
/// # Errors
/// [`AppError::Conflict`] when it is not being prepared.
pub async fn embedding_model_pause(
    ctx: &Ctx,
    actor: &Actor,
    id: EmbeddingModelId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelPause).await?;
    store::embedding_model::embedding_model_pause(&mut act.tx, id, true).await?;
    act.commit(AuditTarget::embedding_model(id)).await
}

/// Goes on with it.
///
/// # Errors
/// [`AppError::Conflict`] when it is not halted.
pub async fn embedding_model_resume(
    ctx: &Ctx,
    actor: &Actor,
    id: EmbeddingModelId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelResume).await?;
    store::embedding_model::embedding_model_pause(&mut act.tx, id, false).await?;
    act.commit(AuditTarget::embedding_model(id)).await?;
    go_on(ctx).await
}

/// Gives the next model up; its vectors are let go.
///
/// # Errors
/// [`AppError::Conflict`] when it is not being prepared any more.
pub async fn embedding_model_cancel(
    ctx: &Ctx,
    actor: &Actor,
    id: EmbeddingModelId,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelCancel).await?;
    store::embedding_model::embedding_model_cancel(&mut act.tx, id, ctx.clock.now()).await?;
    act.commit(AuditTarget::embedding_model(id)).await
}

/// Queues the work now, without waiting for housekeeping; an organisation
/// without memories is done at once.
async fn go_on(ctx: &Ctx) -> Result<(), AppError> {
    Ok(embedding_sweep(ctx).await?)
}
