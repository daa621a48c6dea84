//! The list of members.

use domain::{
    ActorKind, AppError, Page, Permission,
    bulk::BulkChoice,
    member::{MemberListInput, MemberSummary, UserStatus},
    role::RoleRef,
    team::TeamRef,
};
use leptos::prelude::*;

use super::{
    api::{MembersData, member_list},
    parts::{KindBadge, StatusBadge, joined, kind_label},
};
use crate::{
    profile::IfPermitted,
    ui::{
        Choice, Column, EmptyState, FilterForm, Glyph, Icon, ListKind, ListUrl, PageHead,
        SearchBox, SelectField, Time, list_input, list_view, load_page,
    },
};

const LIST: ListKind = ListKind {
    class: "members",
    nouns: ("member", "members"),
    default_sort: "name",
    export: "members",
};

/// The page at `/members`.
#[component]
pub(crate) fn MemberListPage() -> impl IntoView {
    let list = list_input::<MemberListInput>();
    let data = async move {
        let (url, input) = list?;
        let data = member_list(input).await?;
        Ok::<_, AppError>((url, data))
    };
    load_page(data, |(url, data)| show(&url, data))
}

fn show(url: &ListUrl, data: MembersData) -> impl IntoView + use<> {
    let MembersData {
        page,
        roles,
        teams,
        choices,
    } = data;
    view! {
        <PageHead
            title="Members"
            lead="Everyone who belongs to the organisation: people, agents and services."
        >
            <IfPermitted permission=Permission::MemberInvite>
                <a class="button button-primary" href="/invites/new">
                    <Glyph icon=Icon::Plus />
                    "Invite people"
                </a>
            </IfPermitted>
        </PageHead>
        <Filters url=url.clone() roles=roles teams=teams />
        {members(url, page, choices)}
    }
}

#[component]
fn Filters(url: ListUrl, roles: Vec<RoleRef>, teams: Vec<TeamRef>) -> impl IntoView {
    let filtered = url.is_filtered();
    let [query, status, role, team, kind] =
        ["query", "status", "role", "team", "kind"].map(|name| url.get(name).to_owned());
    let sort = url.sort_field();
    let any = |label: &str| std::iter::once(Choice::new("", label));
    let statuses = any("Any status")
        .chain(
            UserStatus::ALL
                .iter()
                .map(|status| Choice::new(status.key(), status.label())),
        )
        .collect();
    let roles = any("Any role")
        .chain(
            roles
                .into_iter()
                .map(|role| Choice::new(role.key, role.name)),
        )
        .collect();
    let teams = any("Any team")
        .chain(
            teams
                .into_iter()
                .map(|team| Choice::new(team.id.to_string(), team.name)),
        )
        .collect();
    let kinds = any("Any kind")
        .chain(
            [
                ActorKind::Human,
                ActorKind::Agent,
                ActorKind::SubAgent,
                ActorKind::Service,
            ]
            .map(|kind| Choice::new(kind.key(), kind_label(kind).unwrap_or("Person"))),
        )
        .collect();
    view! {
        <FilterForm path="/members" label="Search members" class="filters">
            {sort}
            <div class="filters-main">
                <SearchBox
                    label="Search members"
                    placeholder="Name, email or handle"
                    value=query
                    max_chars=200
                    act="Search"
                />
            </div>
            <details class="fold" open=filtered>
                <summary>
                    <Glyph icon=Icon::ChevronRight />
                    "Filters"
                </summary>
                <div class="filters-more">
                    <SelectField name="status" label="Status" choices=statuses value=status />
                    <SelectField name="role" label="Role" choices=roles value=role />
                    <SelectField name="team" label="Team" choices=teams value=team />
                    <SelectField name="kind" label="Kind" choices=kinds value=kind />
                    {filtered.then(|| view! { <a class="button button-quiet" href="/members">"Clear filters"</a> })}
                </div>
            </details>
        </FilterForm>
    }
}

/// Members as rows; if bulk actions are available, inside a form that leads to
/// their preview.
fn members(url: &ListUrl, page: Page<MemberSummary>, choices: Vec<BulkChoice>) -> AnyView {
    let may_select = !choices.is_empty() && !page.items.is_empty();
    let mut columns = columns();
    if may_select {
        let selection = Column::selection(|member: &MemberSummary| {
            (member.id.to_string(), member.display_name.clone())
        });
        columns.insert(0, selection);
    }
    let empty = view! {
        <EmptyState title="No members yet" text="People appear here when they sign in or accept an invite.">
            <a class="button" href="/invites">"Invites"</a>
        </EmptyState>
    };
    let list = list_view(LIST, url, page, &columns, empty);
    if !may_select {
        return list;
    }
    let actions = std::iter::once(Choice::new("", "Bulk action"))
        .chain(
            choices
                .into_iter()
                .map(|choice| Choice::new(choice.key, choice.label)),
        )
        .collect();
    view! {
        <form method="get" action="/members/bulk" class="bulk" aria-label="Bulk actions">
            {list}
            <div class="selection-bar">
                <p class="needs-script" role="status" data-selected-count="">"None selected"</p>
                <SelectField name="act" label="With selected members" choices=actions value="" />
                <button type="submit" class="button">"Review changes"</button>
            </div>
        </form>
    }
    .into_any()
}

fn columns() -> Vec<Column<MemberSummary>> {
    vec![
        Column::new("Member", |member: &MemberSummary| {
            let email = member.email.clone();
            view! {
                <div class="cell-line">
                    <a class="row-title" dir="auto" href=format!("/members/{}", member.id)>
                        {member.display_name.clone()}
                    </a>
                    <KindBadge kind=member.kind />
                    {email.map(|email| view! { <span class="row-excerpt">{email}</span> })}
                </div>
            }
        })
        .ascending("name"),
        Column::new("Roles", |member: &MemberSummary| {
            view! { <div class="cell-line">{joined(&member.roles)}</div> }
        })
        .class("optional col-roles"),
        Column::new("Teams", |member: &MemberSummary| {
            view! { <div class="cell-line">{joined(&member.teams)}</div> }
        })
        .class("optional col-teams"),
        Column::new(
            "Status",
            |member: &MemberSummary| view! { <StatusBadge status=member.status /> },
        )
        .class("col-status")
        .ascending("status"),
        Column::new("Last seen", |member: &MemberSummary| {
            match member.last_seen_at {
                Some(at) => view! { <Time at=at /> }.into_any(),
                None => view! { <span class="muted">"Never"</span> }.into_any(),
            }
        })
        .class("optional col-time")
        .descending("-last_seen_at"),
    ]
}
