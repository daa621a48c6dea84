//! Many changes of memories in one call, each with its own outcome.

use std::fmt;

use axum::{Extension, Json};
use domain::{
    AppError, MemoryId, ProposalId,
    memory::Origin,
    memory_command::{BatchOutcome, BatchRow, MAX_BATCH, MemoryCommand},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use service::Ctx;
use utoipa::ToSchema;

use super::{
    input::{Authenticated, JsonBody, brief},
    memory_shape::{MemoryPatch, NewMemory},
    problem::{ApiError, Problem},
};

/// Bytes that the body of a batch may have.
pub(crate) const MAX_BODY_BYTES: u64 = 8 * 1024 * 1024;

/// What is to be done, in this order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    /// 1 to 1,000 rows. Each says in `op` what is to be done: `create` with the
    /// fields of a new memory, `update` with `id`, `version` and what is to
    /// become of it, `delete` or `restore` with `id`.
    #[schema(
        value_type = Vec<Object>,
        example = json!([{"op": "create", "content": "The team meets for tea at four on Thursdays."}]),
    )]
    items: Rows,
}

/// The rows as they came, so that a broken one breaks no other; none beyond
/// the most are kept.
struct Rows {
    rows: Vec<Box<RawValue>>,
    more: bool,
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Rows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Rows, A::Error> {
                let mut rows = Vec::new();
                while rows.len() < MAX_BATCH {
                    match given.next_element()? {
                        Some(row) => rows.push(row),
                        None => return Ok(Rows { rows, more: false }),
                    }
                }
                let mut more = false;
                while given.next_element::<IgnoredAny>()?.is_some() {
                    more = true;
                }
                Ok(Rows { rows, more })
            }
        }
        from.deserialize_seq(Reader)
    }
}

/// Which memory is to be deleted or restored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemoryRef {
    id: MemoryId,
}

/// Reads a row. What there is to read goes by its `op`, so each kind of row
/// refuses the fields of the others.
fn command(row: &RawValue) -> Result<MemoryCommand, AppError> {
    let mut fields: serde_json::Map<String, serde_json::Value> = read(row.get())?;
    let op = fields.remove("op");
    let id = |fields: &mut serde_json::Map<_, _>| {
        let id = fields.remove("id").unwrap_or_default();
        serde_json::from_value::<MemoryId>(id)
            .map_err(|_| AppError::field("id", "Name the memory's id."))
    };
    match op.as_ref().and_then(serde_json::Value::as_str) {
        Some("create") => {
            let new: NewMemory = from_fields(fields)?;
            new.command(Origin::Api)
        }
        Some("update") => {
            let id = id(&mut fields)?;
            let patch: MemoryPatch = from_fields(fields)?;
            Ok(MemoryCommand::Update {
                id,
                version: patch.version,
                edit: patch.into(),
            })
        }
        Some("delete") => {
            let MemoryRef { id } = from_fields(fields)?;
            Ok(MemoryCommand::Delete { id })
        }
        Some("restore") => {
            let MemoryRef { id } = from_fields(fields)?;
            Ok(MemoryCommand::Restore { id })
        }
        _ => Err(AppError::field(
            "op",
            "Say what is to be done: create, update, delete or restore.",
        )),
    }
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, AppError> {
    serde_json::from_str(text).map_err(|error| AppError::field("", brief(&error.to_string())))
}

fn from_fields<T: serde::de::DeserializeOwned>(
    fields: serde_json::Map<String, serde_json::Value>,
) -> Result<T, AppError> {
    serde_json::from_value(serde_json::Value::Object(fields))
        .map_err(|error| AppError::field("", brief(&error.to_string())))
}

/// What became of the rows, and how many of each.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct BatchAnswer {
    /// New memories.
    created: usize,
    /// Changed ones.
    updated: usize,
    /// Those whose change waits for a review.
    proposed: usize,
    /// Those that are in the trash now.
    deleted: usize,
    /// Those that are out of it now.
    restored: usize,
    /// Rows of which nothing came.
    failed: usize,
    /// One for each row, in their order.
    rows: Vec<RowAnswer>,
}

