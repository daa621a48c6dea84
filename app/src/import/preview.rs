//! The look at a file before anything of it is imported.
//!
//! One plain form: a button shows what the choices would do, another one
//! imports with them. It works the same with and without scripts, so it is
//! left to the browser.

use domain::{
    AppError, ImportId,
    import::{Field, ImportChoice, ImportFormat, ImportPreview, PreviewRecord},
    memory::MemoryKind,
};
use leptos::prelude::*;

use super::{
    api::{ImportConfirm, ImportDiscard},
    page::ProblemTable,
};
use crate::{
    forms::{CALL_FIELD, FormCall, FormState, PostForm},
    ui::{Badge, Choice, PageHead, SelectField, TextField, Tone, bytes, count},
};

/// What an import would do, and the choices that change it.
#[component]
pub(super) fn Look(
    /// The import.
    id: ImportId,
    /// Its file.
    #[prop(into)]
    file_name: String,
    /// The file's bytes.
    size: i64,
    /// What it would do.
    preview: ImportPreview,
    /// As which choices say.
    choice: ImportChoice,
) -> impl IntoView {
    let discard = expect_context::<FormState<ImportDiscard>>();
    let lead = format!(
        "{}, {}. Nothing is imported yet: look at it, then import it.",
        preview.format.name(),
        bytes(size)
    );
    let records = preview.records.clone();
    let problems = preview.problems.clone();
    let unmapped = preview.unmapped.join(", ");
    view! {
        <PageHead title=file_name lead=lead up=("/memories/import", "Import")>
            <PostForm state=discard class="inline-form">
                <input type="hidden" name="id" value=id.to_string() />
                <button type="submit" class="button">"Discard file"</button>
            </PostForm>
        </PageHead>
        <Figures good=preview.good failed=preview.failed is_whole=preview.is_whole />
        {preview
            .refusal
            .clone()
            .map(|reason| view! { <p class="notice notice-bad" role="status">{reason}</p> })}
        <Choices id=id preview=preview choice=choice />
        {(!unmapped.is_empty())
            .then(|| view! { <p class="muted" dir="auto">{format!("Not taken from the file: {unmapped}.")}</p> })}
        {(!records.is_empty()).then(|| view! { <Records records=records /> })}
        {(!problems.is_empty())
            .then(|| {
                view! {
                    <section class="section" aria-labelledby="problems">
                        <h2 id="problems">"What can’t be taken"</h2>
                        <ProblemTable problems=problems />
                    </section>
                }
            })}
    }
}

#[component]
fn Figures(good: u64, failed: u64, is_whole: bool) -> impl IntoView {
    let note = if is_whole {
        "The whole file was looked at."
    } else {
        "The beginning of the file was looked at; the rest is counted while it is imported."
    };
    view! {
        <dl class="figures">
            <div><dt>"Can be taken"</dt><dd>{count(good)}{(!is_whole).then_some(" so far")}</dd></div>
            <div><dt>"Can’t be taken"</dt><dd>{count(failed)}{(!is_whole).then_some(" so far")}</dd></div>
        </dl>
        <p class="muted">{note}</p>
    }
}

