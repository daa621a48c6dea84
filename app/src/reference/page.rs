//! Every operation of the REST API: permission, parameters, body, response.

use domain::reference::{Operation, OperationGroup, Reference, ReferenceField};
use leptos::prelude::*;

use super::api::reference_get;
use crate::ui::{Badge, Glyph, Icon, PageHead, Tone, load_page};

/// Problem codes with status and meaning.
const PROBLEMS: &[(&str, &str, &str)] = &[
    (
        "transport",
        "400",
        "The request can't be read: its JSON, its length, two different keys.",
    ),
    (
        "unauthenticated",
        "401",
        "No API key came with it, or one that is not known, has expired or was revoked.",
    ),
    (
        "forbidden",
        "403",
        "The key, or the member behind it, lacks the permission that “permission” names.",
    ),
    (
        "not_found",
        "404",
        "There is no such thing, or this key may not know that there is.",
    ),
    (
        "method_not_allowed",
        "405",
        "The path doesn't know this method.",
    ),
    (
        "conflict",
        "409",
        "Its state doesn't allow it: it was changed or ended meanwhile, or is being worked on.",
    ),
    ("too_large", "413", "The body is larger than is taken here."),
    (
        "unsupported_media_type",
        "415",
        "The body is not JSON, or doesn't say so in Content-Type.",
    ),
    (
        "invalid",
        "422",
        "Something in it is not acceptable; “errors” names each field.",
    ),
    (
        "too_many_requests",
        "429",
        "The key's allowance is used up. “Retry-After” says when to come again.",
    ),
    (
        "internal",
        "500",
        "A fault of ours. “request_id” finds it in the server's log.",
    ),
    (
        "unavailable",
        "503",
        "A part of Atrium is away for the moment. “Retry-After” says when to come again.",
    ),
];

/// The page at `/reference`.
#[component]
pub(crate) fn ReferencePage() -> impl IntoView {
    let reference = reference_get();
    load_page(reference, show)
}

fn show(reference: Reference) -> impl IntoView {
    let contents = reference
        .groups
        .iter()
        .map(|group| (anchor(&group.name), group.name.clone()))
        .chain([("refusals".to_owned(), "Refusals".to_owned())])
        .map(|(id, name)| view! { <li><a href=format!("#{id}") rel="external">{name}</a></li> })
        .collect_view();
    view! {
        <PageHead title="API reference" lead="Atrium for programs, as this installation has it.">
            <a class="button" href="/api/v1/openapi.json" rel="external">"OpenAPI document"</a>
            <a class="button button-primary" href="/keys/new">
                <Glyph icon=Icon::Key />
                "New key"
            </a>
        </PageHead>
        <div class="reference">
            <nav class="reference-contents" aria-label="Contents">
                <ul>{contents}</ul>
            </nav>
            <div class="reference-body">
                <section class="section" aria-labelledby="introduction">
                    <h2 id="introduction">"How it works"</h2>
                    <p class="prose">{prose(&reference.introduction)}</p>
                </section>
                {reference.groups.into_iter().map(|group| view! { <Group group=group /> }).collect_view()}
                <ProblemCodes fields=reference.problem />
            </div>
        </div>
    }
}

#[component]
fn Group(group: OperationGroup) -> impl IntoView {
    let id = anchor(&group.name);
    view! {
        <section class="section" aria-labelledby=id.clone()>
            <h2 id=id.clone()>{group.name}</h2>
            <div class="rows">
                {group.operations.into_iter().map(|operation| view! { <Entry operation=operation /> }).collect_view()}
            </div>
        </section>
    }
}

#[component]
fn Entry(operation: Operation) -> impl IntoView {
    let tone = if operation.method == "GET" {
        Tone::Neutral
    } else {
        Tone::Accent
    };
    view! {
        <details id=operation.id>
            <summary>
                <Glyph icon=Icon::ChevronRight />
                <span class="reference-method"><Badge tone=tone text=operation.method /></span>
                <code class="clip">{operation.path}</code>
                <span class="clip muted optional reference-summary">{operation.summary.clone()}</span>
            </summary>
            <div class="rows-body">
                <p>
                    {operation.summary}
                    ". "
                    {prose(&operation.description)}
                </p>
                <p class="muted">"Needs " <code>{operation.permission}</code> " in the key’s scopes."</p>
                <Fields title="Parameters" fields=operation.parameters places=true />
                <Fields title="Body" fields=operation.body />
                <h3>{format!("Answer, {}", operation.status)}</h3>
                {if operation.answer.is_empty() {
                    view! { <p class="muted">"Nothing but the status."</p> }.into_any()
                } else {
                    view! { <FieldList fields=operation.answer places=false /> }.into_any()
                }}
                <h3>"Example"</h3>
                <pre tabindex="0"><code>{operation.example}</code></pre>
            </div>
        </details>
    }
}

#[component]
fn Fields(
    title: &'static str,
    fields: Vec<ReferenceField>,
    #[prop(optional)] places: bool,
) -> impl IntoView {
    (!fields.is_empty()).then(|| {
        view! {
            <h3>{title}</h3>
            <FieldList fields=fields places=places />
        }
    })
}

#[component]
fn FieldList(fields: Vec<ReferenceField>, places: bool) -> impl IntoView {
    view! {
        <dl class="reference-fields">
            {fields
                .into_iter()
                .map(|field| {
                    let place = (places && !field.place.is_empty()).then(|| format!(", in the {}", field.place));
                    view! {
                        <div>
                            <dt>
                                <code>{field.name}</code>
                                <span class="muted small">
                                    {field.kind}
                                    {place}
                                    {field.is_required.then_some(", required")}
                                </span>
                            </dt>
                            <dd>{prose(&field.description)}</dd>
                        </div>
                    }
                })
                .collect_view()}
        </dl>
    }
}

#[component]
fn ProblemCodes(fields: Vec<ReferenceField>) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="refusals">
            <h2 id="refusals">"Refusals"</h2>
            <p class="prose">
                "Whatever is refused is told as " <code>"application/problem+json"</code>
                " with these fields. " <code>"code"</code> " is one of the words below and never changes."
            </p>
            <FieldList fields=fields places=false />
            <div class="table-frame">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Code"</th>
                            <th scope="col">"Status"</th>
                            <th scope="col">"Meaning"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {PROBLEMS
                            .iter()
                            .map(|(code, status, meaning)| {
                                view! {
                                    <tr id=*code>
                                        <td><code>{*code}</code></td>
                                        <td>{*status}</td>
                                        <td class="wrap">{*meaning}</td>
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

/// Renders text between backticks as code.
fn prose(text: &str) -> impl IntoView + use<> {
    text.split('`')
        .enumerate()
        .map(|(index, part)| {
            let part = part.to_owned();
            if index % 2 == 1 {
                view! { <code>{part}</code> }.into_any()
            } else {
                view! { {part} }.into_any()
            }
        })
        .collect_view()
}

fn anchor(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}
