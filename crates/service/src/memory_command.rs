//! Commands of API clients on memories, one at a time or in a batch.

use std::collections::BTreeSet;

use domain::{
    Action, Actor, AppError, MemoryId, ProposalId,
    memory::Memory,
    memory_command::{BatchOutcome, BatchRow, MAX_BATCH, MemoryCommand, MemoryEdit},
    share::EditOutcome,
};
use store::TenantTx;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx, deny},
    job::enqueue_embedding,
    memory,
    memory_edit::{Edit, EditResult},
    memory_trash,
};

/// Executes one command. Returns the memory as it is visible to others then,
/// and the proposal if the change waits for a review.
///
/// # Errors
/// [`AppError::Conflict`] if the version is outdated or the state doesn't allow
/// it.
pub async fn memory_apply(
    ctx: &Ctx,
    actor: &Actor,
    command: MemoryCommand,
) -> Result<(Memory, Option<ProposalId>), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, command.action()).await?;
    let (is_text, target) = (is_text(&command), command.target());
    let (row, rows) = match apply_in_tx(ctx, actor, &mut act.tx, command).await {
        Err(AppError::Forbidden { permission }) => {
            return Err(act
                .deny_permission(AuditTarget::memory_or_new(target), permission)
                .await);
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

/// Executes commands in their order, in one transaction. A command that fails
/// or didn't parse doesn't affect the others. Each successful one has its audit
/// row.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor lacks the permission for one of the
/// actions; [`AppError::Invalid`] for `items` with none or more than
/// [`MAX_BATCH`]; [`AppError::Unavailable`] when the database is away, and then
/// nothing was done.
pub async fn memory_batch(
    ctx: &Ctx,
    actor: &Actor,
    commands: Vec<Result<MemoryCommand, AppError>>,
) -> Result<Vec<Result<BatchRow, AppError>>, AppError> {
    let mut actions: BTreeSet<_> = commands
        .iter()
        .flatten()
        .map(MemoryCommand::action)
        .collect();
    // Permissions are checked before the rows are validated.
    let first = actions.pop_first().unwrap_or(Action::MemoryCreate);
    for action in actions {
        AuthorizedTx::authorize(ctx, actor, action).await?;
    }
    let mut act = AuthorizedTx::begin(ctx, actor, first).await?;
    if commands.is_empty() || commands.len() > MAX_BATCH {
        let message = format!("A batch has 1 to {MAX_BATCH} rows.");
        return Err(AppError::field("items", message));
    }
    let (mut rows, mut done, mut is_any_text) = (Vec::new(), Vec::new(), false);
    let mut denied = Vec::new();
    for command in commands {
        let row = match command {
            Err(error) => Err(error),
            Ok(command) => {
                let (action, target, is_text) =
                    (command.action(), command.target(), is_text(&command));
                act.tx.savepoint().await?;
                match apply_in_tx(ctx, actor, &mut act.tx, command).await {
                    Ok((row, events)) => {
                        act.tx.savepoint_release().await?;
                        done.extend(events);
                        is_any_text |= is_text;
                        Ok(row)
                    }
                    Err(error) => {
                        ensure_row_error(&error)?;
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
        // Returns its connection to the pool before the denials take one.
        drop(act);
    } else {
        act.commit_each(done).await?;
    }
    for (action, target, permission) in denied {
        deny(
            ctx,
            actor,
            action,
            permission,
            AuditTarget::memory_or_new(target),
        )
        .await?;
    }
    if is_any_text {
        ctx.jobs_wake.notify_one();
    }
    Ok(rows)
}

/// True if the command writes text that needs a vector.
const fn is_text(command: &MemoryCommand) -> bool {
    matches!(
        command,
        MemoryCommand::Create(_) | MemoryCommand::Reply { .. } | MemoryCommand::Update { .. }
    )
}

/// Fails if the error isn't limited to one row.
fn ensure_row_error(error: &AppError) -> Result<(), AppError> {
    match error {
        AppError::NotFound
        | AppError::Conflict { .. }
        | AppError::Invalid { .. }
        | AppError::Forbidden { .. } => Ok(()),
        other => Err(other.clone()),
    }
}

/// Executes one command, inside an open transaction.
async fn apply_in_tx(
    ctx: &Ctx,
    actor: &Actor,
    tx: &mut TenantTx,
    command: MemoryCommand,
) -> Result<(BatchRow, Vec<(Action, AuditTarget)>), AppError> {
    let (done, action) = (command.done(), command.action());
    let row = |id, version| BatchRow {
        done,
        id,
        version,
        proposal_id: None,
    };
    let (row, target) = match command {
        MemoryCommand::Create(new) => {
            let (id, target) = memory::create_in_tx(ctx, actor, tx, &new).await?;
            (row(id, Some(1)), target)
        }
        MemoryCommand::Reply { root, reply } => {
            let (id, target) = memory::reply_in_tx(ctx, actor, tx, root, &reply).await?;
            (row(id, Some(1)), target)
        }
        MemoryCommand::Update { id, version, edit } => {
            return update(ctx, actor, tx, id, version, edit).await;
        }
        MemoryCommand::Delete { id } => {
            let target = memory_trash::delete_in_tx(ctx, tx, id).await?;
            (row(id, None), target)
        }
        MemoryCommand::Restore { id } => {
            let target = memory_trash::restore_in_tx(ctx, tx, id).await?;
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
) -> Result<(BatchRow, Vec<(Action, AuditTarget)>), AppError> {
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
    let EditResult { outcome, rows } = edit.within(ctx, actor, tx).await?;
    let (done, version) = match outcome {
        EditOutcome::Changed => {
            let now = store::memory::memory_get(tx, id).await?.version;
            (BatchOutcome::Updated, (now != version).then_some(now))
        }
        EditOutcome::Proposed(_) => (BatchOutcome::Proposed, None),
    };
    let row = BatchRow {
        done,
        id,
        version,
        proposal_id: outcome.proposal_id(),
    };
    Ok((row, rows))
}
