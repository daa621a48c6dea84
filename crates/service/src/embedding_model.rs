//! The embedding model of an organisation's semantic search, and changing it:
//! the next model is prepared in the background beside the active one, and
//! replaces it when complete.

use domain::{
    Action, Actor, AppError, EmbeddingModelId, NoInput,
    embedding_model::{
        EmbeddingModelEntry, EmbeddingModelInput, EmbeddingModelPath, EmbeddingModels,
        EmbeddingProgress, ParsedEmbeddingModel, StartedEmbeddingModel,
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
    operation::{Done, Endpoint, Group, Operation, Route, operations},
};

operations! {
    EmbeddingModelGet,
    EmbeddingModelStart,
    EmbeddingModelPause,
    EmbeddingModelResume,
    EmbeddingModelCancel,
}

pub struct EmbeddingModelGet;

impl Operation for EmbeddingModelGet {
    const ACTION: Action = Action::EmbeddingModelList;
    const ROUTE: Route = Route::get("/embedding-models");
    const GROUP: Group = Group::Organisation;
    const TITLE: &'static str = "List the embedding models";
    const DESCRIPTION: &'static str =
        "The active one, the next one if any, then retired ones, with the progress of each.";
    type Input = NoInput;
    type Output = EmbeddingModels;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: NoInput,
    ) -> Result<Done<EmbeddingModels>, AppError> {
        let NoInput {} = input;
        let models = embedding_model_list(tx).await?;
        let counts = counts(tx).await?;
        let embedder = &tx.ctx.embedder;
        Ok(Done::read(EmbeddingModels {
            models: models
                .into_iter()
                .map(|model| EmbeddingModelEntry {
                    // The slot of a dropped model may be reused by another.
                    progress: match model.dropped_at {
                        None => counts.progress(model.slot),
                        Some(_) => EmbeddingProgress::default(),
                    },
                    model,
                })
                .collect(),
            private_memories: counts.private,
            endpoints: embedder.endpoint_names(),
            local_off: match embedder.status() {
                SemanticSearch::On => None,
                SemanticSearch::Off { reason } => Some(reason),
            },
        }))
    }
}

/// Not an [`Operation`]: the model is asked for a vector before the transaction
/// is opened, so that none is open meanwhile.
pub struct EmbeddingModelStart;

impl Endpoint for EmbeddingModelStart {
    const ACTION: Action = Action::EmbeddingModelStart;
    const ROUTE: Route = Route::post("/embedding-models");
    const GROUP: Group = Group::Organisation;
    const TITLE: &'static str = "Start a switch to another embedding model";
    const DESCRIPTION: &'static str = "Requests a vector from it first, so that a model that doesn't answer is rejected at once. A conflict while another model is being prepared or dropped, or if this one is in use.";
    type Input = EmbeddingModelInput;
    type Output = StartedEmbeddingModel;

    async fn call(
        ctx: &Ctx,
        actor: &Actor,
        input: EmbeddingModelInput,
    ) -> Result<StartedEmbeddingModel, AppError> {
        // Before anything leaves the machine.
        AuthorizedTx::authorize(ctx, actor, Action::EmbeddingModelStart).await?;
        let text = ParsedEmbeddingModel::parse(&input)?;
        let (source, dimensions) = ctx.embedder.probe(&text).await?;
        let mut tx = AuthorizedTx::begin(ctx, actor, Action::EmbeddingModelStart).await?;
        let id: EmbeddingModelId = ctx.ids.id();
        let now = tx.now();
        let active = store::embedding_model::embedding_model_active(&mut tx).await?;
        if (&active.source, &active.model, active.dimensions) == (&source, &text.model, dimensions)
        {
            return Err(AppError::Conflict {
                message: "This model is already in use.".into(),
            });
        }
        let model = NewEmbeddingModel {
            id,
            source,
            model: text.model,
            dimensions,
            is_shortened: text.dimensions.is_some(),
        };
        match store::embedding_model::embedding_model_start(&mut tx, &model, now).await {
            Err(StoreError::Conflict) => {
                return Err(AppError::Conflict {
                    message: "Another switch or its cleanup is in progress. Wait until it is done, or cancel it.".into(),
                });
            }
            done => done?,
        }
        let changes = json!({ "after": {
            "source": model.source, "model": model.model, "dimensions": model.dimensions,
        } });
        tx.commit(AuditTarget::of(id).with_changes(changes)).await?;
        sweep_now(ctx).await;
        Ok(StartedEmbeddingModel { id })
    }
}

pub struct EmbeddingModelPause;

impl Operation for EmbeddingModelPause {
    const ACTION: Action = Action::EmbeddingModelPause;
    const ROUTE: Route = Route::post("/embedding-models/{id}/pause");
    const GROUP: Group = Group::Organisation;
    const TITLE: &'static str = "Pause the preparation of the next embedding model";
    const DESCRIPTION: &'static str = "A conflict if it is not being prepared.";
    type Input = EmbeddingModelPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: EmbeddingModelPath,
    ) -> Result<Done<()>, AppError> {
        let EmbeddingModelPath { id } = input;
        ensure_exists(tx, id).await?;
        store::embedding_model::embedding_model_pause(tx, id, true).await?;
        Ok(Done::audited((), AuditTarget::of(id)))
    }
}

pub struct EmbeddingModelResume;

impl Operation for EmbeddingModelResume {
    const ACTION: Action = Action::EmbeddingModelResume;
    const ROUTE: Route = Route::post("/embedding-models/{id}/resume");
    const GROUP: Group = Group::Organisation;
    const TITLE: &'static str = "Resume the preparation of the next embedding model";
    const DESCRIPTION: &'static str = "A conflict if it is not paused.";
    type Input = EmbeddingModelPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: EmbeddingModelPath,
    ) -> Result<Done<()>, AppError> {
        let EmbeddingModelPath { id } = input;
        ensure_exists(tx, id).await?;
        store::embedding_model::embedding_model_pause(tx, id, false).await?;
        Ok(Done::audited((), AuditTarget::of(id)))
    }

    async fn after_commit(ctx: &Ctx, _: &Actor, (): ()) {
        sweep_now(ctx).await;
    }
}

pub struct EmbeddingModelCancel;

impl Operation for EmbeddingModelCancel {
    const ACTION: Action = Action::EmbeddingModelCancel;
    const ROUTE: Route = Route::post("/embedding-models/{id}/cancel");
    const GROUP: Group = Group::Organisation;
    const TITLE: &'static str = "Cancel the next embedding model";
    const DESCRIPTION: &'static str =
        "Its vectors are deleted later. A conflict if it is no longer being prepared.";
    type Input = EmbeddingModelPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: EmbeddingModelPath,
    ) -> Result<Done<()>, AppError> {
        let EmbeddingModelPath { id } = input;
        let now = tx.now();
        ensure_exists(tx, id).await?;
        store::embedding_model::embedding_model_cancel(tx, id, now).await?;
        Ok(Done::audited((), AuditTarget::of(id)))
    }
}

async fn ensure_exists(tx: &mut AuthorizedTx<'_>, id: EmbeddingModelId) -> Result<(), AppError> {
    let models = embedding_model_list(tx).await?;
    if models.iter().any(|model| model.id == id) {
        Ok(())
    } else {
        Err(AppError::NotFound)
    }
}

/// Queues the work now instead of waiting for housekeeping; an organisation
/// without memories is done at once.
async fn sweep_now(ctx: &Ctx) {
    if let Err(error) = embedding_sweep(ctx).await {
        tracing::warn!(%error, "the work on an embedding model waits for housekeeping");
    }
}
