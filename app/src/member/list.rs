//! The list of members.

use domain::{
    ActorKind, AppError, Permission,
    bulk::BulkChoice,
    member::{MemberListInput, MemberSummary, UserStatus},
    role::RoleRef,
    team::TeamRef,
};
use leptos::prelude::*;

use super::{
    api::{MembersData, member_list},
    parts::{KindBadge, StatusBadge, joined, kind_label},
    query::{from_params, is_filtered, path, starting_after},
};
use crate::{
    profile::IfPermitted,
    ui::{
        Choice, EmptyState, FilterForm, Glyph, Icon, PageHead, Paging, SearchBox, SelectField,
        Time, load_page, use_query,
    },
};

/// The page at `/members`.
#[component]
pub(crate) fn MemberListPage() -> impl IntoView {
    let query = from_params(&use_query());
    let data = async move {
        let data = member_list(query.clone()).await?;
        Ok::<_, AppError>((query, data))
    };
    load_page(data, |(query, data)| show(query, data))
}

fn show(query: MemberListInput, data: MembersData) -> impl IntoView {
    let MembersData {
        page,
        roles,
        teams,
        choices,
    } = data;
    let newest = path(&starting_after(&query, None));
    let older = page
        .next
        .map(|next| path(&starting_after(&query, Some(next))));
    let first = query.after.is_none();
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
        <Filters query=query roles=roles teams=teams />
        {if page.items.is_empty() {
            view! {
                <EmptyState title="No results" text="Remove a filter or clear all.">
                    <a class="button" href="/members">"Show all members"</a>
                </EmptyState>
            }
                .into_any()
        } else {
            view! { <SelectableMembers members=page.items choices=choices /> }.into_any()
        }}
        <Paging newest=newest older=older first=first by_name=true />
    }
}

#[component]
fn Filters(query: MemberListInput, roles: Vec<RoleRef>, teams: Vec<TeamRef>) -> impl IntoView {
    let filtered = is_filtered(&query);
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
            <div class="filters-main">
                <SearchBox
                    label="Search members"
                    placeholder="Name, email or handle"
                    value=query.query
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
                    <SelectField name="status" label="Status" choices=statuses value=query.status />
                    <SelectField name="role" label="Role" choices=roles value=query.role />
                    <SelectField name="team" label="Team" choices=teams value=query.team />
                    <SelectField name="kind" label="Kind" choices=kinds value=query.kind />
                    {filtered.then(|| view! { <a class="button button-quiet" href="/members">"Clear filters"</a> })}
                </div>
            </details>
        </FilterForm>
    }
}

/// Members as rows; if bulk actions are available, inside a form that leads to
/// their preview.
#[component]
fn SelectableMembers(members: Vec<MemberSummary>, choices: Vec<BulkChoice>) -> impl IntoView {
    if choices.is_empty() {
        return view! { <MemberTable members=members selectable=false /> }.into_any();
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
            <MemberTable members=members selectable=true />
            <div class="row-form">
                <SelectField name="act" label="With selected members" choices=actions value="" />
                <button type="submit" class="button">"Review changes"</button>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn MemberTable(members: Vec<MemberSummary>, selectable: bool) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table class="members">
                <thead>
                    <tr>
                        {selectable.then(|| view! { <th scope="col" class="col-tick"><span class="visually-hidden">"Select"</span></th> })}
                        <th scope="col">"Member"</th>
                        <th scope="col" class="optional col-roles">"Roles"</th>
                        <th scope="col" class="optional col-teams">"Teams"</th>
                        <th scope="col" class="col-status">"Status"</th>
                        <th scope="col" class="optional col-time">"Last seen"</th>
                    </tr>
                </thead>
                <tbody>
                    {members.into_iter().map(|member| view! { <MemberRow member=member selectable=selectable /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn MemberRow(member: MemberSummary, selectable: bool) -> impl IntoView {
    let tick = selectable.then(|| {
        let label = format!("Select {}", member.display_name);
        view! {
            <td class="col-tick">
                <label class="tick-target">
                    <input type="checkbox" name="ids" value=member.id.to_string() aria-label=label autocomplete="off" />
                </label>
            </td>
        }
    });
    view! {
        <tr>
            {tick}
            <td>
                <div class="cell-line">
                    <a class="row-title" dir="auto" href=format!("/members/{}", member.id)>{member.display_name}</a>
                    <KindBadge kind=member.kind />
                    {member.email.map(|email| view! { <span class="row-excerpt">{email}</span> })}
                </div>
            </td>
            <td class="optional"><div class="cell-line">{joined(&member.roles)}</div></td>
            <td class="optional col-teams"><div class="cell-line">{joined(&member.teams)}</div></td>
            <td><StatusBadge status=member.status /></td>
            <td class="optional col-time">
                {match member.last_seen_at {
                    Some(at) => view! { <Time at=at /> }.into_any(),
                    None => view! { <span class="muted">"Never"</span> }.into_any(),
                }}
            </td>
        </tr>
    }
}
