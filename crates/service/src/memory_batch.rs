//! Many changes of memories in one call.

use std::{collections::BTreeSet, fmt};

use domain::{
    Action, Actor, AppError, MemoryId, ProposalId,
    memory::{MemoryPatch, MemoryPath},
    memory_command::{BatchOutcome, BatchResults, BatchRow, MAX_BATCH, MemoryCommand},
    share::EditOutcome,
};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use store::TenantTx;

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx, deny},
    input::{JsonObject, Part, read_input},
    memory::{self, own_memory},
    memory_edit::{Edit, EditResult},
    memory_trash,
    operation::{Endpoint, Group, Route},
};

/// The changes to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryBatchInput {
    /// 1 to 1,000 rows, done in their order.
    #[schemars(with = "Vec<MemoryCommand>")]
    pub items: BatchRows,
}

/// Rows that are not read yet, so that a bad one doesn't fail the others.
#[derive(Debug)]
pub struct BatchRows {
    /// At most [`MAX_BATCH`].
    rows: Vec<Box<RawValue>>,
    is_too_long: bool,
}

impl<'de> Deserialize<'de> for BatchRows {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> Visitor<'de> for Rows {
            type Value = BatchRows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<BatchRows, A::Error> {
                let mut rows = Vec::new();
                while rows.len() < MAX_BATCH {
                    match list.next_element()? {
                        Some(row) => rows.push(row),
                        None => {
                            return Ok(BatchRows {
                                rows,
                                is_too_long: false,
                            });
                        }
                    }
                }
                let mut is_too_long = false;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    is_too_long = true;
                }
                Ok(BatchRows { rows, is_too_long })
            }
        }

        from.deserialize_seq(Rows)
    }
}

/// Reads a row; `op` says which fields it has.
fn command(row: &RawValue) -> Result<MemoryCommand, AppError> {
    let fields: JsonObject<'_> = serde_json::from_str(row.get())
        .map_err(|_| AppError::field("", "A row is a JSON object."))?;
    let (op, fields): (Vec<_>, Vec<_>) = fields.into_parts().partition(|(name, _)| name == "op");
    let op = match op.as_slice() {
        [(_, Part::Json(op))] => serde_json::from_str::<String>(op.get()).unwrap_or_default(),
        _ => String::new(),
    };
    Ok(match op.as_str() {
        "create" => MemoryCommand::Create(read_input(&fields)?),
        "update" => MemoryCommand::Update(read_input(&fields)?),
        "delete" => MemoryCommand::Delete(read_input(&fields)?),
        "restore" => MemoryCommand::Restore(read_input(&fields)?),
        _ => {
            let message = "Choose create, update, delete or restore.";
            return Err(AppError::field("op", message));
        }
    })
}

/// Not an [`Operation`](crate::Operation): rows without permission are audited as
/// denied after the others are committed.
pub struct MemoryBatch;

impl Endpoint for MemoryBatch {
    const ACTION: Action = Action::MemoryCreate;
    const ROUTE: Route = Route::post("/memories/batch");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Change many memories";
    const DESCRIPTION: &'static str = "Up to 1,000 rows, processed in order. A row that fails has its own problem and doesn't stop the others, so the \
         answer is 200 even if all rows failed.";
    type Input = MemoryBatchInput;
    type Output = BatchResults;

    async fn call(
        ctx: &Ctx,
        actor: &Actor,
        input: MemoryBatchInput,
    ) -> Result<BatchResults, AppError> {
        let commands: Vec<_> = input.items.rows.iter().map(|row| command(row)).collect();
        let mut actions: BTreeSet<_> = commands
            .iter()
            .flatten()
            .map(MemoryCommand::action)
            .collect();
        // Permissions are checked before the rows are validated.
        let first = actions.pop_first().unwrap_or(Self::ACTION);
        for action in actions {
            AuthorizedTx::authorize(ctx, actor, action).await?;
        }
        let tx = AuthorizedTx::begin(ctx, actor, first).await?;
        if commands.is_empty() || input.items.is_too_long {
            let message = format!("A batch has 1 to {MAX_BATCH} rows.");
            return Err(AppError::field("items", message));
        }
        run(ctx, actor, tx, commands).await
    }
}

