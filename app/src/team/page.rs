//! One team: its members, and the forms to manage it.

use domain::{
    AppError, TeamId, UserId,
    member::{MemberSummary, UserStatus},
    team::{TeamDetail, TeamMember, TeamRole},
};
use leptos::prelude::*;

use super::api::{TeamData, TeamDelete, TeamMemberChange, TeamRename, team_get};
use crate::{
    forms::{FormState, PostForm},
    member::{KindBadge, StatusBadge},
    ui::{
        Badge, Confirm, EmptyState, FilterForm, PageHead, SearchBox, TextField, Time, Tone,
        load_page, path_id, plural, query_string, use_query,
    },
};

/// The page at `/teams/{id}`.
#[component]
pub(crate) fn TeamPage() -> impl IntoView {
    let id = path_id::<TeamId>("id");
    let query = use_query().get("query").trim().to_owned();
    let team = async move {
        let data = team_get(id?, query.clone()).await?;
        Ok::<_, AppError>((query, data))
    };
    load_page(team, |(query, data)| show(query, data))
}

fn show(query: String, data: TeamData) -> impl IntoView {
    let TeamData { team, found } = data;
    let may_manage = team.may_manage;
    let lead = plural(team.member_count, "member", "members");
    view! {
        <PageHead title=team.name.clone() lead=lead up=("/teams", "Teams") />
        <Members team=team.clone() />
        {may_manage.then(|| view! { <AddMember team=team.clone() query=query found=found /> })}
        {may_manage.then(|| view! { <Rename id=team.id name=team.name.clone() /> })}
        {team.shared_memories.map(|shared| view! { <Delete team=team.clone() shared=shared /> })}
    }
}

#[component]
fn Members(team: TeamDetail) -> impl IntoView {
    let state = FormState::<TeamMemberChange>::new();
    let TeamDetail {
        id,
        member_count,
        members,
        may_manage,
        ..
    } = team;
    if members.is_empty() {
        return view! {
            <EmptyState
                title="No members yet"
                text=if may_manage { "Search for members below to add them." } else { "Team leads and administrators can add members." }
            >
                <a class="button" href="/teams">"All teams"</a>
            </EmptyState>
        }
        .into_any();
    }
    let listed_count = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let all = format!("/members{}", query_string(&[("team", &id.to_string())]));
    view! {
        // One form for all rows: the pressed button names the change and the
        // member.
        <PostForm state=state>
            <input type="hidden" name="id" value=id.to_string() />
            <div class="table-frame">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Member"</th>
                            <th scope="col">"Role"</th>
                            <th scope="col" class="optional col-time">"Added"</th>
                            {may_manage.then(|| view! { <th scope="col" class="narrow"><span class="visually-hidden">"Actions"</span></th> })}
                        </tr>
                    </thead>
                    <tbody>
                        {members
                            .into_iter()
                            .map(|member| view! { <MemberRow member=member may_manage=may_manage /> })
                            .collect_view()}
                    </tbody>
                </table>
            </div>
        </PostForm>
        {(listed_count < member_count).then(|| view! { <p><a href=all>"All members of this team"</a></p> })}
    }
    .into_any()
}

#[component]
fn MemberRow(member: TeamMember, may_manage: bool) -> impl IntoView {
    let TeamMember {
        id,
        display_name,
        email,
        kind,
        status,
        role,
        added_at,
        from_issuer,
    } = member;
    let name = display_name.clone();
    view! {
        <tr>
            <td>
                <div class="cell-line">
                    <a class="row-title" dir="auto" href=format!("/members/{id}")>{display_name}</a>
                    <KindBadge kind=kind />
                    {(status != UserStatus::Active).then(|| view! { <StatusBadge status=status /> })}
                    {email.map(|email| view! { <span class="row-excerpt">{email}</span> })}
                </div>
            </td>
            <td><Badge tone=if role == TeamRole::Lead { Tone::Accent } else { Tone::Neutral } text=role.label() />
                {from_issuer.then(|| view! { " " <Badge tone=Tone::Neutral text="From directory group" /> })}
            </td>
            <td class="optional col-time"><Time at=added_at /></td>
            {may_manage.then(|| view! { <td class="narrow"><RowActions id=id name=name role=role from_issuer=from_issuer /></td> })}
        </tr>
    }
}

