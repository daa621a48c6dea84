//! Requests that another site made a browser send (SEC-B4).

use axum::http::{HeaderMap, Method, header, request::Parts};

use super::Site;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Why a request counts as another site's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CrossSite {
    /// The browser says so.
    FetchSite,
    /// The browser's `Origin` is another one.
    Origin,
    /// Neither header is there, so nothing speaks for the request.
    Unproven,
}

impl CrossSite {
    /// For the log and the audit row.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::FetchSite => "sec_fetch_site",
            Self::Origin => "origin",
            Self::Unproven => "no_origin",
        }
    }
}

/// Passes reads, and writes that come from our own pages.
///
/// A write without a cookie that brings its own credential (an API key, a
/// client's secret) passes as well: there is nothing that a browser would add
/// by itself and another site could abuse.
pub(crate) fn check(site: &Site, parts: &Parts) -> Result<(), CrossSite> {
    let headers = &parts.headers;
    if is_read(&parts.method) {
        return Ok(());
    }
    if headers.contains_key(SEC_FETCH_SITE) {
        return match sole(headers, SEC_FETCH_SITE) {
            // `none` is the person: an address typed, a bookmark, a reload.
            Some("same-origin" | "none") => Ok(()),
            _ => Err(CrossSite::FetchSite),
        };
    }
    if headers.contains_key(header::ORIGIN) {
        return match sole(headers, header::ORIGIN.as_str()) {
            Some(origin) if origin == site.origin() => Ok(()),
            _ => Err(CrossSite::Origin),
        };
    }
    let brings_credential =
        headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-api-key");
    if brings_credential && !headers.contains_key(header::COOKIE) {
        Ok(())
    } else {
        Err(CrossSite::Unproven)
    }
}

/// Methods that change nothing (RFC 9110, safe methods).
pub(crate) fn is_read(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// The value of a header that is there exactly once.
fn sole<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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
    fn the_browsers_word_decides_and_its_absence_asks_for_the_origin() {
        const ORIGIN: (&str, &str) = ("origin", "https://atrium.example");
        for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
            assert_eq!(
                verdict(method, &[("sec-fetch-site", "same-origin")]),
                Ok(())
            );
            assert_eq!(verdict(method, &[("sec-fetch-site", "none")]), Ok(()));
            assert_eq!(verdict(method, &[ORIGIN]), Ok(()));
            for site in ["cross-site", "same-site", "", "SAME-ORIGIN", "anything"] {
                // A matching origin does not outweigh the browser's word.
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
    fn a_client_with_its_own_credential_and_no_cookie_passes() {
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
    fn reads_pass() {
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(verdict(method, &[("sec-fetch-site", "cross-site")]), Ok(()));
        }
    }
}
