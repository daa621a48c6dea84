//! Protection against cross-site request forgery (SEC-B4).

use axum::http::{HeaderMap, Method, header, request::Parts};

use super::Site;

pub(super) const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Reason why a request is considered cross-site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CrossSite {
    /// `Sec-Fetch-Site` names another site.
    FetchSite,
    /// `Origin` is another origin.
    Origin,
    /// Neither header is present.
    Unproven,
}

impl CrossSite {
    /// Name in the log and the audit row.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::FetchSite => "sec_fetch_site",
            Self::Origin => "origin",
            Self::Unproven => "no_origin",
        }
    }
}

/// Accepts reads, and writes from our own pages.
///
/// Also accepts a write without a cookie but with its own credential (an API
/// key, a client secret), because a browser would not attach that on behalf of
/// another site.
pub(crate) fn check(site: &Site, parts: &Parts) -> Result<(), CrossSite> {
    let headers = &parts.headers;
    if is_read(&parts.method) {
        return Ok(());
    }
    if headers.contains_key(SEC_FETCH_SITE) {
        return match single_value(headers, SEC_FETCH_SITE) {
            // `none` means a navigation by the user: a typed URL, a bookmark.
            Some("same-origin" | "none") => Ok(()),
            _ => Err(CrossSite::FetchSite),
        };
    }
    if headers.contains_key(header::ORIGIN) {
        return match single_value(headers, header::ORIGIN.as_str()) {
            Some(origin) if origin == site.origin() => Ok(()),
            _ => Err(CrossSite::Origin),
        };
    }
    let has_credential =
        headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-api-key");
    if has_credential && !headers.contains_key(header::COOKIE) {
        Ok(())
    } else {
        Err(CrossSite::Unproven)
    }
}

/// True for safe methods (RFC 9110).
pub(crate) fn is_read(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// The value of a header that occurs exactly once.
fn single_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn verdict(method: &str, headers: &[(&str, &str)]) -> Result<(), CrossSite> {
        let site = Site::new("https://atrium.example".parse().unwrap()).unwrap();
        let mut request = Request::builder().method(method).uri("/api/anything");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&site, &request.body(()).unwrap().into_parts().0)
    }

    // SEC-B4
    #[test]
    fn sec_fetch_site_takes_precedence_over_origin() {
        const ORIGIN: (&str, &str) = ("origin", "https://atrium.example");
        for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
            assert_eq!(
                verdict(method, &[("sec-fetch-site", "same-origin")]),
                Ok(())
            );
            assert_eq!(verdict(method, &[("sec-fetch-site", "none")]), Ok(()));
            assert_eq!(verdict(method, &[ORIGIN]), Ok(()));
            for site in ["cross-site", "same-site", "", "SAME-ORIGIN", "anything"] {
                // A matching origin does not override `Sec-Fetch-Site`.
                assert_eq!(
                    verdict(method, &[("sec-fetch-site", site), ORIGIN]),
                    Err(CrossSite::FetchSite)
                );
            }
            for origin in [
                "https://evil.example",
                "null",
                "http://atrium.example",
                "https://atrium.example.evil.example",
                "https://atrium.example:8443",
                "",
            ] {
                assert_eq!(
                    verdict(method, &[("origin", origin)]),
                    Err(CrossSite::Origin),
                    "{origin}"
                );
            }
            assert_eq!(
                verdict(
                    method,
                    &[
                        ("sec-fetch-site", "same-origin"),
                        ("sec-fetch-site", "cross-site")
                    ]
                ),
                Err(CrossSite::FetchSite)
            );
            assert_eq!(
                verdict(method, &[ORIGIN, ("origin", "https://evil.example")]),
                Err(CrossSite::Origin)
            );
            assert_eq!(verdict(method, &[]), Err(CrossSite::Unproven));
            assert_eq!(
                verdict(method, &[("cookie", "a=b")]),
                Err(CrossSite::Unproven)
            );
        }
    }

    #[test]
    fn credential_without_cookie_is_accepted() {
        assert_eq!(
            verdict("POST", &[("authorization", "Bearer atr_x")]),
            Ok(())
        );
        assert_eq!(verdict("POST", &[("x-api-key", "atr_x")]), Ok(()));
        assert_eq!(
            verdict(
                "POST",
                &[("authorization", "Bearer atr_x"), ("cookie", "a=b")]
            ),
            Err(CrossSite::Unproven)
        );
        assert_eq!(
            verdict(
                "POST",
                &[
                    ("authorization", "Bearer atr_x"),
                    ("sec-fetch-site", "cross-site")
                ]
            ),
            Err(CrossSite::FetchSite)
        );
    }

    #[test]
    fn reads_are_accepted() {
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(verdict(method, &[("sec-fetch-site", "cross-site")]), Ok(()));
        }
    }
}
