//! One member: account, roles and teams with their sources, and the actions on
//! them.

use domain::{
    RoleId, UserId,
    audit::AuditEntry,
    member::{BlockedReason, HeldRole, HeldTeam, Member, MemberChange, MemberDetail, UserStatus},
    role::{RoleRef, RoleSource},
    team::TeamRole,
};
use leptos::prelude::*;

use super::{
    access::{Keys, Sessions},
    api::{MemberRoleGrant, MemberRoleRevoke, MemberStatusChange, member_get},
    parts::{StatusBadge, kind_label},
};
use crate::{
    audit::AuditRows,
    break_glass::BreakGlassSection,
    forms::{FormState, PostForm},
    ui::{
        Badge, Choice, Confirm, CopyId, Glyph, Icon, ListUrl, PageHead, SelectField, Time, Tone,
        load_page, path_id, query_string,
    },
};

/// The page at `/members/{id}`.
#[component]
pub(crate) fn MemberPage() -> impl IntoView {
    let id = path_id("id");
    let data = async move { member_get(id?).await };
    load_page(data, show)
}

fn show(detail: MemberDetail) -> impl IntoView {
    let MemberDetail {
        member,
        is_self,
        grantable,
        blocked_reason,
        sessions,
        keys,
        break_glass,
        audit,
    } = detail;
    let name = member.display_name.clone();
    let changed = member.clone();
    let (id, status) = (member.id, member.status);
    let lead = member.email.clone().unwrap_or_default();
    view! {
        <PageHead title=member.display_name.clone() lead=lead up=("/members", "Members")>
            <StatusButtons member=changed blocked_reason=blocked_reason />
        </PageHead>
        <StatusNotice status=status blocked_reason=blocked_reason is_self=is_self />
        <Details member=member.clone() is_self=is_self />
        <Roles id=id name=name.clone() roles=member.roles grantable=grantable is_last_owner=member.is_last_owner />
        <Teams teams=member.teams />
        {break_glass.map(|standing| view! { <BreakGlassSection id=id name=name.clone() standing=standing /> })}
        {sessions.map(|sessions| view! { <Sessions id=id name=name.clone() sessions=sessions /> })}
        {keys.map(|keys| view! { <Keys id=id keys=keys /> })}
        {audit.map(|entries| view! { <RecentAudit id=id entries=entries /> })}
    }
}

/// Buttons to suspend, deactivate or reactivate the member.
#[component]
fn StatusButtons(member: Member, blocked_reason: Option<BlockedReason>) -> impl IntoView {
    let state = FormState::<MemberStatusChange>::new();
    let (id, name) = (member.id, member.display_name);
    let offered: &[MemberChange] = match (member.status, blocked_reason) {
        (_, Some(_)) => &[],
        (UserStatus::Active | UserStatus::Invited, None) => {
            &[MemberChange::Suspend, MemberChange::Deactivate]
        }
        (UserStatus::Suspended, None) => &[MemberChange::Deactivate, MemberChange::Reactivate],
        (UserStatus::Deactivated, None) => &[MemberChange::Reactivate],
    };
    let form = (!offered.is_empty()).then(|| {
        view! {
            // One form: the pressed button names the change.
            <PostForm state=state class="inline-form">
                <input type="hidden" name="id" value=id.to_string() />
                {offered
                    .iter()
                    .map(|change| view! { <StatusButton change=*change name=name.clone() /> })
                    .collect_view()}
            </PostForm>
        }
    });
    let offboard = blocked_reason
        .is_none()
        .then(|| view! { <a class="button" href=format!("/members/{id}/offboard")>"Offboard"</a> });
    view! {
        {form}
        {offboard}
    }
}

/// Taking access away asks first.
#[component]
fn StatusButton(change: MemberChange, name: String) -> impl IntoView {
    let (label, consequence) = match change {
        MemberChange::Suspend => (
            "Suspend",
            "They are signed out and their API keys are blocked until you reactivate them. Nothing is deleted.",
        ),
        MemberChange::Deactivate => (
            "Deactivate",
            "They are signed out and their API keys are blocked, for members who have left. Nothing is deleted.",
        ),
        MemberChange::Reactivate => {
            return view! {
                <button type="submit" name="change" value=change.key() class="button">"Reactivate"</button>
            }
            .into_any();
        }
    };
    view! {
        <Confirm
            id=change.key()
            label=format!("{label}…")
            class=""
            title=format!("{label} {name}?")
            act=format!("{label} member")
            value=("change", change.key().to_owned())
        >
            <p>{consequence}</p>
        </Confirm>
    }
    .into_any()
}