#[component]
fn RowActions(id: UserId, name: String, role: TeamRole, from_issuer: bool) -> impl IntoView {
    let (button_name, text) = match role {
        TeamRole::Lead => ("member", "Make member"),
        TeamRole::Member => ("lead", "Make lead"),
    };
    view! {
        <div class="row-actions">
            <button
                type="submit"
                name=button_name
                value=id.to_string()
                class="button button-small"
                aria-label=format!("{text}: {name}")
            >
                {text}
            </button>
            {(!from_issuer)
                .then(|| {
                    view! {
                        <Confirm
                            id=format!("leave-{id}")
                            label="Remove…"
                            name=format!("Remove {name} from the team")
                            class="button-small"
                            title=format!("Remove {name} from the team?")
                            act="Remove from team"
                            value=("leave", id.to_string())
                        >
                            <p>"They can no longer view the memories shared with this team. You can add them again."</p>
                        </Confirm>
                    }
                })}
        </div>
    }
}

/// Search for a member, with buttons to add them.
#[component]
fn AddMember(team: TeamDetail, query: String, found: Vec<MemberSummary>) -> impl IntoView {
    let state = FormState::<TeamMemberChange>::new();
    let path = format!("/teams/{}", team.id);
    let has_query = !query.is_empty();
    let member_ids: Vec<UserId> = team.members.iter().map(|member| member.id).collect();
    let rows = found
        .into_iter()
        .filter(|member| member.status != UserStatus::Deactivated)
        .map(|member| {
            let is_member = member_ids.contains(&member.id);
            view! { <CandidateRow member=member is_member=is_member /> }
        })
        .collect::<Vec<_>>();
    view! {
        <section class="section" aria-labelledby="add">
            <h2 id="add">"Add member"</h2>
            <FilterForm path=path label="Search members" class="filters-main">
                <SearchBox
                    label="Search members"
                    placeholder="Name, email or handle"
                    value=query
                    max_chars=200
                    act="Search"
                />
            </FilterForm>
            {match (has_query, rows.is_empty()) {
                (false, _) => ().into_any(),
                (true, true) => view! { <p class="muted">"No members found."</p> }.into_any(),
                (true, false) => view! {
                    <PostForm state=state>
                        <input type="hidden" name="id" value=team.id.to_string() />
                        <ul class="plain-list">{rows}</ul>
                    </PostForm>
                }
                    .into_any(),
            }}
        </section>
    }
}

#[component]
fn CandidateRow(member: MemberSummary, is_member: bool) -> impl IntoView {
    let id = member.id.to_string();
    let name = member.display_name.clone();
    view! {
        <li>
            <span class="cell-line">
                <span dir="auto">{member.display_name}</span>
                <KindBadge kind=member.kind />
                {member.email.map(|email| view! { <span class="muted">{email}</span> })}
            </span>
            {if is_member {
                view! { <span class="muted">"Already in the team"</span> }.into_any()
            } else {
                view! {
                    <span class="row-actions">
                        <button
                            type="submit"
                            name="member"
                            value=id.clone()
                            class="button button-small"
                            aria-label=format!("Add {name} as member")
                        >
                            "Add as member"
                        </button>
                        <button
                            type="submit"
                            name="lead"
                            value=id
                            class="button button-small"
                            aria-label=format!("Add {name} as lead")
                        >
                            "Add as lead"
                        </button>
                    </span>
                }
                    .into_any()
            }}
        </li>
    }
}

#[component]
fn Rename(id: TeamId, name: String) -> impl IntoView {
    let state = FormState::<TeamRename>::new();
    view! {
        <section class="section" aria-labelledby="rename">
            <h2 id="rename">"Name"</h2>
            <PostForm state=state class="row-form">
                <input type="hidden" name="id" value=id.to_string() />
                <TextField
                    name="name"
                    label="Team name"
                    value=state.typed("name", &name)
                    error=state.field_error("name")
                />
                <button type="submit" class="button">"Rename"</button>
            </PostForm>
        </section>
    }
}

/// Says what is lost, and asks for the team's name as confirmation.
#[component]
fn Delete(team: TeamDetail, shared: i64) -> impl IntoView {
    let state = FormState::<TeamDelete>::new();
    let members = plural(team.member_count, "member", "members");
    let memories = match shared {
        0 => "No memories are shared with it.".to_owned(),
        n => format!(
            "{} private to their authors.",
            plural(n, "shared memory becomes", "shared memories become"),
        ),
    };
    view! {
        <section class="section" aria-labelledby="delete">
            <h2 id="delete">"Delete this team"</h2>
            <p class="muted">{format!("Removes {members}. {memories} This can’t be undone.")}</p>
            <PostForm state=state class="row-form">
                <input type="hidden" name="id" value=team.id.to_string() />
                <TextField
                    name="confirm"
                    label="Type the team’s name to confirm"
                    value=state.typed("confirm", "")
                    error=state.field_error("confirm")
                />
                <button type="submit" class="button button-danger">"Delete team"</button>
            </PostForm>
        </section>
    }
}
