//! The form of a rule. It leads to the preview, where the rule is saved; its
//! values are in the URL, so that going back loses nothing.

use domain::{
    AppError, GroupMappingId,
    group_mapping::{GroupMappingInput, GroupMappings, GroupSource, RuleView},
};
use leptos::prelude::*;

use super::{
    api::group_mapping_list,
    list::source_label,
    preview::{draft_query, read_draft},
};
use crate::ui::{
    Choice, PageHead, SelectField, TextField, load_page, path_id, query_string, use_query,
};

/// The page at `/groups/new`.
#[component]
pub(crate) fn GroupMappingNewPage() -> impl IntoView {
    form_page(Ok(None))
}

/// The page at `/groups/{id}`.
#[component]
pub(crate) fn GroupMappingPage() -> impl IntoView {
    form_page(path_id("id").map(Some))
}

/// The form for the rule `id`, or for a new one.
fn form_page(id: Result<Option<GroupMappingId>, AppError>) -> AnyView {
    let url_draft = read_draft(&use_query());
    let form = async move {
        let id = id?;
        let mappings = group_mapping_list().await?;
        let rule = match id {
            None => None,
            Some(id) => {
                let rule = mappings.rules.iter().find(|entry| entry.rule.id == id);
                Some(rule.ok_or(AppError::NotFound)?.clone())
            }
        };
        Ok::<_, AppError>((rule, mappings, url_draft))
    };
    load_page(form, |(rule, mappings, url_draft)| {
        show(rule.as_ref(), &mappings, url_draft)
    })
}

fn show(
    rule: Option<&RuleView>,
    mappings: &GroupMappings,
    url_draft: GroupMappingInput,
) -> impl IntoView + use<> {
    let stored = rule
        .as_ref()
        .map(|entry| GroupMappingInput::from(&entry.rule));
    // Values in the URL come from the preview's link back.
    let draft = if url_draft == GroupMappingInput::default() {
        stored.unwrap_or_else(|| GroupMappingInput {
            source: GroupSource::Group.key().to_owned(),
            priority: GroupMappingInput::PRIORITY.to_string(),
            ..GroupMappingInput::default()
        })
    } else {
        url_draft
    };
    let id = rule.as_ref().map(|entry| entry.rule.id.to_string());
    let title = rule
        .as_ref()
        .map_or_else(|| "New rule".to_owned(), |entry| entry.rule.label.clone());
    let removal = id.as_ref().map(|id| {
        let href = format!(
            "/groups/preview{}",
            query_string(&[("rule", id), ("remove", "true")])
        );
        view! { <a class="button button-danger" href=href>"Remove rule"</a> }
    });
    let sources = GroupSource::ALL
        .iter()
        .map(|source| Choice::new(source.key(), source_label(*source)))
        .collect();
    let none = || std::iter::once(Choice::new("", "None"));
    let mut roles: Vec<_> = none()
        .chain(
            mappings
                .roles
                .iter()
                .map(|role| Choice::new(role.id.to_string(), &role.name)),
        )
        .collect();
    // A role that the viewer may not grant stays listed where it is set.
    if let Some(entry) = rule
        .as_ref()
        .filter(|_| roles.iter().all(|role| role.value != draft.role))
        && let Some(name) = &entry.role
    {
        roles.push(Choice::new(draft.role.clone(), name));
    }
    let teams = none()
        .chain(
            mappings
                .teams
                .iter()
                .map(|team| Choice::new(team.id.to_string(), &team.name)),
        )
        .collect();
    view! {
        <PageHead
            title=title
            lead="Assigns a role or team to everyone in the group at their next sign-in. You can review affected members before saving."
            up=("/groups", "Directory groups")
        >
            {removal}
        </PageHead>
        <form method="get" action="/groups/preview" class="form">
            {id.map(|id| view! { <input type="hidden" name="rule" value=id /> })}
            <SelectField
                name="source"
                label="Match on"
                choices=sources
                value=draft.source
                hint="Groups come from the groups claim, or from the directory if there are many. App roles come from the roles claim."
            />
            <TextField
                name="group_id"
                label="Group or app role"
                hint="Entra: the group’s object ID. Other providers: the group as it appears in the claim. App role: its value."
                value=draft.group_id
                error=None
            />
            <TextField
                name="label"
                label="Display name"
                hint="Optional."
                value=draft.label
                error=None
            />
            <SelectField name="role" label="Role" choices=roles value=draft.role hint="You can assign roles up to your own permissions." />
            <SelectField name="team" label="Team" choices=teams value=draft.team />
            <TextField
                name="priority"
                label="Priority"
                hint="0 to 1000. If several rules assign the same role or team, the highest is shown as the source."
                value=draft.priority
                error=None
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Preview"</button>
                <a class="button button-quiet" href="/groups">"Cancel"</a>
            </div>
        </form>
    }
}

/// URL of the form with this draft.
pub(super) fn form_path(rule: &str, draft: &GroupMappingInput) -> String {
    let segment = if rule.is_empty() { "new" } else { rule };
    format!("/groups/{segment}{}", draft_query(draft))
}
