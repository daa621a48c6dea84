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

impl Assets {
    /// Identifies the build: pages of different builds do not share islands.
    fn build(&self) -> &str {
        let name = self.wasm.rsplit('/').next().unwrap_or_default();
        name.trim_end_matches(".wasm")
            .rsplit('-')
            .next()
            .unwrap_or_default()
    }
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
    // Outside of islands nothing is hydrated, so no data is sent for it.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    let now = use_context::<service::Ctx>().map(|ctx| ctx.clock.now());
    let now = now.map(|now| (now.unix_timestamp_nanos() / 1_000_000).to_string());
    let loader = format!(
        "import * as atrium from {:?};\nconst wasm = {:?};\n{LOADER}",
        assets.js, assets.wasm
    );
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.key() data-now=now data-build=assets.build().to_owned()>
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
                <script type="speculationrules" nonce=nonce.clone()>
                    {PREFETCH}
                </script>
                <script type="module" nonce=nonce>
                    {loader}
                </script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Starts the islands: hydrates those of the page, and those of regions that a
/// behaviour replaces later. Styles then show what needs scripts, and browser
/// tests wait for it. If a file cannot be loaded the page stays as it is, which
/// works without scripts.
const LOADER: &str = r#"const hydrated = new WeakSet();
const hydrate = () => {
  for (const island of document.querySelectorAll("leptos-island")) {
    if (hydrated.has(island)) continue;
    hydrated.add(island);
    const name = island.dataset.component;
    if (name in atrium) atrium[name](island);
    else console.error(`There is no code for the island ${name}.`);
  }
};
const start = () => {
  atrium.start();
  hydrate();
  addEventListener("atrium:replaced", hydrate);
  document.documentElement.dataset.hydrated = "";
};
atrium.default({ module_or_path: wasm }).then(start, (error) => console.warn(error));"#;

/// Prefetches the page of a link when the pointer rests on it (speculation
/// rules), except where a request has an effect: it signs in or out, downloads,
/// runs checks, or is recorded, such as reading somebody's private memories.
const PREFETCH: &str = r#"{"prefetch":[{"eagerness":"moderate","where":{"and":[
{"href_matches":"/*"},
{"not":{"href_matches":["/auth/*","/api/*","/sign-in*","/invite/*","/isolation","/memories/export*","/members/*/break-glass*","/members/bulk*"]}},
{"not":{"selector_matches":"[download],[rel~=external]"}}]}}]}"#;

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
    use super::{PREFETCH, content_security_policy};

    #[test]
    fn pages_whose_requests_have_effects_are_not_prefetched() {
        let rules: serde_json::Value = serde_json::from_str(PREFETCH).unwrap();
        let excluded = &rules["prefetch"][0]["where"]["and"][1]["not"]["href_matches"];
        let excluded = excluded.as_array().unwrap();
        for path in ["/auth/*", "/isolation", "/members/*/break-glass*"] {
            assert!(excluded.contains(&path.into()), "{path}");
        }
    }

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
