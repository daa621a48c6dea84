//! One invite: its grants, its status, renewing its link, and revoking it.

use domain::{
    InviteId,
    invite::{Invite, InviteStatus},
};
use leptos::prelude::*;

use super::{
    api::{InviteRenew, InviteRevoke, invite_get},
    parts::{InviteBadge, Reveal, addressee, day_choices},
};
use crate::{
    forms::{FormState, PostForm},
    ui::{Confirm, CopyId, PageHead, SelectField, Time, load_page, path_id},
};

/// The page at `/invites/{id}`.
#[component]
pub(crate) fn InvitePage() -> impl IntoView {
    let id = path_id::<InviteId>("id");
    let data = async move { invite_get(id?).await };
    load_page(data, show)
}

fn show(invite: Invite) -> impl IntoView {
    let answer = FormState::<InviteRenew>::new().answer();
    match answer {
        Some(made) => view! { <Reveal made=made /> }.into_any(),
        None => view! { <Details invite=invite /> }.into_any(),
    }
}

#[component]
fn Details(invite: Invite) -> impl IntoView {
    let is_open = matches!(invite.status, InviteStatus::Pending | InviteStatus::Expired);
    let is_from_operator = invite.invited_by.is_none();
    let id = invite.id;
    let role = invite
        .role
        .as_ref()
        .map(|role| (format!("/roles/{}", role.id), role.name.clone()));
    let team = invite
        .team
        .as_ref()
        .map(|team| (format!("/teams/{}", team.id), team.name.clone()));
    view! {
        <PageHead
            title=addressee(invite.email.as_deref())
            lead="The link can’t be shown again. Create a new one if it’s lost."
            up=("/invites", "Invites")
        />
        <section class="section" aria-labelledby="facts">
            <h2 id="facts">"About this invite"</h2>
            <dl class="facts">
                <div><dt>"Status"</dt><dd><InviteBadge invite=invite.clone() /></dd></div>
                <div><dt>"Role"</dt><dd dir="auto"><NameLink to=role otherwise="None" /></dd></div>
                <div><dt>"Team"</dt><dd dir="auto"><NameLink to=team otherwise="None" /></dd></div>
                <div>
                    <dt>"Invited by"</dt>
                    <dd dir="auto">{invite.invited_by.clone().unwrap_or_else(|| "The operator of this installation".to_owned())}</dd>
                </div>
                <div><dt>"Created"</dt><dd><Time at=invite.created_at /></dd></div>
                <div><dt>"Expires"</dt><dd><Time at=invite.expires_at /></dd></div>
                {invite
                    .accepted_by
                    .clone()
                    .zip(invite.accepted_at)
                    .map(|(who, at)| {
                        view! { <div><dt>"Accepted"</dt><dd><span dir="auto">{who}</span> ", " <Time at=at /></dd></div> }
                    })}
                <div><dt>"ID"</dt><dd><CopyId id=id.to_string() what="invite" /></dd></div>
            </dl>
        </section>
        {match (is_open, is_from_operator) {
            (true, false) => view! { <Renew id=id /> <Revoke id=id addressee=addressee(invite.email.as_deref()) /> }.into_any(),
            (true, true) => {
                view! { <p class="muted">"Only the operator of this installation can renew or revoke this invite."</p> }
                    .into_any()
            }
            _ => ().into_any(),
        }}
    }
}

/// A link to a role or team, or a text if there is none.
#[component]
fn NameLink(to: Option<(String, String)>, otherwise: &'static str) -> impl IntoView {
    match to {
        Some((href, name)) => view! { <a href=href>{name}</a> }.into_any(),
        None => view! { <span class="muted">{otherwise}</span> }.into_any(),
    }
}

#[component]
fn Renew(id: InviteId) -> impl IntoView {
    let state = FormState::<InviteRenew>::new();
    view! {
        <section class="section" aria-labelledby="renew">
            <h2 id="renew">"New link"</h2>
            <p class="muted">"The old link stops working. The invite is then issued by you and limited to your permissions."</p>
            <PostForm state=state class="form">
                <input type="hidden" name="id" value=id.to_string() />
                <SelectField
                    name="days"
                    label="Expires in"
                    choices=day_choices()
                    value=state.typed("days", "7")
                    error=state.field_error("days")
                />
                <div class="form-actions">
                    <button type="submit" class="button">"Create new link"</button>
                </div>
            </PostForm>
        </section>
    }
}

#[component]
fn Revoke(id: InviteId, addressee: String) -> impl IntoView {
    let state = FormState::<InviteRevoke>::new();
    view! {
        <section class="section" aria-labelledby="revoke">
            <h2 id="revoke">"Revoke"</h2>
            <PostForm state=state>
                <input type="hidden" name="id" value=id.to_string() />
                <Confirm
                    id="revoke-invite"
                    label="Revoke invite…"
                    title=format!("Revoke the invite of {addressee}?")
                    act="Revoke invite"
                >
                    <p>"The link stops working. This can’t be undone."</p>
                </Confirm>
            </PostForm>
        </section>
    }
}
