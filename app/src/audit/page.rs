//! The audit log: who did what, when, and the outcome.

use domain::{
    AppError, Page,
    audit::{AuditEntry, AuditListInput, Outcome},
    member::MemberSummary,
};
use leptos::prelude::*;

use super::{
    api::{AuditData, audit_list},
    phrase::{phrase, target_url},
};
use crate::{
    start::with_viewer,
    ui::{
        Badge, Choice, CopyId, EmptyState, FilterForm, Glyph, Icon, ListKind, ListUrl, PageHead,
        SelectField, Time, Tone, absolute_time, count, list_head, list_input, list_paging,
        load_page,
    },
};

const LIST: ListKind = ListKind {
    class: "",
    nouns: ("event", "events"),
    default_sort: "-at",
    export: "audit",
};

/// The page at `/audit`.
#[component]
pub(crate) fn AuditPage() -> impl IntoView {
    let list = list_input::<AuditListInput>();
    let entries = async move {
        let (url, input) = list?;
        let data = audit_list(input).await?;
        Ok::<_, AppError>((url, data))
    };
    load_page(entries, |(url, data)| show(&url, data))
}

fn show(url: &ListUrl, data: AuditData) -> impl IntoView + use<> {
    let AuditData { page, members } = data;
    let Page {
        items,
        next,
        prev,
        total,
    } = page;
    // Every row names the member that is filtered by.
    let actor_name = items.first().map(|entry| entry.actor_label.clone());
    let list = if items.is_empty() {
        let filtered = url.is_filtered();
        view! {
            <EmptyState
                title=if filtered { "No results" } else { "No activity yet" }
                text=if filtered { "Remove a filter or clear all." } else { "Activity in this organisation appears here." }
            >
                <a class="button" href="/audit">"Show all activity"</a>
            </EmptyState>
        }
        .into_any()
    } else {
        view! {
            {list_head(LIST, url, total)}
            <AuditRows entries=items url=url.clone() />
            {list_paging(url, prev, next)}
        }
        .into_any()
    };
    view! {
        <PageHead
            title="Audit log"
            lead="All activity, including denied requests. Entries are tamper-evident."
        />
        <Filters url=url.clone() actor_name=actor_name members=members />
        {list}
    }
}

#[component]
fn Filters(url: ListUrl, actor_name: Option<String>, members: Vec<MemberSummary>) -> impl IntoView {
    let [action, outcome, actor, from, to, sort] =
        ["action", "outcome", "actor", "from", "to", "sort"].map(|name| url.get(name).to_owned());
    let is_filtered = url.is_filtered();
    let outcomes = std::iter::once(Choice::new("", "Any outcome"))
        .chain(
            Outcome::ALL
                .iter()
                .map(|outcome| Choice::new(outcome.key(), outcome_label(*outcome))),
        )
        .collect();
    let orders = vec![
        Choice::new("", "Newest first"),
        Choice::new("at", "Oldest first"),
    ];
    let me = with_viewer(|viewer| viewer.user_id.to_string());
    let members: Vec<_> = members
        .into_iter()
        .map(|member| (member.id.to_string(), member.display_name))
        .collect();
    let actors = actor_choices(me.as_deref(), &actor, actor_name, members);
    // These come from links; the form keeps them.
    let hidden = ["target_kind", "target", "request"].map(|name| {
        let value = url.get(name).to_owned();
        (!value.is_empty()).then(|| view! { <input type="hidden" name=name value=value /> })
    });
    let narrowed = match (url.get("target"), url.get("request")) {
        ("", "") => None,
        ("", _) => Some("Only one request is shown."),
        _ => Some("Only one target is shown."),
    };
    view! {
        <FilterForm path="/audit" label="Filter the audit log" class="filters">
            {hidden.collect_view()}
            <div class="filters-more">
                <div class="field">
                    <label for="action">"Event"</label>
                    <input
                        type="text"
                        name="action"
                        id="action"
                        value=action
                        placeholder="memory or memory.create"
                        autocomplete="off"
                    />
                </div>
                <SelectField name="outcome" label="Outcome" choices=outcomes value=outcome />
                <SelectField name="actor" label="Actor" choices=actors value=actor />
                <Day name="from" label="From (UTC)" value=from />
                <Day name="to" label="To (UTC)" value=to />
                <SelectField name="sort" label="Order" choices=orders value=sort />
                <button type="submit" class="button">"Apply"</button>
                {is_filtered.then(|| view! { <a class="button button-quiet" href="/audit">"Clear filters"</a> })}
            </div>
            {narrowed.map(|text| view! { <p class="muted">{text}</p> })}
        </FilterForm>
    }
}

#[component]
fn Day(name: &'static str, label: &'static str, value: String) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input type="date" name=name id=name value=value />
        </div>
    }
}

/// Choices: anyone, the viewer, the first members by name, and the member that
/// is filtered by.
fn actor_choices(
    me: Option<&str>,
    chosen: &str,
    chosen_name: Option<String>,
    members: Vec<(String, String)>,
) -> Vec<Choice> {
    let mut choices = vec![Choice::new("", "Anyone")];
    choices.extend(me.map(|me| Choice::new(me, "You")));
    let others = members.into_iter().filter(|(id, _)| me != Some(id));
    choices.extend(others.map(|(id, name)| Choice::new(id, name)));
    if !chosen.is_empty() && choices.iter().all(|choice| choice.value != chosen) {
        let name = chosen_name.unwrap_or_else(|| "Selected member".to_owned());
        choices.push(Choice::new(chosen, name));
    }
    choices
}

