//! A member's access: sessions and API keys.

use domain::{
    UserId,
    api_key::{ApiKey, ApiKeyState},
    profile::Session,
};
use leptos::prelude::*;

use super::api::{MemberKeyRevoke, MemberSessionRevoke, MemberSessionRevokeAll};
use crate::{
    api_key::{KeyStateBadge, TimeOr},
    clock::page_now,
    forms::{FormState, PostForm},
    profile::SessionTable,
    ui::{Confirm, plural},
};

/// Signed-in browsers.
#[component]
pub(super) fn Sessions(id: UserId, name: String, sessions: Vec<Session>) -> impl IntoView {
    let end_one = FormState::<MemberSessionRevoke>::new();
    let end_all = FormState::<MemberSessionRevokeAll>::new();
    let endable = sessions.iter().filter(|session| !session.is_current);
    let count = endable.count();
    view! {
        <section class="section" aria-labelledby="sessions">
            <div class="section-head">
                <h2 id="sessions">"Sessions"</h2>
                {(count > 0)
                    .then(|| {
                        view! {
                            <PostForm state=end_all class="inline-form">
                                <input type="hidden" name="member" value=id.to_string() />
                                <Confirm
                                    id="end-sessions"
                                    label="Sign out everywhere…"
                                    class=""
                                    title=format!("Sign {name} out everywhere?")
                                    act="Sign out everywhere"
                                >
                                    <p>
                                        {format!(
                                            "Ends {}. Work that was not saved is lost. They can sign in again.",
                                            plural(count, "session", "sessions"),
                                        )}
                                    </p>
                                </Confirm>
                            </PostForm>
                        }
                    })}
            </div>
            {if sessions.is_empty() {
                view! { <p class="muted">"No sessions."</p> }.into_any()
            } else {
                view! {
                    <PostForm state=end_one>
                        <input type="hidden" name="member" value=id.to_string() />
                        <SessionTable sessions=sessions />
                    </PostForm>
                }
                    .into_any()
            }}
        </section>
    }
}

/// The member's API keys, newest first.
#[component]
pub(super) fn Keys(id: UserId, keys: Vec<ApiKey>) -> impl IntoView {
    let end_key = FormState::<MemberKeyRevoke>::new();
    view! {
        <section class="section" aria-labelledby="keys">
            <h2 id="keys">"API keys"</h2>
            {if keys.is_empty() {
                view! { <p class="muted">"None."</p> }.into_any()
            } else {
                view! {
                    <PostForm state=end_key>
                        <input type="hidden" name="member" value=id.to_string() />
                        <div class="table-frame">
                            <table class="keys">
                                <thead>
                                    <tr>
                                        <th scope="col">"Key"</th>
                                        <th scope="col" class="optional">"Permissions"</th>
                                        <th scope="col" class="optional">"Last used"</th>
                                        <th scope="col" class="optional">"Expires"</th>
                                        <th scope="col" class="narrow">"Status"</th>
                                        <th scope="col" class="narrow"><span class="visually-hidden">"Action"</span></th>
                                    </tr>
                                </thead>
                                <tbody>{keys.into_iter().map(|key| view! { <KeyRow key=key /> }).collect_view()}</tbody>
                            </table>
                        </div>
                    </PostForm>
                }
                    .into_any()
            }}
        </section>
    }
}

#[component]
fn KeyRow(key: ApiKey) -> impl IntoView {
    let is_active = key.state(page_now()) == ApiKeyState::Active;
    let id = key.id;
    let label = format!("Revoke {}", key.label);
    view! {
        <tr>
            <td>
                <span class="cell-line cell-wrap">
                    <a class="strong" dir="auto" href=format!("/keys/{id}")>{key.label.clone()}</a>
                    <code class="muted">{format!("{}…", key.prefix)}</code>
                </span>
            </td>
            <td class="optional">{plural(key.scopes.len(), "permission", "permissions")}</td>
            <td class="optional"><TimeOr at=key.last_used_at otherwise="Never" /></td>
            <td class="optional"><TimeOr at=key.expires_at otherwise="Never" /></td>
            <td class="narrow"><KeyStateBadge key=key.clone() /></td>
            <td class="narrow">
                {is_active
                    .then(|| {
                        view! {
                            <Confirm
                                id=format!("key-{id}")
                                label="Revoke…"
                                name=label
                                class="button-small"
                                title=format!("Revoke “{}”?", key.label)
                                act="Revoke key"
                                value=("id", id.to_string())
                            >
                                <p>"Programs that use this key are blocked from their next request. This can’t be undone."</p>
                            </Confirm>
                        }
                    })}
            </td>
        </tr>
    }
}