/// Notice about an inactive member, or why the status can't be changed.
#[component]
fn StatusNotice(
    status: UserStatus,
    blocked_reason: Option<BlockedReason>,
    is_self: bool,
) -> impl IntoView {
    let text = match (status, blocked_reason) {
        (UserStatus::Suspended, _) => Some(
            "Suspended. This member can’t sign in, and their API keys are blocked until reactivation.",
        ),
        (UserStatus::Deactivated, _) => {
            Some("Deactivated. This member can’t sign in, and their API keys are blocked.")
        }
        (_, Some(BlockedReason::LastOwner)) if is_self => Some(
            "You are the organisation’s last owner, so you can’t be suspended, deactivated or lose this role. Make another member an owner first.",
        ),
        (_, Some(BlockedReason::LastOwner)) => Some(
            "This is the organisation’s last owner, who can’t be suspended, deactivated or lose this role. Make another member an owner first.",
        ),
        (_, Some(BlockedReason::Owner)) => Some("Only owners can suspend or deactivate an owner."),
        _ => None,
    };
    let is_inactive = matches!(status, UserStatus::Suspended | UserStatus::Deactivated);
    text.map(|text| {
        view! {
            <p class=if is_inactive { "notice notice-warning" } else { "notice" }>
                <Glyph icon=if is_inactive { Icon::Lock } else { Icon::Info } />
                <span>{text}</span>
            </p>
        }
    })
}

#[component]
fn Details(member: Member, is_self: bool) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="account">
            <h2 id="account">"Account"</h2>
            <dl class="facts">
                <div>
                    <dt>"Status"</dt>
                    <dd class="cell-line">
                        <StatusBadge status=member.status />
                        {is_self.then(|| view! { <Badge tone=Tone::Accent text="You" /> })}
                    </dd>
                </div>
                <div><dt>"Kind"</dt><dd>{kind_label(member.kind).unwrap_or("Person")}</dd></div>
                <div>
                    <dt>"Email"</dt>
                    <dd>{member.email.unwrap_or_else(|| "Unknown".to_owned())}</dd>
                </div>
                {member.handle.map(|handle| view! { <div><dt>"Handle"</dt><dd>{handle}</dd></div> })}
                <div>
                    <dt>"Last seen"</dt>
                    <dd>
                        {match member.last_seen_at {
                            Some(at) => view! { <Time at=at /> }.into_any(),
                            None => "Never".into_any(),
                        }}
                    </dd>
                </div>
                <div><dt>"Member since"</dt><dd><Time at=member.created_at /></dd></div>
                <div><dt>"ID"</dt><dd><CopyId id=member.id.to_string() what="member" /></dd></div>
            </dl>
        </section>
    }
}

