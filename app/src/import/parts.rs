//! Components shared by the pages of imports.

use domain::{
    import::{Import, ImportReport},
    job::{Job, JobStatus},
};
use leptos::prelude::*;

use crate::ui::{Badge, Time, Tone, bytes, count, plural};

#[component]
pub(crate) fn StatusBadge(status: JobStatus) -> impl IntoView {
    let (tone, text) = match status {
        JobStatus::Pending => (Tone::Neutral, "Queued"),
        JobStatus::Running => (Tone::Accent, "Running"),
        JobStatus::Completed => (Tone::Good, "Done"),
        JobStatus::Failed => (Tone::Warning, "Retrying"),
        JobStatus::Dead => (Tone::Bad, "Failed"),
        JobStatus::Cancelled => (Tone::Neutral, "Cancelled"),
    };
    view! { <Badge tone=tone text=text /> }
}

/// State of an import; without a job it waits for confirmation.
#[component]
pub(crate) fn ImportStateBadge(job: Option<Job>) -> impl IntoView {
    match job {
        Some(job) => view! { <StatusBadge status=job.status /> }.into_any(),
        None => view! { <Badge tone=Tone::Warning text="Needs review" /> }.into_any(),
    }
}

/// Summary of an import's result, e.g. `1,200 imported, 3 duplicates`.
pub(crate) fn outcome(report: &ImportReport) -> String {
    let mut parts = vec![format!("{} imported", count(report.imported))];
    if report.duplicates > 0 {
        parts.push(plural(report.duplicates, "duplicate", "duplicates"));
    }
    if report.failed > 0 {
        parts.push(format!("{} skipped", count(report.failed)));
    }
    parts.join(", ")
}

#[component]
pub(crate) fn ImportTable(imports: Vec<Import>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"File"</th>
                        <th scope="col" class="optional">"Format"</th>
                        <th scope="col" class="optional number">"Size"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col" class="optional">"Result"</th>
                        <th scope="col" class="optional col-time">"Uploaded"</th>
                    </tr>
                </thead>
                <tbody>
                    {imports
                        .into_iter()
                        .map(|import| {
                            let href = format!("/memories/imports/{}", import.id);
                            view! {
                                <tr>
                                    <td><div class="cell-line"><a class="row-title" dir="auto" href=href>{import.file_name}</a></div></td>
                                    <td class="optional">{import.format.label()}</td>
                                    <td class="optional number">{bytes(import.size)}</td>
                                    <td><ImportStateBadge job=import.job.clone() /></td>
                                    <td class="optional">{import.job.is_some().then(|| outcome(&import.report))}</td>
                                    <td class="optional col-time"><Time at=import.created_at /></td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_omits_zero_counts() {
        let report = |imported, duplicates, failed| ImportReport {
            imported,
            duplicates,
            failed,
            ..ImportReport::default()
        };
        assert_eq!(outcome(&report(0, 0, 0)), "0 imported");
        assert_eq!(
            outcome(&report(1_200, 3, 1)),
            "1,200 imported, 3 duplicates, 1 skipped"
        );
    }
}
