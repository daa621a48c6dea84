//! Who am I, what may I do, and where am I signed in.

use domain::{
    Permission,
    profile::{Profile, Session},
};
use leptos::prelude::*;

use super::api::{ProfileData, SessionRevoke, SessionRevokeOthers, profile_get};
use crate::{
    forms::{FormState, PostForm},
    start::Page,
    ui::{Badge, CopyId, Loaded, PageHead, Time, Tone},
};

/// The page at `/profile`.
#[component]
pub(crate) fn ProfilePage() -> impl IntoView {
    let end_one = FormState::<SessionRevoke>::new();
    let end_others = FormState::<SessionRevokeOthers>::new();
    provide_context(end_one);
    provide_context(end_others);
    let (one, others) = (end_one.done(), end_others.done());
    let data = Resource::new(move || (one.get(), others.get()), |_| profile_get());
    view! {
        <PageHead title="Profile" lead="Who you are here, what you may do, and where you are signed in." />
        <Loaded resource=data view=show />
        <p class="muted small">{format!("Atrium {}", Page::get().version.get_value())}</p>
    }
    .into_any()
}

fn show(data: ProfileData) -> impl IntoView {
    view! {
        <Account profile=data.profile.clone() />
        <Sessions sessions=data.sessions />
        <Permissions held=data.profile.permissions />
    }
}

#[component]
fn Account(profile: Profile) -> impl IntoView {
    let none = |list: Vec<String>| {
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
                    <dt>"E-mail"</dt>
                    <dd>{profile.email.unwrap_or_else(|| "Not given by your identity provider".to_owned())}</dd>
                </div>
                <div><dt>"Organisation"</dt><dd dir="auto">{profile.tenant_name}</dd></div>
                <div><dt>"Roles"</dt><dd>{none(profile.roles)}</dd></div>
                <div><dt>"Teams"</dt><dd>{none(profile.teams)}</dd></div>
                <div><dt>"Id"</dt><dd><CopyId id=profile.user_id.to_string() what="member" /></dd></div>
            </dl>
        </section>
    }
}

#[component]
fn Sessions(sessions: Vec<Session>) -> impl IntoView {
    let end_one = expect_context::<FormState<SessionRevoke>>();
    let end_others = expect_context::<FormState<SessionRevokeOthers>>();
    let others = sessions.iter().any(|session| !session.is_current);
    view! {
        <section class="section" aria-labelledby="sessions">
            <div class="section-head">
                <div>
                    <h2 id="sessions">"Sessions"</h2>
                    <p class="muted">"Browsers in which you are signed in. End what you don’t recognise."</p>
                </div>
                {others.then(|| {
                    view! {
                        <PostForm state=end_others class="inline-form">
                            <button type="submit" class="button">"End all others"</button>
                        </PostForm>
                    }
                })}
            </div>
            // One form for all rows: the button that is pressed names the session.
            <PostForm state=end_one>
                <div class="table-frame">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">"Browser"</th>
                                <th scope="col" class="optional">"Address"</th>
                                <th scope="col">"Last used"</th>
                                <th scope="col" class="optional">"Signed in"</th>
                                <th scope="col" class="optional">"Ends at the latest"</th>
                                <th scope="col" class="narrow"><span class="visually-hidden">"Action"</span></th>
                            </tr>
                        </thead>
                        <tbody>
                            {sessions.into_iter().map(|session| view! { <SessionRow session=session /> }).collect_view()}
                        </tbody>
                    </table>
                </div>
            </PostForm>
        </section>
    }
}

#[component]
fn SessionRow(session: Session) -> impl IntoView {
    let agent = session.user_agent.clone().unwrap_or_default();
    let browser = browser_name(&agent);
    let label = format!("End the session in {browser}");
    view! {
        <tr>
            <td title=agent>
                <span class="cell-line cell-wrap">
                    {browser}
                    {session.is_current.then(|| view! { <Badge tone=Tone::Accent text="This browser" /> })}
                </span>
            </td>
            <td class="optional">{session.ip.unwrap_or_else(|| "Unknown".to_owned())}</td>
            <td><Time at=session.last_seen_at /></td>
            <td class="optional"><Time at=session.created_at /></td>
            <td class="optional"><Time at=session.absolute_expires_at /></td>
            <td class="narrow">
                {(!session.is_current)
                    .then(|| {
                        view! {
                            <button
                                type="submit"
                                name="id"
                                value=session.id.to_string()
                                class="button button-small"
                                aria-label=label
                            >
                                "End"
                            </button>
                        }
                    })}
            </td>
        </tr>
    }
}

#[component]
fn Permissions(held: Vec<Permission>) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="permissions">
            <h2 id="permissions">"What you may do"</h2>
            <ul class="plain-list">
                {held
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

/// Browser and system in a few words, from what the browser calls itself.
fn browser_name(agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    // The order matters: most browsers also name the ones that they resemble.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Headless Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser_name;

    #[test]
    fn browsers_are_told_apart_from_those_that_they_resemble() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36 Edg/131.0";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1";
        assert_eq!(browser_name(edge), "Edge on Windows");
        assert_eq!(browser_name(phone), "Safari on iPhone");
        assert_eq!(
            browser_name("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"),
            "Firefox on Linux"
        );
        assert_eq!(browser_name(""), "Unknown browser");
    }
}
