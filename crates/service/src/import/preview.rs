//! Previews an import from the beginning of the file.

use std::ops::ControlFlow;

use domain::{
    Action, Actor, AppError,
    import::{
        Field, Import, ImportChoiceInput, ImportFormat, ImportOptions, ImportPreview, ImportState,
        MAX_COLUMNS, PreviewRecord, parse_tags,
    },
    memory::{MAX_TAG_CHARS, MAX_TAGS, MemoryKind},
};
use interchange::{Item, ReadError, Record};
use tokio::task::spawn_blocking;

use super::{chosen, land, source::ChunkSource};
use crate::{
    Ctx,
    authorized_tx::AuthorizedTx,
    operation::{Endpoint, Group, Route},
};

/// Records shown as they would be imported.
const MAX_RECORDS_SHOWN: usize = 20;
const MAX_PROBLEMS_SHOWN: usize = 20;
/// Reading stops after this many records or bytes.
const MAX_RECORDS_READ: u64 = 1_000;
const MAX_BYTES_READ: u64 = 1024 * 1024;
const EXCERPT_CHARS: usize = 280;

/// Not an [`Operation`](crate::Operation): no transaction is open while the file
/// is read.
pub struct ImportPreviewGet;

impl Endpoint for ImportPreviewGet {
    const ACTION: Action = Action::ImportGet;
    const ROUTE: Route = Route::post("/imports/{id}/preview");
    const GROUP: Group = Group::Imports;
    const TITLE: &'static str = "Preview an import";
    const DESCRIPTION: &'static str = "The first records of an uploaded file that is waiting for review, read as `choice` says. If the import was started, the answer is 409.";
    type Input = ImportChoiceInput;
    type Output = ImportPreview;

