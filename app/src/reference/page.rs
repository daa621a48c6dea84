//! Every operation of the REST API: permission, parameters, body, response.

use domain::{
    AppError,
    reference::{Operation, OperationGroup, Reference, ReferenceField},
};
use leptos::prelude::*;

use super::api::reference_get;
use crate::ui::{Badge, Glyph, Icon, PageHead, Tone, load_page, use_query};

/// Problem codes with status and meaning.
const PROBLEMS: &[(&str, &str, &str)] = &[
    (
        "transport",
        "400",
        "The request can't be read: invalid JSON, wrong length, or two different keys.",
    ),
    (
        "unauthenticated",
        "401",
        "No API key, or the key is unknown, expired or revoked.",
    ),
    (
        "forbidden",
        "403",
        "The key or its owner lacks the permission named in “permission”.",
    ),
    (
        "not_found",
        "404",
        "The resource doesn't exist, or the key has no access to it.",
    ),
    (
        "method_not_allowed",
        "405",
        "The path doesn't support this method.",
    ),
    (
        "conflict",
        "409",
        "The resource was changed meanwhile, or its state doesn't allow the request.",
    ),
    ("too_large", "413", "The body is too large."),
    (
        "unsupported_media_type",
        "415",
        "The body is not JSON, or its Content-Type is not application/json.",
    ),
    (
        "invalid",
        "422",
        "The input is not valid; “errors” names each field.",
    ),
    (
        "too_many_requests",
        "429",
        "Rate limit exceeded. Retry after the time in “Retry-After”.",
    ),
    (
        "internal",
        "500",
        "Internal error. Find it in the server's log by “request_id”.",
    ),
    (
        "unavailable",
        "503",
        "A part of Atrium is unavailable. Retry after the time in “Retry-After”.",
    ),
];

/// The page at `/reference`: the index of all operations, or with `?group=` one
/// group of them in full.
#[component]
pub(crate) fn ReferencePage() -> impl IntoView {
    let chosen = use_query().get("group").to_owned();
    let reference = async move {
        let reference = reference_get().await?;
        let is_known = |group: &OperationGroup| anchor(&group.name) == chosen;
        if !chosen.is_empty() && !reference.groups.iter().any(is_known) {
            return Err(AppError::NotFound);
        }
        Ok((reference, chosen))
    };
    load_page(reference, |(reference, chosen)| show(reference, &chosen))
}

fn group_url(group: &OperationGroup) -> String {
    format!("/reference?group={}", anchor(&group.name))
}

fn show(reference: Reference, chosen: &str) -> impl IntoView + use<> {
    let groups = reference.groups.iter().map(|group| {
        let is_current = anchor(&group.name) == chosen;
        (group_url(group), group.name.clone(), is_current)
    });
    let index = (
        "/reference".to_owned(),
        "Overview".to_owned(),
        chosen.is_empty(),
    );
    let errors = ("/reference#refusals".to_owned(), "Errors".to_owned(), false);
    let contents = std::iter::once(index)
        .chain(groups)
        .chain([errors])
        .map(|(href, name, is_current)| {
            view! { <li><a href=href aria-current=is_current.then_some("page")>{name}</a></li> }
        })
        .collect_view();
    let mut groups = reference.groups.clone().into_iter();
    let body = match groups.find(|group| anchor(&group.name) == chosen) {
        Some(group) => view! { <Group group=group /> }.into_any(),
        None => view! {
            <section class="section" aria-labelledby="introduction">
                <h2 id="introduction">"How it works"</h2>
                <p class="prose">{prose(&reference.introduction)}</p>
            </section>
            {reference.groups.into_iter().map(|group| view! { <Index group=group /> }).collect_view()}
            <ProblemCodes fields=reference.problem />
        }
        .into_any(),
    };
    view! {
        <PageHead title="API reference" lead="REST API">
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
            <div class="reference-body">{body}</div>
        </div>
    }
}

/// The operations of a group, each with a link to its description.
#[component]
fn Index(group: OperationGroup) -> impl IntoView {
    let (id, url) = (anchor(&group.name), group_url(&group));
    let rows = group.operations.into_iter().map(|operation| {
        view! {
            <tr>
                <td class="reference-method"><Badge tone=method_tone(&operation.method) text=operation.method /></td>
                <td><a class="row-title" href=format!("{url}#{}", operation.id)>{operation.summary}</a></td>
                <td class="optional"><code class="muted">{operation.path}</code></td>
            </tr>
        }
    });
    view! {
        <section class="section" aria-labelledby=id.clone()>
            <h2 id=id.clone()>{group.name}</h2>
            <div class="table-frame">
                <table>
                    <thead class="visually-hidden">
                        <tr>
                            <th scope="col">"Method"</th>
                            <th scope="col">"Operation"</th>
                            <th scope="col" class="optional">"Path"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
}

fn method_tone(method: &str) -> Tone {
    if method == "GET" {
        Tone::Neutral
    } else {
        Tone::Accent
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
    let tone = method_tone(&operation.method);
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
                <p class="muted">"Requires the scope " <code>{operation.permission}</code> "."</p>
                <Fields title="Parameters" fields=operation.parameters places=true />
                <Fields title="Body" fields=operation.body />
                <h3>{format!("Response, {}", operation.status)}</h3>
                {if operation.answer.is_empty() {
                    view! { <p class="muted">"No body."</p> }.into_any()
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
            <h2 id="refusals">"Errors"</h2>
            <p class="prose">
                "Errors are returned as " <code>"application/problem+json"</code>
                " with these fields. " <code>"code"</code> " is one of the values below and never changes."
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
