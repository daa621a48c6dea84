//! The list of rules, in order of precedence.

use domain::group_mapping::{GroupMappings, GroupSource, RuleView};
use leptos::prelude::*;

use super::api::group_mapping_list;
use crate::ui::{Badge, EmptyState, Glyph, Icon, PageHead, Tone, load_page};

/// The page at `/groups`.
#[component]
pub(crate) fn GroupMappingListPage() -> impl IntoView {
    let rules = group_mapping_list();
    load_page(rules, show)
}

fn show(mappings: GroupMappings) -> impl IntoView {
    view! {
        <PageHead
            title="Directory groups"
            lead="Map identity provider groups to roles and teams. Applied at each sign-in."
        >
            <a class="button" href="/groups/preview">"Test"</a>
            <a class="button button-primary" href="/groups/new">
                <Glyph icon=Icon::Plus />
                "New rule"
            </a>
        </PageHead>
        {if mappings.rules.is_empty() {
            view! {
                <EmptyState
                    title="No rules yet"
                    text="Without rules, roles and teams are assigned manually. A rule assigns a role or a team to everyone in a group."
                >
                    <a class="button button-primary" href="/groups/new">"New rule"</a>
                </EmptyState>
            }
                .into_any()
        } else {
            view! { <Rules rules=mappings.rules /> }.into_any()
        }}
    }
}

#[component]
fn Rules(rules: Vec<RuleView>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table class="group-rules">
                <thead>
                    <tr>
                        <th scope="col">"Group"</th>
                        <th scope="col">"Assigns"</th>
                        <th scope="col" class="optional">"Match on"</th>
                        <th scope="col" class="number">"Priority"</th>
                    </tr>
                </thead>
                <tbody>
                    {rules
                        .into_iter()
                        .map(|entry| {
                            let href = format!("/groups/{}", entry.rule.id);
                            let group_id = entry.rule.group_id.as_str().to_owned();
                            let has_label = group_id != entry.rule.label;
                            view! {
                                <tr>
                                    <td>
                                        <div class="cell-line">
                                            <a class="row-title" dir="auto" href=href>{entry.rule.label.clone()}</a>
                                            {has_label.then(|| view! { <code class="row-excerpt">{group_id}</code> })}
                                        </div>
                                    </td>
                                    <td><Grants role=entry.role team=entry.team /></td>
                                    <td class="optional">{source_label(entry.rule.source)}</td>
                                    <td class="number">{entry.rule.priority}</td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
        <p class="muted small">
            "All matching rules apply. If several assign the same role or team, the one with the highest priority is shown as the source."
        </p>
    }
}

#[component]
pub(super) fn Grants(role: Option<String>, team: Option<String>) -> impl IntoView {
    view! {
        <span class="cell-line cell-wrap">
            {role.map(|name| view! { <Badge tone=Tone::Accent text=format!("Role {name}") /> })}
            {team.map(|name| view! { <Badge tone=Tone::Neutral text=format!("Team {name}") /> })}
        </span>
    }
}

pub(super) const fn source_label(source: GroupSource) -> &'static str {
    match source {
        GroupSource::Group => "Group",
        GroupSource::AppRole => "App role",
    }
}
