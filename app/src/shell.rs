//! The HTML document around the pages.

use axum::http::{HeaderName, HeaderValue};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;
use serde::Deserialize;

use crate::{AppInfo, preferences::theme_of, routes::App};

/// URLs of the built files, with hashed names; the build writes them to
/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Assets {
    /// The JavaScript module that loads the wasm file.
    pub js: String,
    pub wasm: String,
    pub css: String,
}

/// Renders the HTML document and sets its Content-Security-Policy header with
/// the nonce of this response.
pub fn shell(assets: &Assets) -> impl IntoView + use<> {
    let nonce = use_nonce();
    let info = use_context::<AppInfo>().unwrap_or_default();
    if let (Some(nonce), Some(response)) = (
        nonce.as_deref(),
        use_context::<leptos_axum::ResponseOptions>(),
    ) {
        let policy = content_security_policy(nonce, &info.form_targets);
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.insert_header(HeaderName::from_static("content-security-policy"), policy);
        }
    }
    let theme = use_context::<axum::http::request::Parts>()
        .map(|parts| theme_of(&parts))
        .unwrap_or_default();
    let start = format!(
        "import init, {{ hydrate }} from {:?};\ninit({{ module_or_path: {:?} }}).then(hydrate);",
        assets.js, assets.wasm
    );
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.key()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="stylesheet" href=assets.css.clone() />
                <link rel="icon" href="/favicon.ico" type="image/svg+xml" />
                <link rel="modulepreload" href=assets.js.clone() nonce=nonce.clone() />
                <link
                    rel="preload"
                    href=assets.wasm.clone()
                    r#as="fetch"
                    r#type="application/wasm"
                    crossorigin="anonymous"
                />
                <script type="module" nonce=nonce>
                    {start}
                </script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

fn content_security_policy(nonce: &str, form_targets: &[String]) -> String {
    let form_action = form_targets
        .iter()
        .fold("'self'".to_owned(), |all, origin| format!("{all} {origin}"));
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
         object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action {form_action}"
    )
}

#[cfg(test)]
mod tests {
    use super::content_security_policy;

    // SEC-B6
    #[test]
    fn the_policy_allows_no_inline_code_and_no_other_host() {
        let policy = content_security_policy("n0nce", &["https://issuer.example".to_owned()]);
        assert!(!policy.contains("unsafe-inline"), "{policy}");
        assert!(!policy.contains("'unsafe-eval'"), "{policy}");
        assert!(policy.contains("'nonce-n0nce'"), "{policy}");
        for directive in [
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(
            policy.ends_with("form-action 'self' https://issuer.example"),
            "{policy}"
        );
    }
}
