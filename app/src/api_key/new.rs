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
    forms::{FormCall, FormState, PostForm},
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
        Some(created) => {
            view! { <CreatedKey created=created address=address up=("/keys", "API keys") /> }
                .into_any()
        }
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
            <KeyFields
                state=state
                offered=owner.offered
                caption="Name"
                label=""
                scopes=&[]
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Create key"</button>
                <a class="button button-quiet" href="/keys">"Cancel"</a>
            </div>
        </PostForm>
    }
    .into_any()
}

/// The fields of a new key.
#[component]
pub(super) fn KeyFields<S: FormCall>(
    state: FormState<S>,
    offered: Vec<Permission>,
    /// The label of its name.
    caption: &'static str,
    /// Proposed name.
    label: &'static str,
    /// Proposed permissions.
    scopes: &'static [Permission],
    /// Prefix of the fields' names in errors.
    #[prop(optional)]
    parent: &'static str,
) -> impl IntoView {
    let error = |field: &str| state.field_error(&format!("{parent}{field}"));
    let lifetimes = LIFETIMES
        .iter()
        .map(|(value, label)| Choice::new(*value, *label))
        .collect();
    let vendors = Vendor::ALL
        .iter()
        .map(|vendor| Choice::new(vendor.key(), vendor_label(*vendor)))
        .collect();
    let proposed = || scopes.iter().map(|scope| scope.key().to_owned()).collect();
    let chosen: Vec<String> = state.typed_all("scopes[]").unwrap_or_else(proposed);
    let permissions = offered
        .into_iter()
        .map(|permission| Check {
            value: permission.key().to_owned(),
            label: permission.sentence().to_owned(),
            key: permission.key().to_owned(),
            is_checked: chosen.iter().any(|chosen| chosen == permission.key()),
        })
        .collect();
    view! {
        <TextField
            name="label"
            label=caption
            hint="Shown to you and your admins, for example “Nightly export”."
            value=state.typed("label", label)
            error=error("label")
        />
        <SelectField
            name="vendor"
            label="Client"
            hint="Limits the key to memories this client is allowed to read."
            choices=vendors
            value=state.typed("vendor", Vendor::Other.key())
            error=error("vendor")
        />
        <Checks name="scopes" legend="Permissions" checks=permissions error=error("scopes") />
        <SelectField
            name="lifetime"
            label="Expires in"
            hint="Shorter is safer."
            choices=lifetimes
            value=state.typed("lifetime", "90")
            error=error("lifetime")
        />
    }
}

/// One checkbox of several.
pub(super) struct Check {
    pub(super) value: String,
    pub(super) label: String,
    /// Shown after the label.
    pub(super) key: String,
    pub(super) is_checked: bool,
}

/// Checkboxes of one field.
#[component]
pub(super) fn Checks(
    name: &'static str,
    legend: &'static str,
    checks: Vec<Check>,
    error: Option<String>,
) -> impl IntoView {
    let id = format!("{name}-error");
    let is_invalid = error.is_some().then_some("true");
    view! {
        <fieldset class="field checks" aria-describedby=id aria-invalid=is_invalid>
            <legend>{legend}</legend>
            <div id=format!("{name}-error") role="alert">
                {error.map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
            {checks
                .into_iter()
                .map(|check| {
                    view! {
                        <label class="check">
                            <input type="checkbox" name=format!("{name}[]") value=check.value checked=check.is_checked />
                            <span>{check.label}</span>
                            <code class="muted">{check.key}</code>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}

/// Shows the new key, which cannot be shown again.
#[component]
pub(super) fn CreatedKey(
    created: CreatedApiKey,
    /// URL of the MCP endpoint.
    address: String,
    /// The list that it is in: path and name.
    up: (&'static str, &'static str),
) -> impl IntoView {
    let key = created.key.clone();
    let page = format!("/keys/{}", created.id);
    view! {
        <PageHead title="Your new key" lead=created.label up=up is_answer=true />
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
                <a class="button button-primary" href=up.0>"Done"</a>
                <a class="button button-quiet" href=page>"View key"</a>
            </div>
        </section>
        <details>
            <summary>"Connect an AI client with this key"</summary>
            <Setups address=address key=key />
        </details>
    }
}
