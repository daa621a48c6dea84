//! The colour theme: the system's, or a chosen one. The server renders the
//! choice, so that nothing flashes.

use cookie::{Cookie, SameSite};
use domain::{AppError, Permission, preferences::DisplaySettings, preferences::Theme};
use leptos::prelude::*;

use crate::api;

/// The theme in the browser's cookie; the system's without one.
fn theme_from_cookie(headers: &axum::http::HeaderMap) -> Theme {
    headers
        .get_all(axum::http::header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten()
        .find(|cookie| cookie.name() == "theme")
        .and_then(|cookie| Theme::from_key(cookie.value()))
        .unwrap_or_default()
}

/// The theme of the page that responds to this request: the member's choice in
/// any browser, or else this browser's cookie.
pub(crate) fn theme_of(parts: &axum::http::request::Parts) -> Theme {
    let member_theme = parts
        .extensions
        .get::<DisplaySettings>()
        .and_then(|settings| settings.theme);
    member_theme.unwrap_or_else(|| theme_from_cookie(&parts.headers))
}

/// Sets the theme cookie for a year, for pages before signing in.
pub(super) fn remember(theme: Theme) {
    use axum::http::{HeaderValue, header::SET_COOKIE};

    let max_age = if theme == Theme::System {
        time::Duration::ZERO
    } else {
        time::Duration::days(365)
    };
    let cookie = Cookie::build(("theme", theme.key()))
        .path("/")
        .max_age(max_age)
        .same_site(SameSite::Lax)
        .http_only(true);
    if let (Some(response), Ok(value)) = (
        use_context::<leptos_axum::ResponseOptions>(),
        HeaderValue::from_str(&cookie.to_string()),
    ) {
        response.append_header(SET_COOKIE, value);
    }
}

/// Saves the theme for the signed-in member, if any, and in this browser.
#[server(endpoint = "theme_set")]
pub(crate) async fn theme_set(theme: Theme) -> Result<(), AppError> {
    // Without the permission to save preferences, only the cookie is set.
    if let Ok((ctx, actor)) = api::caller()
        && actor.permissions.contains(&Permission::ProfileManage)
    {
        let input = domain::preferences::ThemeInput { theme };
        service::call::<service::ThemeSet>(&ctx, &actor, input).await?;
    }
    remember(theme);
    Ok(())
}

#[cfg(test)]
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
    fn cookie_is_found_among_others_and_invalid_value_means_system() {
        let theme = |cookies: &[&str]| theme_of(&request(cookies));
        assert_eq!(theme(&["a=b; theme=dark", "x=y"]), Theme::Dark);
        assert_eq!(theme(&["a=b", "theme=light"]), Theme::Light);
        assert_eq!(theme(&["theme=\"><script>"]), Theme::System);
        assert_eq!(theme(&[]), Theme::System);
    }

    #[test]
    fn members_choice_overrides_the_cookie() {
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
