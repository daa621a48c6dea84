//! Exporting the memories of the list.

use domain::Permission;
use leptos::prelude::*;

use super::query::MemoryQuery;
use crate::ui::{PageHead, Query, page_for, query_string, use_query};

/// Key, name and description of each export format.
const FORMATS: &[(&str, &str, &str)] = &[
    (
        "jsonl",
        "JSON Lines",
        "Complete export with replies, timestamps and the earlier versions of your own memories. Can be imported into Atrium.",
    ),
    (
        "csv",
        "CSV",
        "For spreadsheets. Doesn’t include replies and earlier versions. Cells that look like formulas are escaped; Atrium removes the escaping when it imports the file.",
    ),
    (
        "markdown",
        "Markdown files (zip)",
        "One file per memory, for note-taking apps. Doesn’t include replies and earlier versions.",
    ),
];

/// The page at `/memories/export`.
#[component]
pub(crate) fn MemoryExportPage() -> impl IntoView {
    page_for(Permission::MemoryRead, || view! { <Downloads /> })
}

/// The formats, each with its file.
#[component]
fn Downloads() -> impl IntoView {
    let query = MemoryQuery::from_params(&use_query());
    let lead = if query.is_trash() {
        "Download the memories in your trash that match the filters."
    } else if query.is_filtered() {
        "Download the memories that match the filters, including memories shared with you."
    } else {
        "Download your memories and memories shared with you."
    };
    view! {
        <PageHead title="Export memories" lead=lead up=("/memories", "Memories") />
        <div>
            {FORMATS
                .iter()
                .map(|(key, name, text)| {
                    let file = file_path(&query, key);
                    view! {
                        <section class="section">
                            <h2>{*name}</h2>
                            <p>{*text}</p>
                            // Not a page: the browser downloads the file.
                            <a class="button" href=file download rel="external">
                                {format!("Download {name}")}
                            </a>
                        </section>
                    }
                })
                .collect_view()}
        </div>
        <p class="muted">
            {(query.filter.owner != "mine")
                .then(|| {
                    let path = own_export_path(&query);
                    view! { <a class="link-line" href=path>"Export only your own memories"</a> ". " }
                })}
            "Exports are recorded in the audit log."
        </p>
    }
    .into_any()
}

fn file_path(query: &MemoryQuery, format: &str) -> String {
    let page = query.export_path();
    let (path, rest) = page.split_once('?').unwrap_or((&page, ""));
    let rest = Query::parse(rest);
    let fields: Vec<_> = [("format", format)]
        .into_iter()
        .chain(rest.fields())
        .collect();
    format!("{path}/file{}", query_string(&fields))
}

fn own_export_path(query: &MemoryQuery) -> String {
    let mut mine = query.clone();
    mine.filter.owner = "mine".into();
    mine.export_path()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_has_the_filter_of_the_list() {
        let mut query = MemoryQuery::default();
        assert_eq!(file_path(&query, "csv"), "/memories/export/file?format=csv");
        query.filter.tag = "a b".into();
        query.after = "cursor".into();
        query.query = "question".into();
        assert_eq!(
            file_path(&query, "jsonl"),
            "/memories/export/file?format=jsonl&tag=a+b"
        );
        assert_eq!(
            own_export_path(&query),
            "/memories/export?tag=a+b&owner=mine"
        );
    }
}
