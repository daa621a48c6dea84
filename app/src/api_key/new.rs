//! Creating a key, and showing it once.

use domain::{
    ActorKind, AppError, Permission, UserId, Vendor,
    api_key::{CreatedApiKey, KeyOwner, NEVER},
};
use leptos::prelude::*;

use super::{
    api::{ApiKeyCreate, api_key_owner},
    parts::vendor_label,
};
use crate::{
    connect::{Setups, connect_get},
    forms::{FormState, PostForm},
    ui::{
        Choice, CopyLine, EmptyState, Glyph, Icon, PageHead, SelectField, TextField, load_page,
        use_query,
    },
};

/// Offered lifetimes in days, the default first.
const LIFETIMES: &[(&str, &str)] = &[
    ("90", "90 days"),
    ("30", "30 days"),
    ("7", "7 days"),
    ("365", "1 year"),
    (NEVER, "Never"),
];

/// The page at `/keys/new`; `?for=` names an agent or a service.
#[component]
pub(crate) fn KeyNewPage() -> impl IntoView {
    let query = use_query();
    let owner = query.get("for").to_owned();
    let data = async move {
        let owner = match owner.as_str() {
            "" => None,
            id => Some(id.parse::<UserId>().map_err(|_| AppError::NotFound)?),
        };
        Ok((api_key_owner(owner).await?, connect_get().await?))
    };
    load_page(data, show)
}

fn show((owner, address): (KeyOwner, String)) -> impl IntoView {
    let state = FormState::<ApiKeyCreate>::new();
    let answer = state.answer();
    match answer {
        Some(created) => view! { <CreatedKey created=created address=address /> }.into_any(),
        None => view! { <NewForm owner=owner /> }.into_any(),
    }
}

#[component]
fn NewForm(owner: KeyOwner) -> impl IntoView {
    let state = FormState::<ApiKeyCreate>::new();
    let is_program = owner.kind != ActorKind::Human;
    let (title, lead) = if is_program {
        (
            format!("New key for {}", owner.name),
            "Anyone with the key can act as this agent or service.",
        )
    } else {
        (
            "New key".to_owned(),
            "Anyone with the key can act as you. Select only the permissions it needs.",
        )
    };
    let lifetimes = LIFETIMES
        .iter()
        .map(|(value, label)| Choice::new(*value, *label))
        .collect();
    let vendors = Vendor::ALL
        .iter()
        .map(|vendor| Choice::new(vendor.key(), vendor_label(*vendor)))
        .collect();
    if owner.offered.is_empty() {
        return view! {
            <PageHead title=title up=("/keys", "API keys") />
            <EmptyState
                title="No permissions available for this key"
                text="A key is limited to permissions that its owner has and that you can assign. Assign a role to its owner first."
            >
                <a class="button" href=format!("/members/{}", owner.id)>"Assign role"</a>
            </EmptyState>
        }
        .into_any();
    }
    view! {
        <PageHead title=title lead=lead up=("/keys", "API keys") />
        <PostForm state=state class="form">
            <input type="hidden" name="owner" value=owner.id.to_string() />
            <TextField
                name="label"
                label="Name"
                hint="Shown to you and your admins, for example “Nightly export”."
                value=state.typed("label", "")
                error=state.field_error("label")
            />
            <SelectField
                name="vendor"
                label="Client"
                hint="Limits the key to memories this client is allowed to read."
                choices=vendors
                value=state.typed("vendor", Vendor::Other.key())
                error=state.field_error("vendor")
            />
            <Scopes offered=owner.offered />
            <SelectField
                name="lifetime"
                label="Expires in"
                hint="Shorter is safer."
                choices=lifetimes
                value=state.typed("lifetime", "90")
                error=state.field_error("lifetime")
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Create key"</button>
                <a class="button button-quiet" href="/keys">"Cancel"</a>
            </div>
        </PostForm>
    }
    .into_any()
}

#[component]
fn Scopes(offered: Vec<Permission>) -> impl IntoView {
    let state = FormState::<ApiKeyCreate>::new();
    let chosen = state.typed_all("scopes[]").unwrap_or_default();
    let error = state.field_error("scopes");
    let is_invalid = error.is_some().then_some("true");
    view! {
        <fieldset
            class="field checks"
            aria-describedby="scopes-error"
            aria-invalid=is_invalid
        >
            <legend>"Permissions"</legend>
            <div id="scopes-error" role="alert">
                {error.map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
            {offered
                .into_iter()
                .map(|permission| {
                    let key = permission.key();
                    let checked = chosen.iter().any(|chosen| chosen == key);
                    view! {
                        <label class="check">
                            <input type="checkbox" name="scopes[]" value=key checked=checked />
                            <span>{permission.sentence()}</span>
                            <code class="muted">{key}</code>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}

/// Shows the new key, which cannot be shown again.
#[component]
fn CreatedKey(
    created: CreatedApiKey,
    /// URL of the MCP endpoint.
    address: String,
) -> impl IntoView {
    let key = created.key.clone();
    let page = format!("/keys/{}", created.id);
    view! {
        <PageHead title="Your new key" lead=created.label up=("/keys", "API keys") is_answer=true />
        <section class="reveal" aria-labelledby="key">
            <h2 id="key">"Copy it now"</h2>
            <p>
                "You won’t be able to see this key again. Store it in a secret manager, never in code or a chat."
            </p>
            <CopyLine text=created.key what="key" />
            <p class="notice">
                <Glyph icon=Icon::Info />
                <span>
                    "Send it with each request as " <code>"Authorization: Bearer …"</code> " or " <code>"X-Api-Key: …"</code>
                    "."
                </span>
            </p>
            <div class="form-actions">
                <a class="button button-primary" href="/keys">"Done"</a>
                <a class="button button-quiet" href=page>"View key"</a>
            </div>
        </section>
        <details>
            <summary>"Connect an AI client with this key"</summary>
            <Setups address=address key=key />
        </details>
    }
}
