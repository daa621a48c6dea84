//! The list of teams.

use domain::{AppError, Page, Permission, team::TeamSummary};
use leptos::prelude::*;

use super::api::{TeamCreate, team_list};
use crate::{
    forms::{FormState, PostForm},
    profile::IfPermitted,
    ui::{
        Badge, EmptyState, FilterForm, PageHead, Paging, SearchBox, TextField, Tone, count,
        load_part, query_string, use_query,
    },
};

/// The page at `/teams`.
#[component]
pub(crate) fn TeamListPage() -> impl IntoView {
    let query = use_query();
    let after = query.get("after").to_owned();
    let query = query.get("query").trim().to_owned();
    let teams = async move {
        let page = team_list(query.clone(), after.clone()).await?;
        Ok::<_, AppError>((query, after, page))
    };
    view! {
        <PageHead title="Teams" lead="Groups of members that share memories." />
        {load_part(teams, |(query, after, page)| show(query, &after, page))}
        <IfPermitted permission=Permission::TeamManage>
            <Create />
        </IfPermitted>
    }
    .into_any()
}

fn show(query: String, after: &str, page: Page<TeamSummary>) -> AnyView {
    let first = after.is_empty();
    if page.items.is_empty() && first && query.is_empty() {
        return view! {
            <EmptyState title="No teams yet" text="Members of a team can view the memories shared with it.">
                <a class="button" href="/members">"View members"</a>
            </EmptyState>
        }
        .into_any();
    }
    let newest = format!("/teams{}", query_string(&[("query", &query)]));
    let older = page.next.map(|next| {
        format!(
            "/teams{}",
            query_string(&[("query", &query), ("after", &next)])
        )
    });
    view! {
        <FilterForm path="/teams" label="Search teams" class="filters-main">
            <SearchBox
                label="Search teams"
                placeholder="Team name"
                value=query
                max_chars=100
                act="Search"
            />
        </FilterForm>
        {if page.items.is_empty() {
            view! {
                <EmptyState title="No results" text="Try a different name.">
                    <a class="button" href="/teams">"Show all teams"</a>
                </EmptyState>
            }
                .into_any()
        } else {
            view! { <TeamTable teams=page.items /> }.into_any()
        }}
        <Paging newest=newest older=older first=first by_name=true />
    }
    .into_any()
}

#[component]
fn TeamTable(teams: Vec<TeamSummary>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Team"</th>
                        <th scope="col" class="optional">"Leads"</th>
                        <th scope="col" class="number col-status">"Members"</th>
                    </tr>
                </thead>
                <tbody>
                    {teams
                        .into_iter()
                        .map(|team| {
                            let leads = if team.leads.is_empty() {
                                view! { <span class="muted">"–"</span> }.into_any()
                            } else {
                                team.leads.join(", ").into_any()
                            };
                            view! {
                                <tr>
                                    <td>
                                        <div class="cell-line">
                                            <a class="row-title" dir="auto" href=format!("/teams/{}", team.id)>{team.name}</a>
                                            {team.is_own.then(|| view! { <Badge tone=Tone::Neutral text="Your team" /> })}
                                        </div>
                                    </td>
                                    <td class="optional wrap" dir="auto">{leads}</td>
                                    <td class="number">{count(team.member_count)}</td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn Create() -> impl IntoView {
    let state = FormState::<TeamCreate>::new();
    view! {
        <section class="section" aria-labelledby="create">
            <h2 id="create">"New team"</h2>
            <PostForm state=state class="row-form">
                <TextField
                    name="name"
                    label="Name"
                    value=state.typed("name", "")
                    error=state.field_error("name")
                />
                <button type="submit" class="button">"Create team"</button>
            </PostForm>
        </section>
    }
}
