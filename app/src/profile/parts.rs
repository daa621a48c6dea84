//! Components that the profile shares with the page of a member.

use domain::{Permission, profile::Session};
use leptos::prelude::*;

use crate::{
    start::viewer_may,
    ui::{Badge, Time, Tone},
};

/// A table of sessions, for use in a form that ends the session whose button is
/// pressed.
#[component]
pub(crate) fn SessionTable(sessions: Vec<Session>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Browser"</th>
                        <th scope="col" class="optional">"Address"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col" class="optional">"Signed in"</th>
                        <th scope="col" class="optional">"Expires"</th>
                        <th scope="col" class="narrow"><span class="visually-hidden">"Action"</span></th>
                    </tr>
                </thead>
                <tbody>
                    {sessions.into_iter().map(|session| view! { <SessionRow session=session /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn SessionRow(session: Session) -> impl IntoView {
    let agent = session.user_agent.clone().unwrap_or_default();
    let browser = browser_name(&agent);
    let label = format!("Sign out of {browser}");
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
                                "Sign out"
                            </button>
                        }
                    })}
            </td>
        </tr>
    }
}

/// Browser and system in a few words, from the `User-Agent` header.
fn browser_name(agent: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|(token, _)| agent.contains(token))
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
    fn browsers_are_distinguished_from_those_they_resemble() {
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

/// Renders its children for members with `permission`.
#[component]
pub(crate) fn IfPermitted(permission: Permission, children: Children) -> impl IntoView {
    viewer_may(permission).then(children)
}
