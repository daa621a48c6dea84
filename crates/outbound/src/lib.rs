//! HTTP client for URLs that members of an organisation configure: a
//! provider's base URL, a webhook (SEC-B8).
//!
//! Such a URL must not lead to this machine, to its networks, or to a cloud's
//! metadata service. It is checked when it is saved ([`Outbound::check`]) and
//! again at each connection: this crate resolves the name once and connects
//! only to the addresses that it checked, so DNS can't change in between.
//! Redirects are followed only within their origin, so that no credential
//! reaches another one.
//!
//! The operator can allow hosts by name, e.g. a model server in the same
//! network.

mod address;

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Client, Method, RequestBuilder, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::{Attempt, Policy},
};
use url::{Host, Url};

/// Maximum length of a URL in characters.
pub const MAX_URL_CHARS: usize = 2_000;

const CONNECT: Duration = Duration::from_secs(5);
const MAX_REDIRECTS: usize = 5;

/// Reason why a URL is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL, or longer than [`MAX_URL_CHARS`].
    #[error("This is not the address of a web service. Begin it with https://.")]
    Malformed,
    /// The scheme is not https.
    #[error("Give an address that begins with https://.")]
    NotHttps,
    /// The URL contains a user name or password.
    #[error("Leave out the user name and the password. A key has a field of its own.")]
    Credentials,
    /// The URL has a query or a fragment, which a base URL can't have.
    #[error("Leave out what comes after ? or #.")]
    MoreThanAPath,
    /// The host is this machine or in its networks.
    #[error(
        "This address leads into the network that this installation stands in. Its operator can allow the host."
    )]
    NotPublic,
    /// DNS knows no address for the host.
    #[error("There is no host of that name.")]
    Unresolved,
}

/// A URL with valid syntax. The address that its host resolves to is checked
/// at each connection.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundUrl(Url);

impl OutboundUrl {
    /// The URL as stored, without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The host of `text` if it is a URL; used to allow the hosts that the
    /// operator configured.
    pub fn host_of(text: &str) -> Option<String> {
        Url::parse(text.trim()).ok()?.host_str().map(str::to_owned)
    }

    /// The URL of `path` below this one.
    pub fn join(&self, path: &str) -> Result<Self, UrlError> {
        let path = path.trim_start_matches('/');
        Url::parse(&format!("{}/{path}", self.as_str()))
            .map(Self)
            .map_err(|_| UrlError::Malformed)
    }
}

impl fmt::Debug for OutboundUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutboundUrl({})", self.as_str())
    }
}

impl fmt::Display for OutboundUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Hosts that the operator allows at any address: names or IP addresses, lower
/// case, without a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Arc<BTreeSet<String>>);

impl AllowedHosts {
    fn contains(&self, host: &str) -> bool {
        self.0.contains(host.trim_matches(['[', ']']))
    }
}

impl<S: AsRef<str>> FromIterator<S> for AllowedHosts {
    fn from_iter<I: IntoIterator<Item = S>>(hosts: I) -> Self {
        let host = |host: S| host.as_ref().trim_matches(['[', ']']).to_lowercase();
        Self(Arc::new(hosts.into_iter().map(host).collect()))
    }
}

/// The HTTP client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: Client,
    allowed: AllowedHosts,
}

impl Outbound {
    /// A client that reaches the public internet and `allowed` hosts. `timeout`
    /// covers a whole request.
    ///
    /// # Errors
    /// If TLS can't be set up.
    pub fn new(allowed: AllowedHosts, timeout: Duration) -> Result<Self, reqwest::Error> {
        let redirects = allowed.clone();
        let client = Client::builder()
            .dns_resolver(Arc::new(CheckedResolver(allowed.clone())))
            .redirect(Policy::custom(move |attempt| follow(attempt, &redirects)))
            // A proxy would resolve names itself, unchecked.
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(timeout)
            .user_agent(concat!("atrium/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, allowed })
    }

    /// Parses a URL and rejects IP addresses that are not public. Does not
    /// resolve names.
    pub fn parse(&self, text: &str) -> Result<OutboundUrl, UrlError> {
        if text.chars().count() > MAX_URL_CHARS {
            return Err(UrlError::Malformed);
        }
        let url = Url::parse(text.trim()).map_err(|_| UrlError::Malformed)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::MoreThanAPath);
        }
        validate_url(&url, &self.allowed)?;
        Ok(OutboundUrl(url))
    }

    /// As [`Outbound::parse`], and also resolves and checks the name. For use
    /// when the URL is saved; each connection checks it again.
    pub async fn check(&self, text: &str) -> Result<OutboundUrl, UrlError> {
        let url = self.parse(text)?;
        if let Some(Host::Domain(name)) = url.0.host() {
            resolve(name, &self.allowed).await?;
        }
        Ok(url)
    }

    /// Starts a request to `url`.
    pub fn request(&self, method: Method, url: &OutboundUrl) -> RequestBuilder {
        self.client.request(method, url.0.clone())
    }
}

/// Reason why a response body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
    /// The body exceeds this many bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

