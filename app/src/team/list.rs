//! The list of teams.

use domain::{Page, Permission, team::TeamSummary};
use leptos::prelude::*;

use super::api::TeamCreate;
use crate::{
    forms::{FormState, PostForm},
    profile::IfPermitted,
    ui::{
        Badge, Column, EmptyState, FilterForm, ListKind, ListUrl, PageHead, SearchBox, TextField,
        Tone, count, list_view, load_list,
    },
};

const LIST: ListKind = ListKind {
    class: "teams",
    nouns: ("team", "teams"),
    default_sort: "name",
    export: "teams",
};

/// The page at `/teams`.
#[component]
pub(crate) fn TeamListPage() -> impl IntoView {
    view! {
        <PageHead title="Teams" lead="Groups of members that share memories." />
        {load_list::<service::TeamList, _>(|url, page| show(&url, page))}
        <IfPermitted permission=Permission::TeamManage>
            <Create />
        </IfPermitted>
    }
    .into_any()
}

fn show(url: &ListUrl, page: Page<TeamSummary>) -> impl IntoView + use<> {
    let columns = [
        Column::new("Team", |team: &TeamSummary| {
            view! {
                <div class="cell-line">
                    <a class="row-title" dir="auto" href=format!("/teams/{}", team.id)>{team.name.clone()}</a>
                    {team.is_own.then(|| view! { <Badge tone=Tone::Neutral text="Your team" /> })}
                </div>
            }
        })
        .ascending("name"),
        Column::new("Leads", |team: &TeamSummary| {
            if team.leads.is_empty() {
                "–".to_owned()
            } else {
                team.leads.join(", ")
            }
        })
        .class("optional wrap"),
        Column::new("Members", |team: &TeamSummary| count(team.member_count))
            .class("number col-status")
            .descending("-members"),
    ];
    let empty = view! {
        <EmptyState title="No teams yet" text="Members of a team can view the memories shared with it.">
            <a class="button" href="/members">"View members"</a>
        </EmptyState>
    };
    let (query, sort) = (url.get("query").to_owned(), url.sort_field());
    view! {
        <FilterForm path="/teams" label="Search teams" class="filters-main">
            {sort}
            <SearchBox
                label="Search teams"
                placeholder="Team name"
                value=query
                max_chars=100
                act="Search"
            />
        </FilterForm>
        {list_view(LIST, url, page, &columns, empty)}
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
