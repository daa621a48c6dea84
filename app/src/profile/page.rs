//! The profile page: account, preferences, sessions and permissions.

use domain::{
    Permission,
    profile::{Profile, Session},
};
use leptos::prelude::*;

use super::{
    api::{ProfileData, SessionRevoke, SessionRevokeOthers, profile_get},
    parts::SessionTable,
};
use crate::{
    break_glass::BreakGlassReports,
    forms::{FormState, PostForm},
    preferences::{Preferences, PreferencesUpdate},
    start::Page,
    ui::{Confirm, CopyId, PageHead, load_part},
};

/// The page at `/profile`.
#[component]
pub(crate) fn ProfilePage() -> impl IntoView {
    let data = profile_get();
    view! {
        <PageHead title="Profile" lead="Your account, permissions and sessions." />
        {load_part(data, show)}
        <p class="muted small">{format!("Atrium {}", Page::get().info(|info| info.version.clone()))}</p>
    }
    .into_any()
}

fn show(data: ProfileData) -> impl IntoView {
    let update = FormState::<PreferencesUpdate>::new();
    view! {
        <Account profile=data.profile.clone() />
        <BreakGlassReports reports=data.readers />
        <Preferences state=update data=data.preferences />
        <Sessions sessions=data.sessions />
        <Permissions permissions=data.profile.permissions />
    }
}

#[component]
fn Account(profile: Profile) -> impl IntoView {
    let join_or_none = |list: Vec<String>| {
        if list.is_empty() {
            "None".to_owned()
        } else {
            list.join(", ")
        }
    };
    view! {
        <section class="section" aria-labelledby="account">
            <h2 id="account">"Account"</h2>
            <dl class="facts">
                <div><dt>"Name"</dt><dd dir="auto">{profile.display_name}</dd></div>
                <div>
                    <dt>"Email"</dt>
                    <dd>{profile.email.unwrap_or_else(|| "Not provided by your identity provider".to_owned())}</dd>
                </div>
                <div><dt>"Organisation"</dt><dd dir="auto">{profile.tenant_name}</dd></div>
                <div><dt>"Roles"</dt><dd>{join_or_none(profile.roles)}</dd></div>
                <div><dt>"Teams"</dt><dd>{join_or_none(profile.teams)}</dd></div>
                <div><dt>"ID"</dt><dd><CopyId id=profile.user_id.to_string() what="member" /></dd></div>
            </dl>
        </section>
    }
}

#[component]
fn Sessions(sessions: Vec<Session>) -> impl IntoView {
    let end_one = FormState::<SessionRevoke>::new();
    let end_others = FormState::<SessionRevokeOthers>::new();
    let has_others = sessions.iter().any(|session| !session.is_current);
    view! {
        <section class="section" aria-labelledby="sessions">
            <div class="section-head">
                <div>
                    <h2 id="sessions">"Sessions"</h2>
                    <p class="muted">"Browsers where you are signed in. Sign out of anything you don’t recognise."</p>
                </div>
                {has_others.then(|| {
                    view! {
                        <PostForm state=end_others class="inline-form">
                            <Confirm
                                id="end-sessions"
                                label="Sign out everywhere else…"
                                class=""
                                title="Sign out everywhere else?"
                                act="Sign out everywhere else"
                            >
                                <p>"Ends all your sessions except this one. Work that was not saved in them is lost."</p>
                            </Confirm>
                        </PostForm>
                    }
                })}
            </div>
            // One form for all rows: the pressed button names the session.
            <PostForm state=end_one>
                <SessionTable sessions=sessions />
            </PostForm>
        </section>
    }
}

#[component]
fn Permissions(permissions: Vec<Permission>) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="permissions">
            <h2 id="permissions">"Permissions"</h2>
            <ul class="plain-list">
                {permissions
                    .into_iter()
                    .map(|permission| {
                        view! {
                            <li>
                                <span>{permission.sentence()}</span>
                                <code class="muted">{permission.key()}</code>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </section>
    }
}
