//! One import: its progress, its result, and the records that were rejected.

use domain::{
    AppError, ImportId,
    import::{Field, Import, ImportOptions, ImportPreview, ImportProblem, ImportReport},
    job::{Job, JobStatus},
};
use leptos::prelude::*;

use super::{
    api::{ImportCancel, ImportRetry, import_get},
    parts::StatusBadge,
    preview::Look,
};
use crate::{
    forms::{FormState, PostForm},
    ui::{CopyId, LiveRegion, PageHead, Query, Time, bytes, count, load_page, path_id, use_query},
};

/// The page at `/memories/imports/{id}`.
#[component]
pub(crate) fn ImportPage() -> impl IntoView {
    let id = path_id::<ImportId>("id");
    let choice = read_choice(&use_query());
    let import = async move {
        let (import, preview) = import_get(id?, choice.clone()).await?;
        Ok::<_, AppError>((import, preview, choice))
    };
    load_page(import, show)
}

/// Reads the choice from the page's query, whose parameters are named like the
/// form's fields.
fn read_choice(query: &Query) -> ImportOptions {
    let get = |name: &str| query.get(&format!("choice[{name}]")).to_owned();
    let columns = Field::ALL.iter().filter_map(|field| {
        let column = get(&format!("columns][{}", field.key()));
        (!column.is_empty()).then(|| (field.key().to_owned(), column))
    });
    ImportOptions {
        format: get("format"),
        kind: get("kind"),
        tags: get("tags"),
        persona: get("persona"),
        columns: columns.collect(),
    }
}

type LoadedImport = (Import, Option<ImportPreview>, ImportOptions);

fn show((import, preview, choice): LoadedImport) -> impl IntoView {
    let is_settled = import.is_settled();
    let Import {
        id,
        file_name,
        format,
        size,
        job,
        report,
        created_at,
        ..
    } = import;
    let Some(job) = job else {
        return preview
            .map(|preview| view! { <Look id=id file_name=file_name size=size preview=preview choice=choice /> })
            .into_any();
    };
    let is_unfinished = !job.status.is_final();
    let has_imported = report.imported > 0;
    view! {
        <LiveRegion id="import" is_pending=!is_settled job=Some(job.id)>
        <PageHead
            title=file_name
            lead=format!("{}, {}", format.label(), bytes(size))
            up=("/memories/import", "Import")
        >
            <Actions id=id status=job.status />
            {(!is_unfinished && has_imported)
                .then(|| view! { <a class="button button-primary" href="/memories?origin=import">"View imported memories"</a> })}
        </PageHead>
        <Progress job=job.clone() />
        <dl class="figures">
            <div><dt>"Imported"</dt><dd>{count(report.imported)}</dd></div>
            <div><dt>"Duplicates"</dt><dd>{count(report.duplicates)}</dd></div>
            <div><dt>"Skipped"</dt><dd>{count(report.failed)}</dd></div>
        </dl>
        <Problems report=report />
        <dl class="facts">
            <div><dt>"Uploaded"</dt><dd><Time at=created_at /></dd></div>
            {job.finished_at.map(|at| view! { <div><dt>"Finished"</dt><dd><Time at=at /></dd></div> })}
            <div><dt>"Attempts"</dt><dd>{job.attempts}</dd></div>
            <div><dt>"ID"</dt><dd><CopyId id=id.to_string() what="import" /></dd></div>
        </dl>
        </LiveRegion>
    }
    .into_any()
}

#[component]
fn Actions(id: ImportId, status: JobStatus) -> impl IntoView {
    let cancel = FormState::<ImportCancel>::new();
    let retry = FormState::<ImportRetry>::new();
    if !status.is_final() {
        view! {
            <PostForm state=cancel class="inline-form">
                <input type="hidden" name="id" value=id.to_string() />
                <button type="submit" class="button">"Cancel import"</button>
            </PostForm>
        }
        .into_any()
    } else if matches!(status, JobStatus::Dead | JobStatus::Cancelled) {
        view! {
            <PostForm state=retry class="inline-form">
                <input type="hidden" name="id" value=id.to_string() />
                <button type="submit" class="button">"Retry"</button>
            </PostForm>
        }
        .into_any()
    } else {
        ().into_any()
    }
}

#[component]
fn Progress(job: Job) -> impl IntoView {
    let Job {
        status,
        progress_done: done,
        progress_total: total,
        error,
        ..
    } = job;
    let text = match status {
        JobStatus::Pending => "Queued. You can leave this page.".to_owned(),
        JobStatus::Running if total == 0 => "Reading the file. You can leave this page.".to_owned(),
        JobStatus::Running => format!(
            "{} of {} records read. You can leave this page.",
            count(done),
            count(total),
        ),
        JobStatus::Completed => "The whole file was read.".to_owned(),
        JobStatus::Failed => "The last attempt failed. Atrium retries automatically.".to_owned(),
        JobStatus::Dead => "The import failed. Memories imported so far are kept.".to_owned(),
        JobStatus::Cancelled => {
            "The import was cancelled. Memories imported so far are kept.".to_owned()
        }
    };
    // While the total is unknown the bar has no value and is indeterminate.
    let unknown = total == 0 && !status.is_final();
    let value = (!unknown).then(|| done.to_string());
    let max = total.max(1).to_string();
    view! {
        <section class="progress" aria-label="Progress">
            <div class="progress-head">
                <StatusBadge status=status />
                <span>{text}</span>
            </div>
            <progress max=max value=value aria-label="Records read"></progress>
            {error.filter(|_| status != JobStatus::Completed).map(|error| view! { <p class="field-error">{error}</p> })}
        </section>
    }
}

/// The records that were rejected, and those that were imported with changes.
#[component]
fn Problems(report: ImportReport) -> impl IntoView {
    view! {
        <ProblemSection id="problems" title="Skipped records" column="Reason" problems=report.problems total=report.failed />
        <ProblemSection id="changes" title="Imported with changes" column="Change" problems=report.changes total=report.changed />
    }
}

/// The first of `total` records, or nothing if there are none.
#[component]
pub(super) fn ProblemSection(
    id: &'static str,
    title: &'static str,
    column: &'static str,
    problems: Vec<ImportProblem>,
    #[prop(optional)] total: u64,
) -> impl IntoView {
    let listed_count = u64::try_from(problems.len()).unwrap_or(u64::MAX);
    let rest = total.saturating_sub(listed_count);
    (!problems.is_empty()).then(|| {
        view! {
            <section class="section" aria-labelledby=id>
                <h2 id=id>{title}</h2>
                <ProblemTable column=column problems=problems />
                {(rest > 0).then(|| view! { <p class="muted">{format!("And {} more.", count(rest))}</p> })}
            </section>
        }
    })
}

#[component]
fn ProblemTable(column: &'static str, problems: Vec<ImportProblem>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table>
                <thead>
                    <tr>
                        <th scope="col" class="col-line">"Location"</th>
                        <th scope="col">{column}</th>
                    </tr>
                </thead>
                <tbody>
                    {problems
                        .into_iter()
                        .map(|problem| {
                            view! {
                                <tr>
                                    <td class="wrap" dir="auto">{location(&problem)}</td>
                                    <td class="wrap">{problem.reason}</td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
}

/// The line or archive entry of a record.
fn location(problem: &ImportProblem) -> String {
    match (&problem.entry, problem.line) {
        (None, 0) => "File".to_owned(),
        (None, line) => format!("Line {}", count(line)),
        (Some(entry), 0) => entry.clone(),
        (Some(entry), line) => format!("{entry}, record {}", count(line)),
    }
}