/// Rows that expand to show their details.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(crate) fn AuditRows(
    entries: Vec<AuditEntry>,
    /// Kept in each row's links to more of its kind.
    url: ListUrl,
) -> impl IntoView {
    view! {
        <div class="rows audit">
            <div class="rows-head" aria-hidden="true">
                <span></span>
                <span>"Time"</span>
                <span>"Actor"</span>
                <span>"Event"</span>
                <span class="optional">"Target"</span>
                <span>"Outcome"</span>
            </div>
            {entries
                .into_iter()
                .map(|entry| view! { <Entry entry=entry url=url.clone() /> })
                .collect_view()}
        </div>
    }
}

#[component]
fn Entry(entry: AuditEntry, url: ListUrl) -> impl IntoView {
    let target = match (&entry.resource_type, &entry.resource_id) {
        (Some(kind), Some(id)) => format!("{kind} {}", short_id(id)),
        (Some(kind), None) => kind.clone(),
        _ => "–".to_owned(),
    };
    let only_member_url = entry
        .actor_user_id
        .map(|id| url.with("actor", &id.to_string()));
    let target_links = entry.resource_id.clone().map(|id| {
        let page = entry
            .resource_type
            .as_deref()
            .and_then(|kind| target_url(kind, &id));
        let all = ListUrl::new("/audit", []).with("target", &id);
        view! {
            {page.map(|href| view! { " " <a href=href>"Open"</a> })}
            " "
            <a href=all>"View its activity"</a>
        }
    });
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "Unknown".to_owned());
    view! {
        <details>
            <summary>
                <Glyph icon=Icon::ChevronRight />
                <Time at=entry.at />
                <span class="clip" dir="auto">{entry.actor_label.clone()}</span>
                <span class="clip event">{phrase(&entry.action)}</span>
                <span class="clip muted optional">{target}</span>
                <OutcomeBadge outcome=entry.outcome />
            </summary>
            <div class="rows-body">
                <dl class="facts">
                    <div><dt>"Sequence"</dt><dd>{count(entry.seq)}</dd></div>
                    <div><dt>"Time"</dt><dd>{absolute_time(entry.at)}</dd></div>
                    <div><dt>"Event"</dt><dd><code>{entry.action.clone()}</code></dd></div>
                    <div>
                        <dt>"Actor"</dt>
                        <dd>
                            <span dir="auto">{entry.actor_label}</span>
                            {(entry.actor_kind != "human").then(|| format!(" ({})", entry.actor_kind.replace('_', " ")))}
                            {only_member_url.map(|href| view! { " " <a href=href>"View all activity"</a> })}
                        </dd>
                    </div>
                    {entry
                        .resource_id
                        .map(|id| {
                            let kind = entry.resource_type.unwrap_or_default();
                            view! { <div><dt>"Target"</dt><dd>{kind} " " <CopyId id=id what="target" /> {target_links}</dd></div> }
                        })}
                    <div><dt>"IP address"</dt><dd>{or_unknown(entry.ip)}</dd></div>
                    {entry
                        .request_id
                        .map(|id| view! { <div><dt>"Request"</dt><dd><CopyId id=id what="request" /></dd></div> })}
                </dl>
                {entry
                    .changes
                    .map(|changes| {
                        view! {
                            <h3>"Changes"</h3>
                            <pre tabindex="0"><code>{format!("{changes:#}")}</code></pre>
                        }
                    })}
                {entry
                    .metadata
                    .map(|metadata| {
                        view! {
                            <h3>"Details"</h3>
                            <pre tabindex="0"><code>{format!("{metadata:#}")}</code></pre>
                        }
                    })}
            </div>
        </details>
    }
}

#[component]
fn OutcomeBadge(outcome: Outcome) -> impl IntoView {
    let tone = match outcome {
        Outcome::Success => Tone::Good,
        Outcome::Denied => Tone::Warning,
        Outcome::Failure => Tone::Bad,
    };
    view! { <Badge tone=tone text=outcome_label(outcome) /> }
}

const fn outcome_label(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "Success",
        Outcome::Denied => "Denied",
        Outcome::Failure => "Failed",
    }
}

/// The last 8 characters of an id, which differ between neighbouring ids.
fn short_id(id: &str) -> String {
    let cut = id.char_indices().rev().nth(7).map_or(0, |(at, _)| at);
    if cut == 0 {
        id.to_owned()
    } else {
        format!("…{}", &id[cut..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_is_offered_once() {
        let members = || {
            vec![
                ("1".to_owned(), "Ada".to_owned()),
                ("2".into(), "Bo".into()),
            ]
        };
        let labels = |chosen: &str| {
            let choices = actor_choices(Some("1"), chosen, Some("Mia".into()), members());
            let labels = choices.into_iter().map(|choice| choice.label);
            labels.collect::<Vec<_>>()
        };
        assert_eq!(labels(""), ["Anyone", "You", "Bo"]);
        assert_eq!(labels("2"), ["Anyone", "You", "Bo"]);
        assert_eq!(labels("3"), ["Anyone", "You", "Bo", "Mia"]);
    }

    #[test]
    fn long_ids_show_their_end() {
        assert_eq!(
            short_id("0198f000-0000-7000-8000-00000000abcd"),
            "…0000abcd"
        );
        assert_eq!(short_id("abc"), "abc");
    }
}
