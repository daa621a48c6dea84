//! One key: its permissions, its use, and revoking it.

use domain::{
    ApiKeyId, Permission,
    api_key::{ApiKeyDetail, ApiKeyState},
};
use leptos::prelude::*;

use super::{
    api::{ApiKeyRevoke, api_key_get},
    parts::{KeyStateBadge, TimeOr, kind_label, vendor_label},
};
use crate::{
    clock::page_now,
    forms::{FormState, PostForm},
    ui::{Badge, Confirm, CopyId, PageHead, Time, Tone, load_page, path_id},
};

/// The page at `/keys/{id}`.
#[component]
pub(crate) fn KeyPage() -> impl IntoView {
    let id = path_id::<ApiKeyId>("id");
    let data = async move { api_key_get(id?).await };
    load_page(data, show)
}

fn show(detail: ApiKeyDetail) -> impl IntoView {
    let ApiKeyDetail {
        key,
        effective,
        is_own,
    } = detail;
    let is_active = key.state(page_now()) == ApiKeyState::Active;
    let owner = if is_own {
        "You".to_owned()
    } else {
        format!(
            "{} ({})",
            key.owner_name,
            kind_label(key.owner_kind).to_lowercase()
        )
    };
    let lead = if is_own {
        "Anyone with this key can act as you, with the permissions below."
    } else {
        "Anyone with this key can act as its owner, with the permissions below."
    };
    view! {
        <PageHead title=key.label.clone() lead=lead up=("/keys", "API keys") />
        <section class="section" aria-labelledby="facts">
            <h2 id="facts">"About this key"</h2>
            <dl class="facts">
                <div><dt>"Status"</dt><dd><KeyStateBadge key=key.clone() /></dd></div>
                <div><dt>"Prefix"</dt><dd><code>{key.prefix.clone()}</code></dd></div>
                <div><dt>"Acts as"</dt><dd dir="auto">{owner}</dd></div>
                <div><dt>"Client"</dt><dd>{vendor_label(key.vendor)}</dd></div>
                <div><dt>"Last used"</dt><dd><TimeOr at=key.last_used_at otherwise="Never" /></dd></div>
                <div><dt>"Created"</dt><dd><Time at=key.created_at /></dd></div>
                <div><dt>"Expires"</dt><dd><TimeOr at=key.expires_at otherwise="Never" /></dd></div>
                {key
                    .revoked_at
                    .map(|at| view! { <div><dt>"Revoked"</dt><dd><Time at=at /></dd></div> })}
                <div><dt>"ID"</dt><dd><CopyId id=key.id.to_string() what="key" /></dd></div>
            </dl>
        </section>
        <Scopes scopes=key.scopes effective=effective is_active=is_active />
        {is_active.then(|| view! { <Revoke id=key.id label=key.label /> })}
    }
}

#[component]
fn Scopes(scopes: Vec<Permission>, effective: Vec<Permission>, is_active: bool) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="scopes">
            <h2 id="scopes">"Permissions"</h2>
            <ul class="plain-list">
                {scopes
                    .into_iter()
                    .map(|permission| {
                        let is_ineffective = is_active && !effective.contains(&permission);
                        view! {
                            <li>
                                <span>{permission.sentence()}</span>
                                <span class="cell-line">
                                    {is_ineffective
                                        .then(|| {
                                            view! {
                                                <Badge tone=Tone::Warning text="Inactive: owner lacks this permission" />
                                            }
                                        })}
                                    <code class="muted">{permission.key()}</code>
                                </span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </section>
    }
}

/// Asks for confirmation: programs that use the key stop working at once.
#[component]
fn Revoke(id: ApiKeyId, label: String) -> impl IntoView {
    let state = FormState::<ApiKeyRevoke>::new();
    view! {
        <section class="section" aria-labelledby="revoke">
            <h2 id="revoke">"Revoke"</h2>
            <PostForm state=state>
                <input type="hidden" name="id" value=id.to_string() />
                <Confirm id="revoke-key" label="Revoke key…" title=format!("Revoke “{label}”?") act="Revoke key">
                    <p>"Programs that use this key are blocked from their next request. This can’t be undone."</p>
                </Confirm>
            </PostForm>
        </section>
    }
}
