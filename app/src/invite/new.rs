//! Inviting people, and showing the links once.

use domain::{
    access::SystemRole,
    invite::{InviteChoices, InviteLink},
};
use leptos::prelude::*;

use super::{
    api::{InviteCreate, invite_choices_get},
    parts::{Reveal, RevealMany, day_choices},
};
use crate::{
    forms::{FormState, PostForm},
    ui::{Choice, PageHead, SelectField, TextArea, load_page},
};

/// The page at `/invites/new`.
#[component]
pub(crate) fn InviteNewPage() -> impl IntoView {
    let choices = invite_choices_get();
    load_page(choices, show)
}

fn show(choices: InviteChoices) -> impl IntoView {
    let state = FormState::<InviteCreate>::new();
    match state.answer().map(<[InviteLink; 1]>::try_from) {
        Some(Ok([made])) => view! { <Reveal made=made /> }.into_any(),
        Some(Err(made)) => view! { <RevealMany made=made /> }.into_any(),
        None => view! { <NewForm choices=choices /> }.into_any(),
    }
}

#[component]
fn NewForm(choices: InviteChoices) -> impl IntoView {
    let state = FormState::<InviteCreate>::new();
    let member = choices
        .roles
        .iter()
        .find(|role| role.key == SystemRole::Member.key())
        .map_or_else(String::new, |role| role.id.to_string());
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
            "One per line, or separated by commas. Each gets a link by email. Leave empty for one link to send yourself."
        }
        (true, false) => "One per line, or separated by commas. Each gets a link by email.",
        (false, _) => {
            "One per line, or separated by commas. You get a link for each to send yourself. Anyone with a link can join."
        }
    };
    let domains = (!choices.domains.is_empty()).then(|| {
        let domains = choices.domains.join(", ");
        view! { <p class="muted small">"You can only invite addresses on these domains: " {domains} "."</p> }
    });
    view! {
        <PageHead
            title="Invite people"
            lead="Creates single-use links to join your organisation."
            up=("/invites", "Invites")
        />
        <PostForm state=state class="form">
            <TextArea
                name="emails"
                label="Email addresses"
                hint=hint
                rows=4
                optional=true
                value=state.typed("emails", "")
                error=state.field_error("emails")
            />
            {domains}
            <SelectField
                name="role"
                label="Role"
                hint="You can assign roles up to your own permissions."
                choices=roles
                value=state.typed("role", &member)
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
                <button type="submit" class="button button-primary">"Create invites"</button>
                <a class="button button-quiet" href="/invites">"Cancel"</a>
            </div>
        </PostForm>
    }
}
