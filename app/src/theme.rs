//! Light or dark: as the system says, or as the person chose. The choice
//! lives in a cookie, so that the server renders it and nothing flashes.
#![cfg_attr(
    feature = "ssr",
    expect(clippy::unused_async, reason = "server functions are async")
)]

use domain::AppError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All choices, in the switch's order.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// As a form's value, in the cookie, and in `data-theme`.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The name on the switch.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    #[cfg(feature = "ssr")]
    fn from_key(key: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|theme| theme.key() == key)
            .unwrap_or_default()
    }

    /// The choice that came with the request; the system's where none did.
    #[cfg(feature = "ssr")]
    pub(crate) fn of_request(parts: &axum::http::request::Parts) -> Self {
        parts
            .headers
            .get_all(axum::http::header::COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .find_map(|pair| pair.trim().strip_prefix("theme="))
            .map(Self::from_key)
            .unwrap_or_default()
    }
}

/// Keeps the choice for a year.
#[server(endpoint = "theme_set")]
pub(crate) async fn theme_set(theme: Theme) -> Result<Theme, AppError> {
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
    Ok(theme)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::Theme;

    fn of(cookies: &[&str]) -> Theme {
        let mut request = axum::http::Request::builder();
        for cookie in cookies {
            request = request.header("cookie", *cookie);
        }
        Theme::of_request(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn the_cookie_is_found_among_others_and_junk_means_system() {
        assert_eq!(of(&["a=b; theme=dark", "x=y"]), Theme::Dark);
        assert_eq!(of(&["a=b", "theme=light"]), Theme::Light);
        assert_eq!(of(&["theme=\"><script>"]), Theme::System);
        assert_eq!(of(&[]), Theme::System);
    }
}