#[component]
fn Roles(
    id: UserId,
    name: String,
    roles: Vec<HeldRole>,
    grantable: Vec<RoleRef>,
    is_last_owner: bool,
) -> impl IntoView {
    let grant = FormState::<MemberRoleGrant>::new();
    let revoke = FormState::<MemberRoleRevoke>::new();
    let is_grantable = |role: RoleId| grantable.iter().any(|own| own.id == role);
    let manual: Vec<RoleId> = roles
        .iter()
        .filter(|held| held.source == RoleSource::Manual)
        .map(|held| held.role.id)
        .collect();
    let offered: Vec<Choice> = grantable
        .iter()
        .filter(|role| !manual.contains(&role.id))
        .map(|role| Choice::new(role.id.to_string(), role.name.clone()))
        .collect();
    // The empty first choice keeps a role from being granted by accident.
    let choices = (!offered.is_empty()).then(|| {
        let none = std::iter::once(Choice::new("", "Choose a role"));
        none.chain(offered).collect::<Vec<_>>()
    });
    let rows = roles
        .iter()
        .map(|held| {
            let is_guarded = is_last_owner && held.role.key == "owner";
            let is_revocable =
                held.source == RoleSource::Manual && is_grantable(held.role.id) && !is_guarded;
            view! { <RoleRow held=held.clone() name=name.clone() is_revocable=is_revocable /> }
        })
        .collect_view();
    view! {
        <section class="section" aria-labelledby="roles">
            <h2 id="roles">"Roles"</h2>
            {if roles.is_empty() {
                view! { <p class="muted">"No roles. This member can’t do anything yet."</p> }.into_any()
            } else {
                view! {
                    <PostForm state=revoke>
                        <input type="hidden" name="id" value=id.to_string() />
                        <div class="table-frame">
                            <table>
                                <thead>
                                    <tr>
                                        <th scope="col">"Role"</th>
                                        <th scope="col">"Source"</th>
                                        <th scope="col" class="optional col-time">"Assigned"</th>
                                        <th scope="col" class="narrow"><span class="visually-hidden">"Action"</span></th>
                                    </tr>
                                </thead>
                                <tbody>{rows}</tbody>
                            </table>
                        </div>
                    </PostForm>
                }
                    .into_any()
            }}
            {choices
                .map(|choices| {
                    view! {
                        <PostForm state=grant class="row-form">
                            <input type="hidden" name="id" value=id.to_string() />
                            <SelectField
                                name="role"
                                label="Assign role"
                                choices=choices
                                value=grant.typed("role", "")
                                error=grant.field_error("role")
                            />
                            <button type="submit" class="button">"Assign"</button>
                        </PostForm>
                    }
                })}
        </section>
    }
}

#[component]
fn RoleRow(held: HeldRole, name: String, is_revocable: bool) -> impl IntoView {
    let HeldRole {
        role,
        source,
        granted_by,
        granted_at,
    } = held;
    let from = match source {
        RoleSource::Manual => match granted_by {
            Some(name) => format!("Assigned by {name}"),
            None => "Assigned by the system".to_owned(),
        },
        RoleSource::Group => "Directory group".to_owned(),
        RoleSource::AppRole => "Directory app role".to_owned(),
    };
    let label = format!("Remove the role {}", role.name);
    view! {
        <tr>
            <td><span class="strong" dir="auto">{role.name.clone()}</span></td>
            <td class="wrap">{from}</td>
            <td class="optional col-time"><Time at=granted_at /></td>
            <td class="narrow">
                {is_revocable
                    .then(|| {
                        view! {
                            <Confirm
                                id=format!("role-{}", role.id)
                                label="Remove…"
                                name=label
                                class="button-small"
                                title=format!("Remove the role {} from {name}?", role.name)
                                act="Remove role"
                                value=("role", role.id.to_string())
                            >
                                <p>"They lose its permissions on their next request. You can assign it again."</p>
                            </Confirm>
                        }
                    })}
            </td>
        </tr>
    }
}

#[component]
fn Teams(teams: Vec<HeldTeam>) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="teams">
            <h2 id="teams">"Teams"</h2>
            {if teams.is_empty() {
                view! { <p class="muted">"None."</p> }.into_any()
            } else {
                view! {
                    <ul class="plain-list">
                        {teams
                            .into_iter()
                            .map(|team| {
                                view! {
                                    <li>
                                        <a dir="auto" href=format!("/teams/{}", team.id)>{team.name}</a>
                                        {(team.role == TeamRole::Lead)
                                            .then(|| view! { <Badge tone=Tone::Accent text="Lead" /> })}
                                    </li>
                                }
                            })
                            .collect_view()}
                    </ul>
                }
                    .into_any()
            }}
        </section>
    }
}

#[component]
fn RecentAudit(id: UserId, entries: Vec<AuditEntry>) -> impl IntoView {
    let all = format!("/audit{}", query_string(&[("actor", &id.to_string())]));
    view! {
        <section class="section" aria-labelledby="audit">
            <div class="section-head">
                <h2 id="audit">"Recent activity"</h2>
                <a href=all>"View all activity"</a>
            </div>
            {if entries.is_empty() {
                view! { <p class="muted">"No activity yet."</p> }.into_any()
            } else {
                view! { <AuditRows entries=entries url=ListUrl::new("/audit", []) /> }.into_any()
            }}
        </section>
    }
}