    async fn call(
        ctx: &Ctx,
        actor: &Actor,
        input: ImportChoiceInput,
    ) -> Result<ImportPreview, AppError> {
        let ImportChoiceInput { id, mut choice } = input;
        let mut tx = AuthorizedTx::begin(ctx, actor, Action::ImportGet).await?;
        let import = store::import::import_get(&mut tx, id).await?;
        drop(tx);
        // The file is read in transactions of its own, on another thread.
        ctx.pause_page();
        let format = format_of(&import, &choice)?;
        check(&choice)?;
        let size = u64::try_from(import.size).unwrap_or_default();
        let mut source = ChunkSource::new(ctx, actor, id, size);
        let now = ctx.clock.now();
        blocking(move || {
            let kind = {
                let mut head = vec![0; 64 * 1024];
                let mut filled = 0;
                while filled < head.len() {
                    match std::io::Read::read(&mut source, &mut head[filled..])? {
                        0 => break,
                        read => filled += read,
                    }
                }
                interchange::kind_of(&head[..filled])
            };
            let (columns, mapping) = resolve_columns(&mut source, format, &mut choice)?;
            let mut preview = ImportPreview {
                format,
                formats: interchange::formats(kind).to_vec(),
                records: Vec::new(),
                good: 0,
                failed: 0,
                problems: Vec::new(),
                changes: Vec::new(),
                is_whole: true,
                unmapped: columns
                    .iter()
                    .filter(|column| !mapping.iter().any(|(_, taken)| taken == *column))
                    .cloned()
                    .collect(),
                columns,
                mapping,
                refusal: None,
            };
            let done = interchange::read(&mut source, format, &choice, &mut |item| {
                let (is_enough, item) = (item.bytes >= MAX_BYTES_READ, land::checked(item, now));
                add_item(&mut preview, &item);
                if is_enough || preview.good + preview.failed >= MAX_RECORDS_READ {
                    preview.is_whole = false;
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            match done {
                Ok(()) => {}
                Err(ReadError::Refused(reason)) => preview.refusal = Some(reason),
                Err(error @ ReadError::Source(_)) => return Err(error),
            }
            if preview.is_whole && preview.good + preview.failed == 0 && preview.refusal.is_none() {
                preview.refusal = Some("No records found in this format.".to_owned());
            }
            Ok(preview)
        })
        .await
    }
}

/// The effective format and choice for the file, with the columns filled in.
pub(super) async fn settled(
    ctx: &Ctx,
    actor: &Actor,
    import: &Import,
    choice: &ImportOptions,
) -> Result<(ImportFormat, ImportOptions), AppError> {
    let format = format_of(import, choice)?;
    check(choice)?;
    let size = u64::try_from(import.size).unwrap_or_default();
    let mut source = ChunkSource::new(ctx, actor, import.id, size);
    let mut choice = choice.clone();
    blocking(move || {
        resolve_columns(&mut source, format, &mut choice)?;
        Ok((format, choice))
    })
    .await
}

/// Falls back to the guessed columns if the chosen ones don't exist in this
/// file and format, for example because they were chosen for another format.
fn resolve_columns(
    source: &mut ChunkSource,
    format: ImportFormat,
    choice: &mut ImportOptions,
) -> Result<(Vec<String>, interchange::Mapping), ReadError> {
    let (columns, _) = interchange::columns(source, format, choice)?;
    let content = choice.columns.get(Field::Content.key());
    if !format.is_mapped() || !content.is_some_and(|content| columns.contains(content)) {
        choice.columns.clear();
    }
    interchange::columns(source, format, choice)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, AppError> {
    match spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(ReadError::Refused(reason))) => Err(AppError::field("format", reason)),
        Ok(Err(ReadError::Source(error))) => {
            tracing::error!(%error, "a file given for import could not be read");
            Err(AppError::Internal)
        }
        Err(error) => {
            tracing::error!(%error, "looking at a file given for import panicked");
            Err(AppError::Internal)
        }
    }
}

fn add_item(preview: &mut ImportPreview, item: &Item) {
    if let Ok(record) = &item.record {
        preview.good += 1;
        if preview.records.len() < MAX_RECORDS_SHOWN {
            preview.records.push(preview_record(record));
        }
        if preview.changes.len() < MAX_PROBLEMS_SHOWN {
            preview.changes.extend(item.change());
        }
    } else {
        preview.failed += 1;
        if preview.problems.len() < MAX_PROBLEMS_SHOWN {
            preview.problems.extend(item.problem());
        }
    }
}

fn preview_record(record: &Record) -> PreviewRecord {
    PreviewRecord {
        title: record.text.title.clone(),
        excerpt: record.text.content.chars().take(EXCERPT_CHARS).collect(),
        kind: record.text.kind,
        tags: record.text.tags.clone(),
        persona: record.persona.clone(),
        is_reply: record.parent.is_some(),
        earlier: record.earlier.len(),
        created_at: record.created_at,
    }
}

/// The format in which to read an import that waits for confirmation.
pub(super) fn format_of(import: &Import, choice: &ImportOptions) -> Result<ImportFormat, AppError> {
    match import.state {
        ImportState::Preview => {}
        ImportState::Uploading => return Err(AppError::NotFound),
        ImportState::Started => return Err(store::StoreError::Conflict.into()),
    }
    match (choice.format.as_str(), chosen(choice)) {
        ("", _) => Ok(import.format),
        (_, Some(format)) => Ok(format),
        (_, None) => Err(AppError::field("format", "Choose one of the formats.")),
    }
}

/// Validates the defaults for all records, so that an error isn't repeated for
/// each record.
pub(super) fn check(choice: &ImportOptions) -> Result<(), AppError> {
    if !choice.kind.is_empty() && MemoryKind::from_key(&choice.kind).is_none() {
        return Err(AppError::field(
            "kind",
            "Choose fact, preference, event, skill note or context.",
        ));
    }
    let tags = parse_tags(&choice.tags);
    if tags.len() > MAX_TAGS {
        return Err(AppError::field(
            "tags",
            format!("A memory has at most {MAX_TAGS} tags."),
        ));
    }
    let is_bad =
        |tag: &String| tag.chars().count() > MAX_TAG_CHARS || tag.chars().any(char::is_control);
    if tags.iter().any(is_bad) {
        return Err(AppError::field(
            "tags",
            format!("A tag has at most {MAX_TAG_CHARS} characters and no control character."),
        ));
    }
    if let Some(reason) = land::persona_problem(&choice.persona) {
        return Err(AppError::field("persona", reason));
    }
    let names = choice
        .columns
        .iter()
        .flat_map(|(field, column)| [field, column]);
    if choice.columns.len() > MAX_COLUMNS
        || names
            .into_iter()
            .any(|name| name.len() > 500 || name.contains('\0'))
    {
        return Err(AppError::field("columns", "Choose columns of the file."));
    }
    Ok(())
}
