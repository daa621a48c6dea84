//! Preview of a change of the rules: its effect on the current members, and on
//! one person.

use domain::{
    AppError,
    group_mapping::{
        Granted, GroupMappingInput, GroupMappingSimulateInput, MemberChange, PersonOutcome, Reason,
        Simulation, SimulationMember,
    },
};
use leptos::prelude::*;

use super::{
    api::{GroupMappingDelete, GroupMappingSave, group_mapping_simulate},
    edit::form_path,
    list::{Grants, source_label},
};
use crate::{
    forms::{FormState, PostForm},
    ui::{
        Badge, Choice, Glyph, Icon, PageHead, Query, SelectField, TextArea, Tone, count, load_page,
        plural, query_string, use_query,
    },
};

/// Query parameters of a draft.
fn draft_fields(draft: &GroupMappingInput) -> [(&'static str, &str); 6] {
    [
        ("source", &draft.source),
        ("group_id", &draft.group_id),
        ("label", &draft.label),
        ("role", &draft.role),
        ("team", &draft.team),
        ("priority", &draft.priority),
    ]
}

/// A draft as a URL query.
pub(super) fn draft_query(draft: &GroupMappingInput) -> String {
    query_string(&draft_fields(draft))
}

/// Reads a draft from a URL query.
pub(super) fn read_draft(query: &Query) -> GroupMappingInput {
    let get = |name: &str| query.get(name).to_owned();
    GroupMappingInput {
        source: get("source"),
        group_id: get("group_id"),
        label: get("label"),
        role: get("role"),
        team: get("team"),
        priority: get("priority"),
    }
}

fn read_proposal(query: &Query) -> GroupMappingSimulateInput {
    GroupMappingSimulateInput {
        rule: query.get("rule").to_owned(),
        remove: query.get("remove") == "true",
        draft: read_draft(query),
        member: query.get("member").to_owned(),
        claims: query.get("claims").to_owned(),
    }
}

/// True if a rule is added, changed or removed; false if the rules are only
/// tried.
fn is_change(proposal: &GroupMappingSimulateInput) -> bool {
    !proposal.rule.is_empty() || proposal.draft != GroupMappingInput::default()
}

/// The page at `/groups/preview`.
#[component]
pub(crate) fn GroupMappingPreviewPage() -> impl IntoView {
    let proposal = read_proposal(&use_query());
    let simulation = async move {
        // Field errors are shown by this page, next to the link back to the
        // form.
        let simulation = match group_mapping_simulate(proposal.clone()).await {
            Err(AppError::Invalid { fields }) => Err(fields),
            other => Ok(other?),
        };
        Ok::<_, AppError>((proposal, simulation))
    };
    load_page(simulation, |(proposal, simulation)| match simulation {
        Ok(simulation) => show(&proposal, simulation).into_any(),
        Err(fields) => show_errors(&proposal, fields),
    })
}

/// Shows the field errors and the link back to the form.
fn show_errors(proposal: &GroupMappingSimulateInput, fields: Vec<domain::FieldError>) -> AnyView {
    let is_in_claims = fields.iter().any(|error| error.field == "claims");
    let back = if is_in_claims {
        let without_claims = GroupMappingSimulateInput {
            claims: String::new(),
            ..proposal.clone()
        };
        format!("/groups/preview{}", proposal_query(&without_claims))
    } else {
        form_path(&proposal.rule, &proposal.draft)
    };
    view! {
        <PageHead title="Couldn’t complete the preview" up=("/groups", "Directory groups") />
        <div class="notice notice-bad notice-tall" role="alert">
            <Glyph icon=Icon::Warning />
            <div>
                <ul class="faults">
                    {fields.into_iter().map(|error| view! { <li>{error.message}</li> }).collect_view()}
                </ul>
            </div>
        </div>
        <p><a class="button button-primary" href=back>"Back to the form"</a></p>
    }
    .into_any()
}

fn proposal_query(proposal: &GroupMappingSimulateInput) -> String {
    let mut fields = vec![("rule", proposal.rule.as_str())];
    fields.extend(proposal.remove.then_some(("remove", "true")));
    fields.extend(draft_fields(&proposal.draft));
    fields.push(("member", &proposal.member));
    fields.push(("claims", &proposal.claims));
    query_string(&fields)
}

fn show(proposal: &GroupMappingSimulateInput, simulation: Simulation) -> impl IntoView {
    let changes = is_change(proposal);
    let (title, lead) = match (changes, proposal.remove) {
        (true, true) => ("Remove this rule?", "Nothing is changed until you confirm."),
        (true, false) => ("Preview", "Nothing is changed until you save the rule."),
        (false, _) => (
            "Test rules",
            "What the current rules assign to a member, and why.",
        ),
    };
    view! {
        <PageHead title=title lead=lead up=("/groups", "Directory groups") />
        {changes.then(|| view! { <Change proposal=proposal.clone() simulation=simulation.clone() /> })}
        <Changes simulation=simulation.clone() changes=changes />
        <TryForm proposal=proposal.clone() people=simulation.people.clone() />
        {simulation.person.map(|person| view! { <PersonResult person=person /> })}
    }
}

/// The rule, and the buttons that save or remove it.
#[component]
fn Change(proposal: GroupMappingSimulateInput, simulation: Simulation) -> impl IntoView {
    let save = FormState::<GroupMappingSave>::new();
    let delete = FormState::<GroupMappingDelete>::new();
    let back = form_path(&proposal.rule, &proposal.draft);
    let hidden = draft_fields(&proposal.draft)
        .map(|(name, value)| view! { <input type="hidden" name=name value=value.to_owned() /> })
        .collect_view();
    let rule = simulation.rule.map(|entry| {
        let group = entry.rule.group_id.as_str().to_owned();
        view! {
            <dl class="facts">
                <div><dt>{source_label(entry.rule.source)}</dt><dd dir="auto">{entry.rule.label.clone()}</dd></div>
                <div><dt>"ID"</dt><dd><code>{group}</code></dd></div>
                <div><dt>"Assigns"</dt><dd><Grants role=entry.role team=entry.team /></dd></div>
                <div><dt>"Priority"</dt><dd>{entry.rule.priority}</dd></div>
            </dl>
        }
    });
    let unchanged = rule.is_none();
    let known_group = simulation.concerned > 0;
    view! {
        <section class="section" aria-labelledby="rule">
            <h2 id="rule">"Rule"</h2>
            {rule}
            {unchanged.then(|| view! { <p>"The rule is unchanged. There is nothing to save."</p> })}
            {(!unchanged && !known_group).then(|| {
                view! {
                    <div class="notice notice-warning">
                        <Glyph icon=Icon::Warning />
                        <span>
                            "No current member is in this group. Check the ID."
                        </span>
                    </div>
                }
            })}
            {if proposal.remove {
                view! {
                    <PostForm state=delete class="form-actions">
                        <input type="hidden" name="id" value=proposal.rule />
                        <button type="submit" class="button button-danger">"Remove rule"</button>
                        <a class="button button-quiet" href="/groups">"Cancel"</a>
                    </PostForm>
                }
                    .into_any()
            } else {
                view! {
                    <PostForm state=save class="form-actions">
                        {(!proposal.rule.is_empty()).then(|| view! { <input type="hidden" name="id" value=proposal.rule /> })}
                        {hidden}
                        <button type="submit" class="button button-primary" disabled=unchanged>"Save rule"</button>
                        <a class="button button-quiet" href=back>"Edit rule"</a>
                    </PostForm>
                }
                    .into_any()
            }}
        </section>
    }
}

/// The members who would gain or lose roles or teams.
#[component]
fn Changes(simulation: Simulation, changes: bool) -> impl IntoView {
    let Simulation {
        known,
        unknown,
        changed,
        changes: members,
        ..
    } = simulation;
    if !changes && changed == 0 {
        return ().into_any();
    }
    let unknown = (unknown > 0).then(|| {
        let people = plural(unknown, "member has", "members have");
        format!(" {people} not signed in through the identity provider yet, so their groups are unknown.")
    });
    let more =
        (changed > members.len()).then(|| format!("And {} more.", count(changed - members.len())));
    let summary = if changed == 0 {
        format!(
            "No changes for {} with known groups.",
            plural(known, "member", "members")
        )
    } else {
        format!(
            "Of {} with known groups, {} at the next sign-in.",
            plural(known, "member", "members"),
            plural(changed, "changes", "change")
        )
    };
    view! {
        <section class="section" aria-labelledby="changes">
            <h2 id="changes">"Affected members"</h2>
            <p>{summary} {unknown}</p>
            {(!members.is_empty())
                .then(|| {
                    view! {
                        <div class="table-frame">
                            <table>
                                <thead>
                                    <tr>
                                        <th scope="col">"Member"</th>
                                        <th scope="col">"Gains"</th>
                                        <th scope="col">"Loses"</th>
                                    </tr>
                                </thead>
                                <tbody>{members.into_iter().map(change_row).collect_view()}</tbody>
                            </table>
                        </div>
                    }
                })}
            {more.map(|more| view! { <p class="muted">{more}</p> })}
        </section>
    }
    .into_any()
}

fn change_row(change: MemberChange) -> impl IntoView {
    let badges = |granted: Vec<Granted>, tone: Tone| {
        let none = granted.is_empty().then_some("–");
        let badges = granted
            .into_iter()
            .map(|granted| view! { <Badge tone=tone text=granted_text(&granted) /> });
        view! { <span class="cell-line cell-wrap">{none} {badges.collect_view()}</span> }
    };
    view! {
        <tr>
            <td><a class="row-title" dir="auto" href=format!("/members/{}", change.user_id)>{change.name}</a></td>
            <td>{badges(change.gains, Tone::Good)}</td>
            <td>{badges(change.loses, Tone::Warning)}</td>
        </tr>
    }
}

fn granted_text(granted: &Granted) -> String {
    match granted {
        Granted::Role(name) => format!("Role {name}"),
        Granted::Team(name) => format!("Team {name}"),
    }
}

/// Form to choose a member or claims on which to try the rules.
#[component]
fn TryForm(proposal: GroupMappingSimulateInput, people: Vec<SimulationMember>) -> impl IntoView {
    let choices = std::iter::once(Choice::new("", "Select a member"))
        .chain(
            people
                .into_iter()
                .map(|member| Choice::new(member.user_id.to_string(), member.name)),
        )
        .collect();
    let hidden = draft_fields(&proposal.draft)
        .into_iter()
        .chain([("rule", proposal.rule.as_str())])
        .chain(proposal.remove.then_some(("remove", "true")))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value.to_owned() /> })
        .collect_view();
    view! {
        <section class="section" aria-labelledby="try">
            <h2 id="try">"Test with a member"</h2>
            <form method="get" action="/groups/preview" class="form">
                {hidden}
                <SelectField name="member" label="Member" choices=choices value=proposal.member />
                <TextArea
                    name="claims"
                    label="Or token claims"
                    hint="One group per line, or paste token claims as JSON. Not stored."
                    rows=4
                    value=proposal.claims
                    error=None
                    optional=true
                />
                <div class="form-actions">
                    <button type="submit" class="button">"Test"</button>
                </div>
            </form>
        </section>
    }
}

