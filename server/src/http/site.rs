//! The public URL of Atrium.

use url::{Host, Origin, Url};

/// The public URL. Cookies, redirects and the origin check depend only on it,
/// never on a request's headers.
#[derive(Clone, Debug)]
pub struct Site {
    url: Url,
    origin: Origin,
}

/// A public URL that would send sessions unencrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "public_url: use https, or http with 127.0.0.1, [::1] or localhost; {0} would send sessions in the clear."
)]
pub struct SiteError(String);

impl Site {
    /// Validates the configured public URL.
    ///
    /// # Errors
    /// For plain http, except on loopback.
    pub fn new(url: Url) -> Result<Self, SiteError> {
        let is_safe = match url.scheme() {
            "https" => true,
            "http" => is_loopback(&url),
            _ => false,
        };
        if is_safe {
            Ok(Self {
                origin: url.origin(),
                url,
            })
        } else {
            Err(SiteError(url.to_string()))
        }
    }

    /// Scheme, host and port, as in the `Origin` header.
    pub fn origin(&self) -> String {
        self.origin.ascii_serialization()
    }

    /// True if the site uses https, so that cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// True if the site is on loopback.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// True if `url` is absolute and of this origin.
    pub fn owns(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin() == self.origin)
    }

    /// True if `origin` is this site's, or an alias of it on loopback.
    pub fn is_ours(&self, origin: &str) -> bool {
        let host = origin.strip_prefix("http://");
        self.owns(origin) || host.is_some_and(|host| self.canonical(host, "/").is_some())
    }

    /// The absolute URL of `path`, which must begin with a slash.
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(p, query)| (p, Some(query)));
        url.set_path(path);
        url.set_query(query);
        url
    }

    /// True if the `Host` header is acceptable. Strict only on loopback: any
    /// website can make its own name resolve to 127.0.0.1 and would then be
    /// same-origin.
    pub fn accepts_host(&self, host: &str) -> bool {
        !self.is_loopback()
            || Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_loopback(&url))
    }

    /// The URL to redirect a browser to if it uses an alias of this loopback
    /// site: cookies of `localhost` are not sent to `127.0.0.1`.
    pub fn canonical(&self, host: &str, path_and_query: &str) -> Option<Url> {
        let requested = Url::parse(&format!("http://{host}/")).ok()?;
        let is_alias = self.url.scheme() == "http"
            && self.is_loopback()
            && is_loopback(&requested)
            && requested.host() != self.url.host()
            && requested.port_or_known_default() == self.url.port_or_known_default();
        is_alias.then(|| self.at(path_and_query))
    }
}

/// True if the URL's host is loopback.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str) -> Result<Site, SiteError> {
        Site::new(Url::parse(url).unwrap())
    }

    #[test]
    fn plain_http_is_allowed_only_on_loopback() {
        for url in [
            "https://atrium.example",
            "http://127.0.0.1:3000",
            "http://[::1]:1",
            "http://localhost:3000",
        ] {
            assert!(site(url).is_ok(), "{url}");
        }
        for url in [
            "http://atrium.example",
            "http://10.0.0.1",
            "http://localhost.evil.example",
            "ftp://localhost",
        ] {
            assert!(site(url).is_err(), "{url}");
        }
    }

    #[test]
    fn owns_only_its_origin() {
        let site = site("https://atrium.example").unwrap();
        assert!(site.owns("https://atrium.example/a?b"));
        assert!(site.owns("https://atrium.example:443/"));
        for other in [
            "http://atrium.example/",
            "https://atrium.example:8443/",
            "https://a.atrium.example/",
            "null",
            "/a",
        ] {
            assert!(!site.owns(other), "{other}");
        }
    }

    #[test]
    fn loopback_site_rejects_foreign_hosts_and_redirects_aliases() {
        let local = site("http://127.0.0.1:3000").unwrap();
        assert!(local.accepts_host("localhost:3000"));
        assert!(!local.accepts_host("evil.example:3000"));
        assert!(!local.accepts_host(""));
        assert_eq!(
            local
                .canonical("localhost:3000", "/memories?query=a")
                .unwrap()
                .as_str(),
            "http://127.0.0.1:3000/memories?query=a"
        );
        assert_eq!(local.canonical("127.0.0.1:3000", "/"), None);
        assert_eq!(local.canonical("localhost:4000", "/"), None);
        let public = site("https://atrium.example").unwrap();
        assert!(public.accepts_host("backend.internal"));
        assert_eq!(public.canonical("localhost", "/"), None);
    }
}
