//! Break-glass on other pages: the form on a member's page, and the reports on
//! one's own profile.

use domain::{
    UserId,
    break_glass::{
        BreakGlassGrant, BreakGlassReport, BreakGlassStatus, DURATIONS_MINUTES, ReadMemory,
    },
};
use leptos::prelude::*;

use super::api::{BreakGlassClose, BreakGlassOpen};
use crate::{
    clock::page_now,
    forms::{FormState, PostForm},
    memory::display_title,
    ui::{Badge, Choice, Glyph, Icon, SelectField, TextArea, Time, Tone, plural},
};

/// Section of a member's page for viewers who may use break-glass.
#[component]
pub(crate) fn BreakGlassSection(
    id: UserId,
    name: String,
    standing: BreakGlassStatus,
) -> impl IntoView {
    let content = match standing {
        BreakGlassStatus::Closed => view! { <OpenForm id=id name=name /> }.into_any(),
        BreakGlassStatus::Open(grant) => {
            view! { <OpenBanner grant=grant name=name with_link=true /> }.into_any()
        }
    };
    view! {
        <section class="section" aria-labelledby="private">
            <h2 id="private">"Private memories"</h2>
            {content}
        </section>
    }
}

#[component]
fn OpenForm(id: UserId, name: String) -> impl IntoView {
    let state = FormState::<BreakGlassOpen>::new();
    let terms = DURATIONS_MINUTES
        .iter()
        .map(|minutes| {
            let label = match minutes {
                60 => "1 hour".to_owned(),
                240 => "4 hours".to_owned(),
                minutes => format!("{minutes} minutes"),
            };
            Choice::new(minutes.to_string(), label)
        })
        .collect();
    view! {
        <p class="page-lead">
            "Only " <bdi>{name.clone()}</bdi>
            " can view these. You can open them with a stated reason. "
            <bdi>{name}</bdi>
            " is notified of the reason, the end time and the memories that you read. It is recorded in the audit log."
        </p>
        <PostForm state=state class="form">
            <input type="hidden" name="id" value=id.to_string() />
            <TextArea
                name="reason"
                label="Reason for access"
                hint="10 to 500 characters. Shown to the member."
                rows=3
                value=state.typed("reason", "")
                error=state.field_error("reason")
            />
            <SelectField
                name="minutes"
                label="Duration"
                choices=terms
                value=state.typed("minutes", "15")
                error=state.field_error("minutes")
            />
            <div class="form-actions">
                <button type="submit" class="button button-danger">"Open private memories"</button>
            </div>
        </PostForm>
    }
}

/// Banner on every page of an open grant: until when, why, and how to close it.
#[component]
pub(super) fn OpenBanner(
    grant: BreakGlassGrant,
    name: String,
    /// Adds a link to the memories.
    #[prop(optional)]
    with_link: bool,
) -> impl IntoView {
    let state = FormState::<BreakGlassClose>::new();
    let id = grant.subject_id;
    let read = with_link.then(|| {
        view! {
            <a class="button" href=format!("/members/{id}/break-glass")>"Read private memories"</a>
        }
    });
    view! {
        <aside class="notice notice-warning notice-open" aria-label="Open private memories">
            <Glyph icon=Icon::Unlocked />
            <div>
                <p>
                    "You have opened the private memories of " <bdi>{name}</bdi> ", who was notified. Access ends "
                    <Time at=grant.expires_at /> "."
                </p>
                <p dir="auto">"Reason: " {grant.reason}</p>
            </div>
            {read}
            <PostForm state=state class="inline-form">
                <input type="hidden" name="id" value=id.to_string() />
                <button type="submit" class="button">"End access"</button>
            </PostForm>
        </aside>
    }
}

/// Section of one's own profile: who opened one's private memories, and what
/// they read. Renders nothing without reports.
#[component]
pub(crate) fn BreakGlassReports(
    /// Newest first.
    reports: Vec<BreakGlassReport>,
) -> impl IntoView {
    (!reports.is_empty()).then(|| {
        view! {
            <section class="section" aria-labelledby="readers">
                <div>
                    <h2 id="readers">"Break-glass access to your memories"</h2>
                    <p class="muted">"Members with break-glass access, granted by an owner, who opened your private memories for a stated reason."</p>
                </div>
                <div class="rows readers">
                    {reports.into_iter().map(|report| view! { <Report report=report /> }).collect_view()}
                </div>
            </section>
        }
    })
}

#[component]
fn Report(report: BreakGlassReport) -> impl IntoView {
    let BreakGlassReport { grant, read } = report;
    let open = grant.is_open(page_now());
    let ends = grant.ends_at();
    let count = plural(read.len(), "memory read", "memories read");
    view! {
        <details>
            <summary>
                <Glyph icon=Icon::ChevronRight />
                <span class="clip" dir="auto">{grant.reader_name}</span>
                <span class="muted">{count}</span>
                {open.then(|| view! { <Badge tone=Tone::Warning text="Active" /> })}
                <Time at=grant.opened_at />
            </summary>
            <div class="rows-body">
                <dl class="facts facts-one">
                    <div><dt>"Reason"</dt><dd dir="auto">{grant.reason}</dd></div>
                    <div><dt>"Opened"</dt><dd><Time at=grant.opened_at /></dd></div>
                    <div><dt>{if open { "Access ends" } else { "Access ended" }}</dt><dd><Time at=ends /></dd></div>
                    <div>
                        <dt>"Read"</dt>
                        <dd>
                            {if read.is_empty() {
                                view! { <span class="muted">"None"</span> }.into_any()
                            } else {
                                view! { <ul>{read.into_iter().map(read_line).collect_view()}</ul> }.into_any()
                            }}
                        </dd>
                    </div>
                </dl>
            </div>
        </details>
    }
}

fn read_line(memory: ReadMemory) -> AnyView {
    let ReadMemory { id, title, at } = memory;
    let title = display_title("", &title);
    view! {
        <li>
            <a class="link-line" dir="auto" href=format!("/memories/{id}")>{title}</a>
            <span class="muted">", " <Time at=at /></span>
        </li>
    }
    .into_any()
}
