//! The audit log: who did what, when, and the outcome.

use domain::{
    AppError, Page,
    audit::{AuditEntry, AuditListInput, Outcome},
};
use leptos::prelude::*;

use super::api::audit_list;
use crate::{
    start::with_viewer,
    ui::{
        Badge, Choice, CopyId, EmptyState, FilterForm, Glyph, Icon, PageHead, Paging, Query,
        SelectField, Time, Tone, absolute_time, count, load_page, query_string, use_query,
    },
};

fn from_params(params: &Query) -> AuditListInput {
    let get = |name: &str| params.get(name).to_owned();
    AuditListInput {
        action: get("action").trim().to_owned(),
        outcome: get("outcome"),
        actor: get("actor"),
        request: get("request"),
        after: Some(get("after")).filter(|after| !after.is_empty()),
    }
}

/// URL of the page with this query.
fn path(input: &AuditListInput) -> String {
    let query = query_string(&[
        ("action", &input.action),
        ("outcome", &input.outcome),
        ("actor", &input.actor),
        ("request", &input.request),
        ("after", input.after.as_deref().unwrap_or_default()),
    ]);
    format!("/audit{query}")
}

/// A copy that starts after the cursor `after`; `None` for the first page.
fn starting_after(input: &AuditListInput, after: Option<String>) -> AuditListInput {
    AuditListInput {
        after,
        ..input.clone()
    }
}

/// The page at `/audit`.
#[component]
pub(crate) fn AuditPage() -> impl IntoView {
    let query = from_params(&use_query());
    let entries = async move {
        let page = audit_list(query.clone()).await?;
        Ok::<_, AppError>((query, page))
    };
    load_page(entries, |(query, page)| show(query, page))
}

fn show(query: AuditListInput, page: Page<AuditEntry>) -> impl IntoView {
    let newest = path(&starting_after(&query, None));
    let older = page
        .next
        .map(|next| path(&starting_after(&query, Some(next))));
    let first = query.after.is_none();
    let filter = AuditListInput {
        after: None,
        ..query
    };
    let filtered = filter != AuditListInput::default();
    // Every row names the member that is filtered by.
    let actor_name = page.items.first().map(|entry| entry.actor_label.clone());
    view! {
        <PageHead
            title="Audit log"
            lead="All activity, including denied requests. Entries are tamper-evident."
        />
        <Filters filter=filter.clone() actor_name=actor_name />
        {if page.items.is_empty() {
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
            view! { <AuditRows entries=page.items filter=filter /> }.into_any()
        }}
        <Paging newest=newest older=older first=first />
    }
}

#[component]
fn Filters(filter: AuditListInput, actor_name: Option<String>) -> impl IntoView {
    let filtered = filter != AuditListInput::default();
    let outcomes = std::iter::once(Choice::new("", "Any outcome"))
        .chain(
            Outcome::ALL
                .iter()
                .map(|outcome| Choice::new(outcome.key(), outcome_label(*outcome))),
        )
        .collect();
    let AuditListInput {
        action,
        outcome,
        actor,
        request,
        after: _,
    } = filter;
    let me = with_viewer(|viewer| viewer.user_id.to_string());
    let actors = actor_choices(me.as_deref(), &actor, actor_name.as_deref());
    view! {
        <FilterForm path="/audit" label="Filter the audit log" class="filters">
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
                {(!request.is_empty())
                    .then(|| {
                        view! {
                            <div class="field">
                                <label for="request">"Request"</label>
                                <input type="text" name="request" id="request" value=request.clone() autocomplete="off" />
                            </div>
                        }
                    })}
                <button type="submit" class="button">"Apply"</button>
                {filtered.then(|| view! { <a class="button button-quiet" href="/audit">"Clear filters"</a> })}
            </div>
        </FilterForm>
    }
}

/// Choices: anyone, the viewer, and the member that is filtered by.
fn actor_choices(me: Option<&str>, chosen: &str, chosen_name: Option<&str>) -> Vec<Choice> {
    let mut choices = vec![Choice::new("", "Anyone")];
    if let Some(me) = me {
        choices.push(Choice::new(me, "You"));
    }
    if !chosen.is_empty() && me != Some(chosen) {
        choices.push(Choice::new(
            chosen,
            chosen_name.unwrap_or("Selected member"),
        ));
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
    /// Kept in each row's link to its member.
    filter: AuditListInput,
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
                .map(|entry| view! { <Entry entry=entry filter=filter.clone() /> })
                .collect_view()}
        </div>
    }
}

#[component]
fn Entry(entry: AuditEntry, filter: AuditListInput) -> impl IntoView {
    let target = match (&entry.resource_type, &entry.resource_id) {
        (Some(kind), Some(id)) => format!("{kind} {}", short_id(id)),
        (Some(kind), None) => kind.clone(),
        _ => "–".to_owned(),
    };
    let only_member_url = entry.actor_user_id.map(|id| {
        path(&AuditListInput {
            actor: id.to_string(),
            after: None,
            ..filter
        })
    });
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "Unknown".to_owned());
    view! {
        <details>
            <summary>
                <Glyph icon=Icon::ChevronRight />
                <Time at=entry.at />
                <span class="clip" dir="auto">{entry.actor_label.clone()}</span>
                <code>{entry.action}</code>
                <span class="clip muted optional">{target}</span>
                <OutcomeBadge outcome=entry.outcome />
            </summary>
            <div class="rows-body">
                <dl class="facts">
                    <div><dt>"Sequence"</dt><dd>{count(entry.seq)}</dd></div>
                    <div><dt>"Time"</dt><dd>{absolute_time(entry.at)}</dd></div>
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
                            view! { <div><dt>"Target"</dt><dd>{kind} " " <CopyId id=id what="target" /></dd></div> }
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
    fn query_round_trips_through_the_url() {
        let query = from_params(&Query::parse(
            "action=+memory+&outcome=denied&request=r&after=x%3D",
        ));
        assert_eq!(
            path(&query),
            "/audit?action=memory&outcome=denied&request=r&after=x%3D"
        );
    }

    #[test]
    fn the_chosen_member_is_offered_once() {
        let values = |me: &str, chosen: &str| {
            actor_choices(Some(me), chosen, Some("Mia"))
                .into_iter()
                .map(|c| c.label)
                .collect::<Vec<_>>()
        };
        assert_eq!(values("1", ""), ["Anyone", "You"]);
        assert_eq!(values("1", "1"), ["Anyone", "You"]);
        assert_eq!(values("1", "2"), ["Anyone", "You", "Mia"]);
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
