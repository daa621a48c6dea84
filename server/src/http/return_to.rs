//! Validation of the path to return to after signing in.

use super::Site;

/// Maximum length in characters.
const MAX_CHARS: usize = 2_000;

/// A path of this site, with query, that is a safe redirect target (SEC-B7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Accepts `text` only if it is a path of this site: no scheme, no other
    /// host in any notation, no control characters, no sign-in page.
    pub fn parse(site: &Site, text: &str) -> Option<Self> {
        if text.chars().count() > MAX_CHARS || has_encoded_control(text) {
            return None;
        }
        let url = on_site(site, text)?;
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        // Returning to a sign-in page would loop.
        let is_sign_in = ["/sign-in", "/auth", "/demo"]
            .iter()
            .any(|start| url.path() == *start || url.path().starts_with(&format!("{start}/")));
        (!is_sign_in).then_some(Self(path))
    }

    /// True if a browser that follows `location` stays on this site: it is a
    /// path of it, signing in included, or an absolute URL of this origin.
    pub(super) fn stays(site: &Site, location: &str) -> bool {
        site.owns(location) || on_site(site, location).is_some()
    }

    /// The start page, `/`.
    pub fn home() -> Self {
        Self("/".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The URL that `text` resolves to, if it is a path of this site.
fn on_site(site: &Site, text: &str) -> Option<url::Url> {
    let is_path = text.starts_with('/')
        && !text.contains('\\')
        && !text.starts_with("//")
        && !text.chars().any(char::is_control)
        && !has_encoded_separator(text);
    if !is_path {
        return None;
    }
    // Finally parse it as a browser does.
    let url = url::Url::parse(&site.origin()).ok()?.join(text).ok()?;
    (site.owns(url.as_str()) && !url.path().starts_with("//")).then_some(url)
}

/// True for percent-encoded control characters, slashes and backslashes in the
/// path, which a later component may decode again.
fn has_encoded_separator(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or(text);
    has_encoded_control(path) || encoded_bytes(path).any(|byte| byte == b'/' || byte == b'\\')
}

fn has_encoded_control(text: &str) -> bool {
    encoded_bytes(text).any(|byte| byte.is_ascii_control())
}

fn encoded_bytes(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.split('%')
        .skip(1)
        .filter_map(|rest| u8::from_str_radix(rest.get(..2)?, 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<String> {
        let site = Site::new("https://atrium.example".parse().unwrap()).unwrap();
        ReturnTo::parse(&site, text).map(|r| r.0)
    }

    // SEC-B7
    #[test]
    fn only_paths_of_this_site_are_accepted() {
        for good in [
            "/",
            "/memories?query=caf%C3%A9&mode=both",
            "/memories/0190-a",
            "/a?next=https://b.example/",
            "/a%20b",
        ] {
            assert_eq!(parse(good).as_deref(), Some(good), "{good}");
        }
        for bad in [
            "",
            "memories",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n",
            "/a\r\nSet-Cookie: a=b",
            "/a\0",
            "/%0d%0aSet-Cookie:a=b",
            "/%00",
            "/a%7f",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,a",
            "/%2f/evil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "/..//evil.example",
            "/./\\evil",
            "/.//evil.example",
            "@evil.example",
            " /a",
            "/\u{85}",
            "/a?b=%0a",
            "/sign-in",
            "/sign-in?error=state",
            "/auth/login",
            "/auth/logout",
            "/auth",
            "/demo/issuer/authorize",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert_eq!(parse(&format!("/{}", "a".repeat(MAX_CHARS))), None);
    }

    #[test]
    fn accepted_paths_resolve_to_this_site() {
        // Tests every string of up to four characters that URL parsers treat
        // specially.
        let alphabet = [
            "/", "\\", ".", "%2f", "%5c", "\t", "@", ":", "?", "#", "a", "\u{0}",
        ];
        let base = url::Url::parse("https://atrium.example").unwrap();
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer: Vec<_> = texts
                .iter()
                .flat_map(|t| alphabet.iter().map(move |c| format!("{t}{c}")))
                .collect();
            for text in &longer {
                if let Some(path) = parse(text) {
                    assert_eq!(
                        base.join(&path).unwrap().origin(),
                        base.origin(),
                        "{text:?} → {path:?}"
                    );
                    assert!(
                        path.starts_with('/') && !path.starts_with("//"),
                        "{text:?} → {path:?}"
                    );
                }
            }
            texts = longer;
        }
    }

    #[test]
    fn non_ascii_is_percent_encoded() {
        assert_eq!(
            parse("/memories?query=été").as_deref(),
            Some("/memories?query=%C3%A9t%C3%A9")
        );
    }
}
