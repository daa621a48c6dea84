//! Preview of a file before it is imported.
//!
//! One plain form: one button previews the choices, the other imports with
//! them. It works the same with and without scripts, so the browser submits it.

use domain::{
    AppError, ImportId,
    import::{Field, ImportFormat, ImportOptions, ImportPreview, PreviewRecord},
    memory::MemoryKind,
};
use islands::CALL_FIELD;
use leptos::prelude::*;

use super::{
    api::{ImportConfirm, ImportDiscard},
    page::ProblemSection,
};
use crate::{
    forms::{FormCall, FormState, PostForm},
    ui::{Badge, Choice, Confirm, PageHead, SelectField, TextField, Tone, bytes, count},
};

/// The preview, and the choices that change it.
#[component]
pub(super) fn Look(
    id: ImportId,
    #[prop(into)] file_name: String,
    /// In bytes.
    size: i64,
    preview: ImportPreview,
    choice: ImportOptions,
) -> impl IntoView {
    let discard = FormState::<ImportDiscard>::new();
    let lead = format!(
        "{}, {}. Review before importing.",
        preview.format.label(),
        bytes(size)
    );
    let records = preview.records.clone();
    let problems = preview.problems.clone();
    let changes = preview.changes.clone();
    let unmapped = preview.unmapped.join(", ");
    view! {
        <PageHead title=file_name lead=lead up=("/memories/import", "Import")>
            <PostForm state=discard class="inline-form">
                <input type="hidden" name="id" value=id.to_string() />
                <Confirm
                    id="discard"
                    label="Discard file…"
                    class=""
                    title="Discard this file?"
                    act="Discard file"
                >
                    <p>"Nothing is imported. To import it later, upload it again."</p>
                </Confirm>
            </PostForm>
        </PageHead>
        <Figures good=preview.good failed=preview.failed is_whole=preview.is_whole />
        {preview
            .refusal
            .clone()
            .map(|reason| view! { <p class="notice notice-bad" role="status">{reason}</p> })}
        <Choices id=id preview=preview choice=choice />
        {(!unmapped.is_empty())
            .then(|| view! { <p class="muted" dir="auto">{format!("Ignored fields: {unmapped}.")}</p> })}
        {(!records.is_empty()).then(|| view! { <Records records=records /> })}
        <ProblemSection id="problems" title="Errors" column="Reason" problems=problems />
        <ProblemSection id="changes" title="Changes" column="Change" problems=changes />
    }
}

#[component]
fn Figures(good: u64, failed: u64, is_whole: bool) -> impl IntoView {
    view! {
        <dl class="figures">
            <div><dt>"Ready to import"</dt><dd>{count(good)}{(!is_whole).then_some(" so far")}</dd></div>
            <div><dt>"Errors"</dt><dd>{count(failed)}{(!is_whole).then_some(" so far")}</dd></div>
        </dl>
        {(!is_whole)
            .then(|| view! { <p class="muted">"Based on the first part of the file. The rest is counted during the import."</p> })}
    }
}

/// The choices, with the buttons to import and to update the preview.
#[component]
fn Choices(id: ImportId, preview: ImportPreview, choice: ImportOptions) -> impl IntoView {
    let state = FormState::<ImportConfirm>::new();
    let ImportPreview {
        format,
        formats,
        good,
        is_whole,
        columns,
        mapping,
        refusal,
        ..
    } = preview;
    let typed = move |name: &str, value: &str| state.typed(&format!("choice[{name}]"), value);
    let formats = formats
        .into_iter()
        .map(|format| Choice::new(format.key(), format.label()))
        .collect();
    let kinds = std::iter::once(Choice::new("", "From file"))
        .chain(
            MemoryKind::ALL
                .iter()
                .map(|kind| Choice::new(kind.key(), kind.label())),
        )
        .collect();
    let submit_label = match (is_whole, good) {
        (true, 1) => "Import 1 memory".to_owned(),
        (true, good) => format!("Import {} memories", count(good)),
        (false, _) => "Import all memories".to_owned(),
    };
    let is_mapped = format.is_mapped() && !columns.is_empty();
    let form_error = state.error();
    let general = form_error
        .filter(|error| !matches!(error, AppError::Invalid { .. }))
        .map(|error| error.to_string());
    view! {
        <form method="post" class="form form-card">
            <input type="hidden" name="id" value=id.to_string() />
            <div role="alert">{general.map(|text| view! { <p class="field-error">{text}</p> })}</div>
            <div class="field-grid">
                <SelectField
                    name="choice[format]"
                    label="Format"
                    choices=formats
                    value=typed("format", format.key())
                    error=state.field_error("format")
                />
                <SelectField
                    name="choice[kind]"
                    label="Default kind"
                    choices=kinds
                    value=typed("kind", &choice.kind)
                    error=state.field_error("kind")
                />
                <TextField
                    name="choice[tags]"
                    label="Add tags"
                    hint="Separated by commas."
                    value=typed("tags", &choice.tags)
                    error=state.field_error("tags")
                />
                <TextField
                    name="choice[persona]"
                    label="Default persona"
                    hint="Created if it doesn’t exist."
                    value=typed("persona", &choice.persona)
                    error=state.field_error("persona")
                />
            </div>
            {is_mapped.then(|| view! { <Columns columns=columns mapping=mapping /> })}
            <p class="muted">
                "Imported memories are private to you. Existing memories aren’t changed: records that you imported before count as duplicates."
                {format_note(format)}
            </p>
            <div class="form-actions">
                <button
                    type="submit"
                    class="button button-primary"
                    name=CALL_FIELD
                    value=ImportConfirm::name()
                    disabled=refusal.is_some() || (is_whole && good == 0)
                >
                    {submit_label}
                </button>
                // Without `formaction` it would be submitted to the form's own
                // URL.
                <button type="submit" class="button" formmethod="get" formaction=format!("/memories/imports/{id}")>
                    "Update preview"
                </button>
            </div>
        </form>
    }
}