/// The choices, and the two buttons.
#[component]
fn Choices(id: ImportId, preview: ImportPreview, choice: ImportChoice) -> impl IntoView {
    let state = expect_context::<FormState<ImportConfirm>>();
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
        .map(|format| Choice::new(format.key(), format.name()))
        .collect();
    let kinds = std::iter::once(Choice::new("", "As the format has it"))
        .chain(
            MemoryKind::ALL
                .iter()
                .map(|kind| Choice::new(kind.key(), kind.label())),
        )
        .collect();
    let act = match (is_whole, good) {
        (true, 1) => "Import 1 memory".to_owned(),
        (true, good) => format!("Import {} memories", count(good)),
        (false, _) => "Import all memories".to_owned(),
    };
    let is_mapped = format.is_mapped() && !columns.is_empty();
    let failed = state.error();
    let general = move || {
        failed
            .get()
            .filter(|error| !matches!(error, AppError::Invalid { .. }))
            .map(|error| error.to_string())
    };
    view! {
        <form method="post" class="form form-card">
            <input type="hidden" name="id" value=id.to_string() />
            <div role="alert">{move || general().map(|text| view! { <p class="field-error">{text}</p> })}</div>
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
                    label="Kind, where the file names none"
                    choices=kinds
                    value=typed("kind", &choice.kind)
                    error=state.field_error("kind")
                />
                <TextField
                    name="choice[tags]"
                    label="Tags to add to each"
                    hint="Separated by commas."
                    value=typed("tags", &choice.tags)
                    error=state.field_error("tags")
                />
                <TextField
                    name="choice[persona]"
                    label="Persona, where the file names none"
                    hint="Made if you have none of this name."
                    value=typed("persona", &choice.persona)
                    error=state.field_error("persona")
                />
            </div>
            {is_mapped.then(|| view! { <Columns columns=columns mapping=mapping /> })}
            <p class="muted">
                "What is imported is yours, and only you see it, whoever saw it where it came from. Share it afterwards. "
                "Nothing that is there is changed: a record that was imported before counts as known."
                {carries(format)}
            </p>
            <div class="form-actions">
                <button
                    type="submit"
                    class="button button-primary"
                    name=CALL_FIELD
                    value=ImportConfirm::name()
                    disabled=refusal.is_some() || (is_whole && good == 0)
                >
                    {act}
                </button>
                // Without a page's address it would go where the form goes.
                <button type="submit" class="button" formmethod="get" formaction=format!("/memories/imports/{id}")>
                    "Update preview"
                </button>
            </div>
        </form>
    }
}

/// What a format brings besides words.
const fn carries(format: ImportFormat) -> &'static str {
    match format {
        ImportFormat::Atrium => {
            " Threads, earlier versions and moments come along; deleted memories come back as present ones."
        }
        ImportFormat::ChatGpt | ImportFormat::Claude => {
            " Each conversation becomes one memory; a very long one goes on in replies."
        }
        _ => "",
    }
}

/// Which column holds what.
#[component]
fn Columns(columns: Vec<String>, mapping: Vec<(Field, String)>) -> impl IntoView {
    view! {
        <fieldset class="checks">
            <legend>"Columns of the file"</legend>
            <div class="field-grid">
                {Field::ALL
                    .iter()
                    .map(|field| {
                        let taken = mapping.iter().find(|(taken, _)| taken == field);
                        let taken = taken.map(|(_, column)| column.clone()).unwrap_or_default();
                        view! { <Column field=*field columns=columns.clone() taken=taken /> }
                    })
                    .collect_view()}
            </div>
        </fieldset>
    }
}

#[component]
fn Column(field: Field, columns: Vec<String>, taken: String) -> impl IntoView {
    let name = format!("choice[columns][{}]", field.key());
    let none = (field != Field::Content).then(|| {
        let selected = taken.is_empty();
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
                        let selected = column == taken;
                        let value = column.clone();
                        view! { <option value=value selected=selected>{column}</option> }
                    })
                    .collect_view()}
            </select>
        </div>
    }
}

/// The first records, as they would land.
#[component]
fn Records(records: Vec<PreviewRecord>) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="records">
            <h2 id="records">"The first records, as they would land"</h2>
            <div class="table-frame">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Memory"</th>
                            <th scope="col">"Kind"</th>
                            <th scope="col" class="optional">"Tags"</th>
                            <th scope="col" class="optional">"Besides"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {records
                            .into_iter()
                            .map(|record| {
                                let besides = besides(&record);
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
                                        <td class="optional wrap">{besides}</td>
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

fn besides(record: &PreviewRecord) -> String {
    let mut parts = Vec::new();
    if let Some(persona) = &record.persona {
        parts.push(format!("persona {persona}"));
    }
    if record.is_reply {
        parts.push("a reply".to_owned());
    }
    match record.earlier {
        0 => {}
        1 => parts.push("1 earlier version".to_owned()),
        earlier => parts.push(format!("{earlier} earlier versions")),
    }
    if let Some(at) = record.created_at {
        parts.push(format!("of {}", at.date()));
    }
    parts.join(", ")
}