/// Reads the body of `response`, of at most `max` bytes.
pub async fn read_body(mut response: Response, max: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max {
            return Err(BodyError::TooLong(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Checks everything that needs no DNS lookup.
fn validate_url(url: &Url, allowed: &AllowedHosts) -> Result<(), UrlError> {
    let host = url.host().ok_or(UrlError::Malformed)?;
    let is_allowed = url.host_str().is_some_and(|host| allowed.contains(host));
    match url.scheme() {
        "https" => {}
        // A model server in the same network rarely has a certificate.
        "http" if is_allowed => {}
        _ => return Err(UrlError::NotHttps),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    let literal = match host {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    };
    match literal {
        Some(address) if !is_allowed && !address::is_public(address) => Err(UrlError::NotPublic),
        _ => Ok(()),
    }
}

/// Resolves `name` to addresses that are allowed.
async fn resolve(name: &str, allowed: &AllowedHosts) -> Result<Vec<SocketAddr>, UrlError> {
    // The caller sets the port.
    let all: Vec<SocketAddr> = tokio::net::lookup_host((name, 0))
        .await
        .map_err(|_| UrlError::Unresolved)?
        .collect();
    if all.is_empty() {
        return Err(UrlError::Unresolved);
    }
    if allowed.contains(&name.to_lowercase()) {
        return Ok(all);
    }
    // A single non-public address disqualifies the name.
    if all.iter().all(|address| address::is_public(address.ip())) {
        Ok(all)
    } else {
        Err(UrlError::NotPublic)
    }
}

/// Follows a redirect only within its origin.
fn follow(attempt: Attempt<'_>, allowed: &AllowedHosts) -> reqwest::redirect::Action {
    let Some(from) = attempt.previous().last() else {
        return attempt.stop();
    };
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error(RedirectProblem::TooMany);
    }
    if from.origin() != attempt.url().origin() {
        return attempt.error(RedirectProblem::OtherOrigin);
    }
    match validate_url(attempt.url(), allowed) {
        Ok(()) => attempt.follow(),
        Err(problem) => attempt.error(problem),
    }
}

#[derive(Debug, thiserror::Error)]
enum RedirectProblem {
    #[error("the service redirects to another origin")]
    OtherOrigin,
    #[error("the service redirects again and again")]
    TooMany,
}

/// DNS resolver for the HTTP client that returns only allowed addresses.
#[derive(Debug)]
struct CheckedResolver(AllowedHosts);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let addresses = resolve(name.as_str(), &allowed).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(allowed: &[&str]) -> Outbound {
        Outbound::new(allowed.iter().collect(), Duration::from_secs(5)).unwrap()
    }

    // SEC-B8
    #[test]
    fn malformed_urls_are_rejected() {
        let outbound = outbound(&[]);
        for (text, problem) in [
            ("", UrlError::Malformed),
            ("api.example.com", UrlError::Malformed),
            ("https://", UrlError::Malformed),
            ("http://api.example.com/v1", UrlError::NotHttps),
            ("file:///etc/passwd", UrlError::Malformed),
            ("gopher://api.example.com/", UrlError::NotHttps),
            ("https://me@api.example.com/", UrlError::Credentials),
            ("https://me:secret@api.example.com/", UrlError::Credentials),
            ("https://api.example.com/v1?key=x", UrlError::MoreThanAPath),
            ("https://api.example.com/v1#x", UrlError::MoreThanAPath),
        ] {
            assert_eq!(outbound.parse(text).unwrap_err(), problem, "{text}");
        }
        assert!(
            outbound
                .parse(&format!("https://a.example/{}", "x".repeat(2_000)))
                .is_err()
        );
        let url = outbound.parse(" https://API.example.com/v1/ ").unwrap();
        assert_eq!(url.as_str(), "https://api.example.com/v1");
        let below = url.join("/embeddings").unwrap();
        assert_eq!(below.as_str(), "https://api.example.com/v1/embeddings");
    }

    // SEC-B8, SEC-G: SSRF through differences between URL parsers.
    #[test]
    fn non_public_addresses_are_rejected_in_every_notation() {
        let outbound = outbound(&[]);
        for text in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https://①②⑦.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[fd00:ec2::254]/",
            "https://10.0.0.1:8443/",
        ] {
            assert_eq!(outbound.parse(text), Err(UrlError::NotPublic), "{text}");
        }
        // Looks like userinfo, but the backslash ends the host.
        assert_eq!(
            outbound
                .parse("https://api.example.com\\@127.0.0.1/")
                .unwrap()
                .0
                .host_str(),
            Some("api.example.com")
        );
    }

    #[test]
    fn allowed_hosts_may_be_private_and_without_tls() {
        let outbound = outbound(&["127.0.0.1", "Models.internal", "::1"]);
        for text in [
            "http://127.0.0.1:11434/v1",
            "http://models.internal/v1",
            "http://[::1]:8080/",
        ] {
            assert!(outbound.parse(text).is_ok(), "{text}");
        }
        assert_eq!(outbound.parse("http://127.0.0.2/"), Err(UrlError::NotHttps));
        assert_eq!(
            outbound.parse("https://127.0.0.2/"),
            Err(UrlError::NotPublic)
        );
    }
}