/// What became of one row.
#[derive(Debug, Serialize, ToSchema)]
struct RowAnswer {
    /// Its place, from 0.
    row: usize,
    /// `created`, `updated`, `proposed`, `deleted`, `restored` or `failed`.
    outcome: &'static str,
    /// The memory's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    id: Option<MemoryId>,
    /// The version that it has now, where that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    /// The proposal of a change that waits for a review.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    proposal_id: Option<ProposalId>,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

impl BatchAnswer {
    fn add(&mut self, outcome: Result<BatchRow, AppError>) {
        let (count, outcome, id, version, proposal_id, problem) = match outcome {
            Ok(BatchRow {
                done,
                id,
                version,
                proposal_id,
            }) => {
                let (count, outcome) = match done {
                    BatchOutcome::Created => (&mut self.created, "created"),
                    BatchOutcome::Updated => (&mut self.updated, "updated"),
                    BatchOutcome::Proposed => (&mut self.proposed, "proposed"),
                    BatchOutcome::Deleted => (&mut self.deleted, "deleted"),
                    BatchOutcome::Restored => (&mut self.restored, "restored"),
                };
                (count, outcome, Some(id), version, proposal_id, None)
            }
            Err(error) => {
                let problem = Problem::of(error);
                (&mut self.failed, "failed", None, None, None, Some(problem))
            }
        };
        *count += 1;
        self.rows.push(RowAnswer {
            row: self.rows.len(),
            outcome,
            id,
            version,
            proposal_id,
            problem,
        });
    }
}

/// Change many memories
///
/// Up to 1,000 rows, done in their order. A row that can't be done has its
/// own problem and keeps none of the others from being done; so the answer is
/// 200 also when all of them failed.
#[utoipa::path(
    post, path = "/memories/batch", tag = "Memories",
    security(("key" = ["memory.write"])),
    request_body = Batch,
    responses((status = 200, description = "What became of each row", body = BatchAnswer)),
)]
pub(super) async fn memories_batch(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    JsonBody(batch): JsonBody<Batch>,
) -> Result<Json<BatchAnswer>, ApiError> {
    if batch.items.more {
        let message = format!("A batch has 1 to {MAX_BATCH} rows.");
        return Err(AppError::field("items", message).into());
    }
    let commands = batch.items.rows.iter().map(|row| command(row)).collect();
    let mut answer = BatchAnswer::default();
    for outcome in service::memory_batch(&ctx, &actor, commands).await? {
        answer.add(outcome);
    }
    Ok(Json(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(row: &str) -> String {
        let row: Box<RawValue> = serde_json::from_str(row).unwrap();
        command(&row).unwrap_err().to_string()
    }

    #[test]
    fn each_kind_of_row_refuses_what_it_does_not_know_by_name() {
        let id = "00000000-0000-0000-0000-000000000000";
        for (row, named) in [
            (
                r#"{"op":"create","content":"x","id":"x"}"#.to_owned(),
                "`id`",
            ),
            (
                r#"{"op":"create","content":"x","owner":"x"}"#.to_owned(),
                "`owner`",
            ),
            (r#"{"op":"create"}"#.to_owned(), "`content`"),
            (format!(r#"{{"op":"update","id":"{id}"}}"#), "`version`"),
            (
                format!(r#"{{"op":"delete","id":"{id}","content":""}}"#),
                "`content`",
            ),
            (r#"{"op":"update","version":1}"#.to_owned(), "id"),
            (r#"{"op":"explode"}"#.to_owned(), "create"),
            (r#"{"content":"x"}"#.to_owned(), "create"),
            ("1".to_owned(), "map"),
        ] {
            let told = fault(&row);
            assert!(told.contains(named), "{row}: {told}");
        }
    }

    #[test]
    fn rows_beyond_the_most_are_counted_and_not_kept() {
        let many = format!("[{}]", vec!["1"; MAX_BATCH + 5].join(","));
        let rows: Rows = serde_json::from_str(&many).unwrap();
        assert!(rows.more);
        assert_eq!(rows.rows.len(), MAX_BATCH);
    }
}