/// The attributes that the import carries over besides texts.
const fn format_note(format: ImportFormat) -> &'static str {
    match format {
        ImportFormat::Atrium => {
            " Replies, earlier versions and timestamps are included. Deleted memories are imported as active."
        }
        ImportFormat::ChatGpt | ImportFormat::Claude => {
            " Each conversation becomes one memory. Very long conversations continue in replies."
        }
        _ => "",
    }
}

/// Choice of a column for each field.
#[component]
fn Columns(columns: Vec<String>, mapping: Vec<(Field, String)>) -> impl IntoView {
    view! {
        <fieldset class="checks">
            <legend>"Column mapping"</legend>
            <div class="field-grid">
                {Field::ALL
                    .iter()
                    .map(|field| {
                        let source = mapping.iter().find(|(other, _)| other == field);
                        let source = source.map(|(_, column)| column.clone()).unwrap_or_default();
                        view! { <Column field=*field columns=columns.clone() source=source /> }
                    })
                    .collect_view()}
            </div>
        </fieldset>
    }
}

#[component]
fn Column(field: Field, columns: Vec<String>, source: String) -> impl IntoView {
    let name = format!("choice[columns][{}]", field.key());
    let none = (field != Field::Content).then(|| {
        let selected = source.is_empty();
        view! { <option value="" selected=selected>"Not in the file"</option> }
    });
    view! {
        <div class="field">
            <label for=name.clone()>{field.label()}</label>
            <select id=name.clone() name=name autocomplete="off">
                {none}
                {columns
                    .into_iter()
                    .map(|column| {
                        let selected = column == source;
                        let value = column.clone();
                        view! { <option value=value selected=selected>{column}</option> }
                    })
                    .collect_view()}
            </select>
        </div>
    }
}

/// The first records, as they would be imported.
#[component]
fn Records(records: Vec<PreviewRecord>) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="records">
            <h2 id="records">"Preview"</h2>
            <div class="table-frame">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Memory"</th>
                            <th scope="col">"Kind"</th>
                            <th scope="col" class="optional">"Tags"</th>
                            <th scope="col" class="optional">"Details"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {records
                            .into_iter()
                            .map(|record| {
                                let extras = extras(&record);
                                view! {
                                    <tr>
                                        <td class="wrap" dir="auto">
                                            {(!record.title.is_empty()).then(|| view! { <strong>{record.title}</strong> <br /> })}
                                            <span class="muted">{record.excerpt}</span>
                                        </td>
                                        <td>{record.kind.label()}</td>
                                        <td class="optional wrap">
                                            {record
                                                .tags
                                                .into_iter()
                                                .map(|tag| view! { <Badge tone=Tone::Neutral text=tag /> " " })
                                                .collect_view()}
                                        </td>
                                        <td class="optional wrap">{extras}</td>
                                    </tr>
                                }
                            })
                            .collect_view()}
                    </tbody>
                </table>
            </div>
        </section>
    }
}

fn extras(record: &PreviewRecord) -> String {
    let mut parts = Vec::new();
    if let Some(persona) = &record.persona {
        parts.push(format!("persona {persona}"));
    }
    if record.is_reply {
        parts.push("reply".to_owned());
    }
    match record.earlier {
        0 => {}
        1 => parts.push("1 earlier version".to_owned()),
        earlier => parts.push(format!("{earlier} earlier versions")),
    }
    if let Some(at) = record.created_at {
        parts.push(format!("created {}", at.date()));
    }
    parts.join(", ")
}
