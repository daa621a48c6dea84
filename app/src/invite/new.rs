//! Creating an invite, and showing its link once.

use domain::invite::InviteChoices;
use leptos::prelude::*;

use super::{
    api::{InviteCreate, invite_choices_get},
    parts::{Reveal, day_choices},
};
use crate::{
    forms::{FormState, PostForm},
    ui::{Choice, PageHead, SelectField, TextField, load_page},
};

/// The page at `/invites/new`.
#[component]
pub(crate) fn InviteNewPage() -> impl IntoView {
    let choices = invite_choices_get();
    load_page(choices, show)
}

fn show(choices: InviteChoices) -> impl IntoView {
    let state = FormState::<InviteCreate>::new();
    let answer = state.answer();
    match answer {
        Some(made) => view! { <Reveal made=made /> }.into_any(),
        None => view! { <NewForm choices=choices /> }.into_any(),
    }
}

#[component]
fn NewForm(choices: InviteChoices) -> impl IntoView {
    let state = FormState::<InviteCreate>::new();
    let none = |label: &str| std::iter::once(Choice::new("", label));
    let roles = none("No role")
        .chain(
            choices
                .roles
                .into_iter()
                .map(|role| Choice::new(role.id.to_string(), role.name)),
        )
        .collect();
    let teams = none("No team")
        .chain(
            choices
                .teams
                .into_iter()
                .map(|team| Choice::new(team.id.to_string(), team.name)),
        )
        .collect();
    let hint = match (choices.sends_mail, choices.domains.is_empty()) {
        (true, true) => {
            "The link is sent to this address. Leave empty to send it yourself. Anyone with the link can join."
        }
        (true, false) => "The link is sent to this address.",
        (false, _) => {
            "Helps the person sign in with the right account. Anyone with the link can join."
        }
    };
    let domains = (!choices.domains.is_empty()).then(|| {
        let domains = choices.domains.join(", ");
        view! { <p class="muted small">"You can only invite addresses on these domains: " {domains} "."</p> }
    });
    view! {
        <PageHead
            title="Invite people"
            lead="Creates a single-use link to join your organisation."
            up=("/invites", "Invites")
        />
        <PostForm state=state class="form">
            <TextField
                name="email"
                label="Email address"
                hint=hint
                value=state.typed("email", "")
                error=state.field_error("email")
            />
            {domains}
            <SelectField
                name="role"
                label="Role"
                hint="You can assign roles up to your own permissions."
                choices=roles
                value=state.typed("role", "")
                error=state.field_error("role")
            />
            <SelectField
                name="team"
                label="Team"
                choices=teams
                value=state.typed("team", "")
                error=state.field_error("team")
            />
            <SelectField
                name="days"
                label="Expires in"
                choices=day_choices()
                value=state.typed("days", "7")
                error=state.field_error("days")
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Create invite"</button>
                <a class="button button-quiet" href="/invites">"Cancel"</a>
            </div>
        </PostForm>
    }
}
