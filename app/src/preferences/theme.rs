//! Light or dark: as the system says, or as the person chose. The server
//! renders the choice, so that nothing flashes.

use domain::{AppError, preferences::Theme};
#[cfg(feature = "ssr")]
use domain::{Permission, preferences::DisplaySettings};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::api;

/// What the browser remembers; the system's where it remembers nothing.
#[cfg(feature = "ssr")]
fn remembered(headers: &axum::http::HeaderMap) -> Theme {
    headers
        .get_all(axum::http::header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .find_map(|pair| pair.trim().strip_prefix("theme="))
        .and_then(Theme::from_key)
        .unwrap_or_default()
}

/// The colours of the page that answers this request: what the member chose,
/// in whatever browser, or else what this browser remembers.
#[cfg(feature = "ssr")]
pub(crate) fn theme_of(parts: &axum::http::request::Parts) -> Theme {
    let chosen = parts
        .extensions
        .get::<DisplaySettings>()
        .and_then(|shown| shown.theme);
    chosen.unwrap_or_else(|| remembered(&parts.headers))
}

/// Has the browser remember the colours for a year, for pages before signing
/// in.
#[cfg(feature = "ssr")]
pub(super) fn remember(theme: Theme) {
    use axum::http::{HeaderValue, header::SET_COOKIE};

    let max_age = if theme == Theme::System {
        0
    } else {
        31_536_000
    };
    let cookie = format!(
        "theme={}; Path=/; Max-Age={max_age}; SameSite=Lax; HttpOnly",
        theme.key()
    );
    if let (Some(response), Ok(value)) = (
        use_context::<leptos_axum::ResponseOptions>(),
        HeaderValue::from_str(&cookie),
    ) {
        response.append_header(SET_COOKIE, value);
    }
}

/// Keeps the choice: for the member, where one is signed in, and in this
/// browser.
#[server(endpoint = "theme_set")]
pub(crate) async fn theme_set(theme: Theme) -> Result<Theme, AppError> {
    // Who may keep nothing of their own has the browser remember it alone.
    if let Ok((ctx, actor)) = api::caller()
        && actor.permissions.contains(&Permission::ProfileManage)
    {
        service::theme_set(&ctx, &actor, theme).await?;
    }
    remember(theme);
    Ok(theme)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    fn request(cookies: &[&str]) -> axum::http::request::Parts {
        let mut request = axum::http::Request::builder();
        for cookie in cookies {
            request = request.header("cookie", *cookie);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_cookie_is_found_among_others_and_junk_means_system() {
        let of = |cookies: &[&str]| theme_of(&request(cookies));
        assert_eq!(of(&["a=b; theme=dark", "x=y"]), Theme::Dark);
        assert_eq!(of(&["a=b", "theme=light"]), Theme::Light);
        assert_eq!(of(&["theme=\"><script>"]), Theme::System);
        assert_eq!(of(&[]), Theme::System);
    }

    #[test]
    fn what_the_member_chose_counts_before_what_the_browser_remembers() {
        let mut parts = request(&["theme=dark"]);
        parts.extensions.insert(DisplaySettings {
            theme: Some(Theme::Light),
            ..DisplaySettings::default()
        });
        assert_eq!(theme_of(&parts), Theme::Light);
        parts.extensions.insert(DisplaySettings::default());
        assert_eq!(theme_of(&parts), Theme::Dark);
    }
}
