//! What programs ask to be done with memories, one by one or many at once.

use std::collections::BTreeSet;

use domain::{
    Action, Actor, AppError, MemoryId, ProposalId,
    memory::Memory,
    memory_order::{BatchDone, BatchRow, MAX_BATCH, MemoryEdit, MemoryOrder},
    share::EditOutcome,
};
use store::TenantTx;

use crate::{
    Ctx,
    act::{Act, Target, deny},
    job::enqueue_embedding,
    memory,
    memory_edit::{Edit, Edited},
    memory_trash,
};

/// Does one thing. Returns the memory as others see it then, and the proposal
/// where a change waits for a review.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`] when it isn't an own one;
/// [`AppError::Conflict`] when its version has passed or its state doesn't
/// allow it; [`AppError::Invalid`] with every field at fault.
pub async fn memory_order(
    ctx: &Ctx,
    actor: &Actor,
    order: MemoryOrder,
) -> Result<(Memory, Option<ProposalId>), AppError> {
    let mut act = Act::begin(ctx, actor, order.action()).await?;
    let (is_text, target) = (is_text(&order), order.target());
    let (row, rows) = match within(ctx, actor, &mut act.tx, order).await {
        Err(AppError::Forbidden { permission }) => {
            return Err(act.refuse(Target::of_memory(target), permission).await);
        }
        other => other?,
    };
    if is_text {
        enqueue_embedding(ctx, &mut act.tx, actor).await?;
    }
    let memory = store::memory::memory_get(&mut act.tx, row.id).await?;
    act.commit_each(rows).await?;
    if is_text {
        ctx.jobs_wake.notify_one();
    }
    Ok((memory, row.proposal_id))
}

/// Does many things in their order, in one transaction: what can't be done, or
/// was no order to begin with, keeps none of the others from it. Each one that
/// was done has its audit row.
///
/// # Errors
/// [`AppError::Forbidden`] when the actor lacks the permission for one of the
/// kinds; [`AppError::Invalid`] for none and for more than [`MAX_BATCH`];
/// [`AppError::Unavailable`] when the database goes away: then nothing was
/// done.
pub async fn memory_batch(
    ctx: &Ctx,
    actor: &Actor,
    orders: Vec<Result<MemoryOrder, AppError>>,
) -> Result<Vec<Result<BatchRow, AppError>>, AppError> {
    let mut actions: BTreeSet<_> = orders.iter().flatten().map(MemoryOrder::action).collect();
    // Whoever may do nothing learns that before what is wrong with the rows.
    let first = actions.pop_first().unwrap_or(Action::MemoryCreate);
    for action in actions {
        Act::authorize(ctx, actor, action).await?;
    }
    let mut act = Act::begin(ctx, actor, first).await?;
    if orders.is_empty() || orders.len() > MAX_BATCH {
        let message = format!("A batch has 1 to {MAX_BATCH} rows.");
        return Err(AppError::field("items", message));
    }
    let (mut rows, mut done, mut is_any_text) = (Vec::new(), Vec::new(), false);
    let mut denied = Vec::new();
    for order in orders {
        let row = match order {
            Err(error) => Err(error),
            Ok(order) => {
                let (action, target, is_text) = (order.action(), order.target(), is_text(&order));
                act.tx.savepoint().await?;
                match within(ctx, actor, &mut act.tx, order).await {
                    Ok((row, events)) => {
                        act.tx.savepoint_release().await?;
                        done.extend(events);
                        is_any_text |= is_text;
                        Ok(row)
                    }
                    Err(error) => {
                        concerns_one(&error)?;
                        act.tx.savepoint_rollback().await?;
                        if let AppError::Forbidden { permission } = error {
                            denied.push((action, target, permission));
                        }
                        Err(error)
                    }
                }
            }
        };
        rows.push(row);
    }
    if is_any_text {
        enqueue_embedding(ctx, &mut act.tx, actor).await?;
    }
    if done.is_empty() {
        // Gives its connection back before the refusals take one.
        drop(act);
    } else {
        act.commit_each(done).await?;
    }
    for (action, target, permission) in denied {
        deny(ctx, actor, action, permission, Target::of_memory(target)).await?;
    }
    if is_any_text {
        ctx.jobs_wake.notify_one();
    }
    Ok(rows)
}

/// Whether it brings words that wait for their vector.
const fn is_text(order: &MemoryOrder) -> bool {
    matches!(
        order,
        MemoryOrder::Create(_) | MemoryOrder::Reply { .. } | MemoryOrder::Update { .. }
    )
}

/// Passes for what is wrong with one row only.
fn concerns_one(error: &AppError) -> Result<(), AppError> {
    match error {
        AppError::NotFound
        | AppError::Conflict { .. }
        | AppError::Invalid { .. }
        | AppError::Forbidden { .. } => Ok(()),
        other => Err(other.clone()),
    }
}

/// Does one thing, without an end.
async fn within(
    ctx: &Ctx,
    actor: &Actor,
    tx: &mut TenantTx,
    order: MemoryOrder,
) -> Result<(BatchRow, Vec<(Action, Target)>), AppError> {
    let (done, action) = (order.done(), order.action());
    let row = |id, version| BatchRow {
        done,
        id,
        version,
        proposal_id: None,
    };
    let (row, target) = match order {
        MemoryOrder::Create(new) => {
            let (id, target) = memory::create_within(ctx, actor, tx, &new).await?;
            (row(id, Some(1)), target)
        }
        MemoryOrder::Reply { root, reply } => {
            let (id, target) = memory::reply_within(ctx, actor, tx, root, &reply).await?;
            (row(id, Some(1)), target)
        }
        MemoryOrder::Update { id, version, edit } => {
            return update(ctx, actor, tx, id, version, edit).await;
        }
        MemoryOrder::Delete { id } => {
            let target = memory_trash::delete_within(ctx, tx, id).await?;
            (row(id, None), target)
        }
        MemoryOrder::Restore { id } => {
            let target = memory_trash::restore_within(ctx, tx, id).await?;
            (row(id, None), target)
        }
    };
    Ok((row, vec![(action, target)]))
}

async fn update(
    ctx: &Ctx,
    actor: &Actor,
    tx: &mut TenantTx,
    id: MemoryId,
    version: i32,
    edit: MemoryEdit,
) -> Result<(BatchRow, Vec<(Action, Target)>), AppError> {
    let before = store::memory::memory_get(tx, id).await?;
    if !before.is_own {
        return Err(AppError::NotFound);
    }
    let change = edit.onto(before)?;
    let edit = Edit {
        id,
        version,
        change: &change,
        restores: None,
    };
    let Edited { outcome, rows } = edit.within(ctx, actor, tx).await?;
    let (done, version) = match outcome {
        EditOutcome::Changed => {
            let now = store::memory::memory_get(tx, id).await?.version;
            (BatchDone::Updated, (now != version).then_some(now))
        }
        EditOutcome::Proposed(_) => (BatchDone::Proposed, None),
    };
    let row = BatchRow {
        done,
        id,
        version,
        proposal_id: outcome.proposal_id(),
    };
    Ok((row, rows))
}