/// The roles and teams that one person would have, with reasons.
#[component]
fn PersonResult(person: PersonOutcome) -> impl IntoView {
    let heading = person.name.map_or_else(
        || "With these claims".to_owned(),
        |name| format!("{name} would have"),
    );
    let is_empty = person.reasons.is_empty();
    view! {
        <section class="section" aria-labelledby="outcome">
            <h2 id="outcome" dir="auto">{heading}</h2>
            {if is_empty {
                view! { <p>"No role and no team. Members without a role are told to ask an administrator."</p> }.into_any()
            } else {
                view! {
                    <div class="table-frame">
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">"Role or team"</th>
                                    <th scope="col">"Source"</th>
                                </tr>
                            </thead>
                            <tbody>{person.reasons.into_iter().map(reason_row).collect_view()}</tbody>
                        </table>
                    </div>
                }
                    .into_any()
            }}
            {(!person.unused.is_empty())
                .then(|| {
                    view! {
                        <p class="muted">"No rule for: " {person.unused.join(", ")}</p>
                    }
                })}
        </section>
    }
}

fn reason_row(reason: Reason) -> impl IntoView {
    let because = match reason.decided_by {
        None => "Assigned manually".to_owned(),
        Some(rule) => format!(
            "{} {}, priority {}",
            source_label(rule.source),
            rule.label,
            rule.priority
        ),
    };
    view! {
        <tr>
            <td>{granted_text(&reason.granted)}</td>
            <td dir="auto">{because}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposal_round_trips_through_its_url() {
        let proposal = GroupMappingSimulateInput {
            rule: "0198f000-0000-7000-8000-000000000001".into(),
            remove: true,
            draft: GroupMappingInput {
                source: "group".into(),
                group_id: "a & b".into(),
                label: "Größe".into(),
                role: String::new(),
                team: "x".into(),
                priority: "5".into(),
            },
            member: String::new(),
            claims: "ant\nbee".into(),
        };
        let query = proposal_query(&proposal);
        assert_eq!(
            read_proposal(&Query::parse(query.trim_start_matches('?'))),
            proposal
        );
        assert!(is_change(&proposal));
        assert!(!is_change(&GroupMappingSimulateInput::default()));
    }
}
