//! Creating an agent or a service, with its roles and its first key.

use domain::{Permission, api_key::ServiceAccountChoices};
use leptos::prelude::*;

use super::{
    api::{ServiceAccountCreate, service_account_choices_get},
    new::{Check, Checks, CreatedKey, KeyFields},
};
use crate::{
    connect::connect_get,
    forms::{FormState, PostForm},
    ui::{Choice, PageHead, SelectField, TextField, load_page, page_for},
};

/// Precedes the names of the key's fields in errors.
const KEY_FIELD: &str = "key.";

const UP: (&str, &str) = ("/keys/services", "Agents and services");

/// Permissions that most programs need.
const SCOPES: [Permission; 1] = [Permission::MemoryRead];

/// The page at `/keys/services/new`.
#[component]
pub(crate) fn ServiceNewPage() -> impl IntoView {
    page_for(Permission::ApiKeyManage, || {
        let data = async { Ok((service_account_choices_get().await?, connect_get().await?)) };
        load_page(data, show)
    })
}

fn show((choices, address): (ServiceAccountChoices, String)) -> impl IntoView {
    let state = FormState::<ServiceAccountCreate>::new();
    match state.answer().and_then(|created| created.key) {
        Some(created) => view! { <CreatedKey created=created address=address up=UP /> }.into_any(),
        None => view! { <NewForm choices=choices /> }.into_any(),
    }
}

#[component]
fn NewForm(choices: ServiceAccountChoices) -> impl IntoView {
    let state = FormState::<ServiceAccountCreate>::new();
    let ServiceAccountChoices { roles, scopes } = choices;
    let kinds = vec![
        Choice::new("service", "Service"),
        Choice::new("agent", "AI agent"),
    ];
    // Without a role, a key has no permissions.
    let has_key = state
        .typed_all("with_key")
        .is_none_or(|typed| !typed.is_empty());
    let may_assign = !roles.is_empty();
    let chosen = state.typed_all("roles[]").unwrap_or_default();
    let roles = roles
        .into_iter()
        .map(|role| Check {
            is_checked: chosen.contains(&role.id.to_string()),
            value: role.id.to_string(),
            label: role.name,
            key: role.key,
        })
        .collect::<Vec<_>>();
    view! {
        <PageHead
            title="New agent or service"
            lead="Service accounts authenticate with API keys and can do what their roles allow."
            up=UP
        />
        <PostForm state=state class="form">
            <TextField
                name="name"
                label="Name"
                hint="For example “Nightly export”."
                value=state.typed("name", "")
                error=state.field_error("name")
            />
            <SelectField
                name="kind"
                label="Kind"
                choices=kinds
                value=state.typed("kind", "service")
                error=state.field_error("kind")
            />
            {if may_assign {
                view! {
                    <Checks
                        name="roles"
                        legend="Roles"
                        checks=roles
                        error=state.field_error("roles")
                    />
                    <h2>"First key"</h2>
                    <label class="check">
                        <input type="checkbox" name="with_key" value="true" checked=has_key />
                        <span>"Create a key now"</span>
                    </label>
                    <KeyFields state=state offered=scopes
                        caption="Key name" label="" scopes=&SCOPES parent=KEY_FIELD />
                }
                    .into_any()
            } else {
                view! {
                    <p class="muted">
                        "You can’t assign roles. Ask somebody who can to give it one, then create its key."
                    </p>
                }
                    .into_any()
            }}
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Create"</button>
                <a class="button button-quiet" href=UP.0>"Cancel"</a>
            </div>
        </PostForm>
    }
    .into_any()
}