/// Executes commands in their order and commits. Each successful one has its
/// audit row.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away, and then nothing was
/// done.
async fn run(
    ctx: &Ctx,
    actor: &Actor,
    mut tx: AuthorizedTx<'_>,
    commands: Vec<Result<MemoryCommand, AppError>>,
) -> Result<BatchResults, AppError> {
    let (mut results, mut audited, mut denied) = (BatchResults::default(), Vec::new(), Vec::new());
    let mut writes_text = false;
    for command in commands {
        let command = match command {
            Ok(command) => command,
            Err(error) => {
                results.add(Err(error));
                continue;
            }
        };
        let (action, target) = (command.action(), command.target());
        let is_text = command.writes_text();
        tx.savepoint().await?;
        results.add(match apply_in_tx(ctx, actor, &mut tx, command).await {
            Ok((row, events)) => {
                tx.savepoint_release().await?;
                audited.extend(events);
                writes_text |= is_text;
                Ok(row)
            }
            Err(error) => {
                ensure_row_error(&error)?;
                tx.savepoint_rollback().await?;
                if let AppError::Forbidden { permission } = error {
                    denied.push((action, target, permission));
                }
                Err(error)
            }
        });
    }
    if writes_text {
        tx.enqueue_embedding().await?;
    }
    if audited.is_empty() {
        // Returns its connection to the pool before the denials take one.
        drop(tx);
    } else {
        tx.commit_each(audited).await?;
    }
    for (action, target, permission) in denied {
        let target = target.map_or_else(AuditTarget::several::<MemoryId>, AuditTarget::of);
        deny(ctx, actor, action, permission, target).await?;
    }
    Ok(results)
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
    let (outcome, action) = (command.outcome(), command.action());
    let row = |id, version| row(outcome, id, version, None);
    let (row, target) = match command {
        MemoryCommand::Create(input) => {
            let (id, target) = memory::create_in_tx(ctx, actor, tx, &input).await?;
            (row(id, Some(1)), target)
        }
        MemoryCommand::Update(patch) => return update(ctx, actor, tx, patch).await,
        MemoryCommand::Delete(MemoryPath { id }) => {
            let target = memory_trash::delete_in_tx(ctx, tx, id).await?;
            (row(id, None), target)
        }
        MemoryCommand::Restore(MemoryPath { id }) => {
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
    patch: MemoryPatch,
) -> Result<(BatchRow, Vec<(Action, AuditTarget)>), AppError> {
    let (id, version) = (patch.id, patch.version);
    let change = patch.apply_to(own_memory(tx, id).await?, ctx.clock.now())?;
    let edit = Edit {
        id,
        version,
        change: &change,
        restores: None,
    };
    let EditResult { outcome, rows } = edit.apply_in_tx(ctx, actor, tx).await?;
    let (done, version) = match outcome {
        EditOutcome::Changed => {
            let now = store::memory::memory_get(tx, id).await?.version;
            (BatchOutcome::Updated, (now != version).then_some(now))
        }
        EditOutcome::Proposed(_) => (BatchOutcome::Proposed, None),
    };
    Ok((row(done, id, version, outcome.proposal_id()), rows))
}

const fn row(
    outcome: BatchOutcome,
    id: MemoryId,
    version: Option<i32>,
    proposal_id: Option<ProposalId>,
) -> BatchRow {
    BatchRow {
        row: 0,
        outcome,
        id: Some(id),
        version,
        proposal_id,
        problem: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(row: &str) -> AppError {
        let row: Box<RawValue> = serde_json::from_str(row).unwrap();
        command(&row).unwrap_err()
    }

    #[test]
    fn each_kind_of_row_refuses_unknown_and_bad_fields_by_name() {
        let id = uuid::Uuid::nil();
        for (row, named) in [
            (r#"{"op":"create","content":"x","id":"x"}"#.to_owned(), "id"),
            (
                r#"{"op":"create","content":"x","owner":"x"}"#.to_owned(),
                "owner",
            ),
            (r#"{"op":"create"}"#.to_owned(), "content"),
            (r#"{"op":"create","content":7}"#.to_owned(), "content"),
            (format!(r#"{{"op":"update","id":"{id}"}}"#), "version"),
            (
                format!(r#"{{"op":"update","id":"{id}","version":1,"tags":"a"}}"#),
                "tags",
            ),
            (
                format!(r#"{{"op":"delete","id":"{id}","content":""}}"#),
                "content",
            ),
            (r#"{"op":"update","version":1}"#.to_owned(), "id"),
            (r#"{"op":"explode"}"#.to_owned(), "op"),
            (r#"{"op":7}"#.to_owned(), "op"),
            (r#"{"content":"x"}"#.to_owned(), "op"),
            ("1".to_owned(), ""),
        ] {
            let error = error_of(&row);
            assert!(error.for_field(named).is_some(), "{row}: {error:?}");
        }
    }

    #[test]
    fn rows_beyond_the_limit_are_not_kept() {
        let many = format!(r#"{{"items":[{}]}}"#, vec!["1"; MAX_BATCH + 5].join(","));
        let input: MemoryBatchInput = crate::input::read_json_input(&many).unwrap();
        assert!(input.items.is_too_long);
        assert_eq!(input.items.rows.len(), MAX_BATCH);
    }
}
