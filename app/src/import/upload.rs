//! The upload page.

use domain::import::{Import, ImportFormat, UploadProblem};
use leptos::prelude::*;

use super::{api::import_list, parts::ImportTable};
use crate::ui::{Choice, Glyph, Icon, PageHead, SelectField, load_page, use_query};

/// The page at `/memories/import`.
#[component]
pub(crate) fn UploadPage() -> impl IntoView {
    let imports = import_list();
    load_page(imports, show)
}

fn show(imports: Vec<Import>) -> impl IntoView {
    view! {
        <PageHead
            title="Import"
            lead="Import notes or an export from another tool. Imported memories are private to you."
            up=("/memories", "Memories")
        />
        <UploadForm />
        <Formats />
        <section class="section" aria-labelledby="imports">
            <h2 id="imports">"Your imports"</h2>
            {if imports.is_empty() {
                view! {
                    <p class="muted">"No imports yet."</p>
                }
                    .into_any()
            } else {
                view! { <ImportTable imports=imports /> }.into_any()
            }}
        </section>
    }
}

/// A plain multipart form: the browser streams the file, and the server
/// responds with the import's page.
#[component]
fn UploadForm() -> impl IntoView {
    let query = use_query();
    let problem =
        UploadProblem::from_code(query.get("error")).map(|problem| problem.sentence().to_owned());
    let formats = std::iter::once(Choice::new("", "Detect automatically"))
        .chain(
            ImportFormat::ALL
                .iter()
                .map(|format| Choice::new(format.key(), format.label())),
        )
        .collect();
    view! {
        <form method="post" action="/memories/import" enctype="multipart/form-data" class="form form-card">
            <div class="field">
                <label for="file">"File"</label>
                <input
                    type="file"
                    id="file"
                    name="file"
                    required
                    accept=".json,.jsonl,.ndjson,.csv,.md,.markdown,.txt,.text,.zip,application/json,text/plain,text/csv,text/markdown,application/x-ndjson,application/zip"
                    aria-describedby="file-error file-hint"
                    aria-invalid=problem.is_some().then_some("true")
                />
                <div id="file-error" role="alert">
                    {problem.map(|text| view! { <p class="field-error">{text}</p> })}
                </div>
                <p class="field-hint" id="file-hint">
                    "UTF-8 text or a zip archive, up to 256 MB. You can review the file before importing. Records that you imported before are skipped."
                </p>
            </div>
            <SelectField name="format" label="Format" choices=formats value="" />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Upload file"</button>
            </div>
        </form>
    }
}

/// Each format with its file extensions, a description, and an example.
const FORMATS: &[(ImportFormat, &str, &str, &str)] = &[
    (
        ImportFormat::JsonLines,
        ".json, .jsonl, .ndjson",
        "One object per line, or a list of objects. You choose which keys hold the text, title, kind, tags and so on.",
        "{\"content\": \"The office closes at six.\", \"kind\": \"fact\", \"tags\": [\"office\"]}",
    ),
    (
        ImportFormat::Csv,
        ".csv",
        "The first line names the columns. You choose which columns hold the text, title, kind, tags and so on.",
        "title,content,tags\nTea,Mira takes her tea without milk.,\"people, tea\"",
    ),
    (
        ImportFormat::Markdown,
        ".md, .markdown",
        "Each heading starts a memory and is its title. A file without headings becomes one memory.",
        "# Backups\nRestore drills are on the first Monday of the month.",
    ),
    (
        ImportFormat::PlainText,
        ".txt, .text",
        "Each paragraph becomes a memory. Paragraphs are separated by an empty line.",
        "The spare key is with the neighbours.\n\nThe boiler is serviced each May.",
    ),
    (
        ImportFormat::Atrium,
        ".jsonl",
        "A JSON Lines export from Atrium, with replies, earlier versions and timestamps.",
        "{\"format\":\"atrium.memory/1\",\"id\":\"1\",\"title\":\"\",\"content\":\"The office closes at six.\",\"kind\":\"fact\",\"tags\":[],\"version\":1}",
    ),
    (
        ImportFormat::MarkdownZip,
        ".zip",
        "A folder of Markdown files from a note-taking app. Each file becomes a memory. Title, tags and kind are read from its front matter.",
        "---\ntitle: Backups\ntags: [drills, monday]\n---\nRestore drills are on the first Monday of the month.",
    ),
    (
        ImportFormat::ChatGpt,
        ".zip, conversations.json",
        "The archive from ChatGPT’s data export. Each conversation becomes a memory. Saved memories become facts.",
        "conversations.json\nmemory.json",
    ),
    (
        ImportFormat::Claude,
        ".zip, conversations.json",
        "The archive from Claude’s data export. Each conversation becomes a memory. Claude’s memory and your projects become background.",
        "conversations.json\nmemories.json\nprojects.json",
    ),
    (
        ImportFormat::Mem0,
        ".json, .jsonl",
        "An export or API response from mem0. Categories become tags, and timestamps are kept.",
        "{\"results\": [{\"memory\": \"Prefers morning meetings.\", \"categories\": [\"work\"]}]}",
    ),
];

#[component]
fn Formats() -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="formats">
            <h2 id="formats">"Formats"</h2>
            <div class="rows">
                {FORMATS
                    .iter()
                    .map(|(format, endings, text, example)| {
                        view! {
                            <details>
                                <summary>
                                    <Glyph icon=Icon::ChevronRight />
                                    <strong>{format.label()}</strong>
                                    <span class="muted">{*endings}</span>
                                </summary>
                                <div class="rows-body">
                                    <p>{*text}</p>
                                    <pre tabindex="0"><code>{*example}</code></pre>
                                </div>
                            </details>
                        }
                    })
                    .collect_view()}
            </div>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::UploadProblem;

    #[test]
    fn known_codes_round_trip_and_others_are_rejected() {
        for problem in UploadProblem::ALL {
            assert_eq!(UploadProblem::from_code(problem.code()), Some(*problem));
        }
        assert_eq!(UploadProblem::from_code("<b>"), None);
    }
}
