//! The setup page: a key for a client, and the configuration of each client.

use domain::Permission;
use leptos::prelude::*;

use super::{
    api::{CLIENT_KEY_DAYS, ConnectClient, ConnectedClient, connect_get},
    setup::{Client, Setup, Setups},
};
use crate::{
    forms::{FormState, PostForm},
    start::viewer_may,
    ui::{CopyLine, Glyph, Icon, PageHead, load_page},
};

/// The page at `/connect`.
#[component]
pub(crate) fn ConnectPage() -> impl IntoView {
    let address = connect_get();
    load_page(address, show)
}

fn show(address: String) -> impl IntoView {
    let state = FormState::<ConnectClient>::new();
    let connected = state
        .answer()
        .and_then(|ConnectedClient { client, created }| {
            Some((Client::from_key(&client)?, created))
        });
    if let Some((client, created)) = connected {
        let page = format!("/keys/{}", created.id);
        let key = created.key.clone();
        return view! {
            <PageHead
                title=format!("Connect {}", client.name())
                lead="You won’t be able to see the key again. Copy the set-up now."
                up=("/connect", "Connect AI clients")
                is_answer=true
            />
            <Setup client=client address=address key=key />
            <section class="reveal" aria-labelledby="key">
                <h2 id="key">"The key alone"</h2>
                <CopyLine text=created.key what="key" />
                <p class="muted">{format!("{}.", access())}</p>
                <div class="form-actions">
                    <a class="button button-primary" href="/connect">"Done"</a>
                    <a class="button button-quiet" href=page>"View key"</a>
                </div>
            </section>
        }
        .into_any();
    }
    let may_create = viewer_may(Permission::ApiKeyOwn) && viewer_may(Permission::MemoryRead);
    view! {
        <PageHead
            title="Connect AI clients"
            lead="Let AI clients read and write memories with your access."
        />
        {may_create.then(|| view! { <ClientForm /> })}
        <section class="section" aria-labelledby="address">
            <h2 id="address">"Manual set-up"</h2>
            <p>
                "Connect any MCP client that supports streamable HTTP and custom headers to this address, with "
                <code>"Authorization: Bearer …"</code> " and one of your API keys:"
            </p>
            <CopyLine text=address.clone() what="address" />
            <p class="notice">
                <Glyph icon=Icon::Info />
                <span>
                    "Create a key for each client with " <code>"memory.read"</code> ", and " <code>"memory.write"</code>
                    " if it should save memories. Replace YOUR_KEY with your key."
                </span>
            </p>
        </section>
        <Setups address=address />
    }
    .into_any()
}

/// Scopes and lifetime of a client's key.
fn access() -> String {
    let verbs = if viewer_may(Permission::MemoryWrite) {
        "read and write"
    } else {
        "read"
    };
    format!("The key can {verbs} memories as you and expires in {CLIENT_KEY_DAYS} days")
}

/// Chooses the client and creates its key.
#[component]
fn ClientForm() -> impl IntoView {
    let state = FormState::<ConnectClient>::new();
    let chosen = state.typed("client", Client::ALL[0].key());
    let choices: Vec<_> = Client::ALL
        .into_iter()
        .map(|client| {
            let key = client.key();
            let checked = chosen == key;
            view! {
                <label class="check">
                    <input type="radio" name="client" value=key checked=checked />
                    <span>{client.name()}</span>
                </label>
            }
        })
        .collect();
    view! {
        <PostForm state=state class="form">
            <fieldset class="field checks" aria-describedby="client-hint client-error">
                <legend>"Client"</legend>
                <div id="client-error" role="alert">
                    {state.field_error("client").map(|text| view! { <p class="field-error">{text}</p> })}
                </div>
                {choices}
            </fieldset>
            <p id="client-hint" class="muted small">
                {format!("{}. You can revoke it at any time.", access())}
            </p>
            <div class="form-actions">
                <button type="submit" class="button button-primary">
                    <Glyph icon=Icon::Key />
                    "Create key and show set-up"
                </button>
                <a class="button button-quiet" href="/keys/new">"Choose permissions"</a>
            </div>
        </PostForm>
    }
}
