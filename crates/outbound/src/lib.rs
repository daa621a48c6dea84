//! Requests to addresses that somebody inside an organisation sets: a
//! provider's base URL, a webhook (SEC-B8).
//!
//! Such an address must not lead to this machine, to the networks that it
//! stands in, or to a cloud's metadata. It is looked at when it is saved
//! ([`Outbound::check`]), and what counts is looked at again when the
//! connection is made: names are resolved once, by this crate, and the
//! addresses that it lets through are those that are connected to, so that a
//! name can't point elsewhere in between. A redirect is followed only within
//! its origin, so that no credential goes to another one.
//!
//! The operator can allow hosts by name, for a model server next door.

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

/// Characters that an address may have.
pub const MAX_URL_CHARS: usize = 2_000;

const CONNECT: Duration = Duration::from_secs(5);
const MAX_REDIRECTS: usize = 5;

/// Why an address is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    /// It can't be read as one.
    #[error("This is not the address of a web service. Begin it with https://.")]
    Malformed,
    /// Its scheme is another one than https.
    #[error("Give an address that begins with https://.")]
    NotHttps,
    /// It holds a user name or password.
    #[error("Leave out the user name and the password. A key has a field of its own.")]
    Credentials,
    /// It ends in a fragment or has a query, which a base address can't have.
    #[error("Leave out what comes after ? or #.")]
    MoreThanAPath,
    /// It leads to this machine or its networks.
    #[error(
        "This address leads into the network that this installation stands in. Its operator can allow the host."
    )]
    NotPublic,
    /// Its name isn't known.
    #[error("There is no host of that name.")]
    Unresolved,
}

/// An address whose form is in order. Where it leads is another question,
/// answered at each connection.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundUrl(Url);

impl OutboundUrl {
    /// The address as it is stored, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The host that `text` names, if it is an address: for allowing whom the
    /// operator set up.
    pub fn host_of(text: &str) -> Option<String> {
        Url::parse(text.trim()).ok()?.host_str().map(str::to_owned)
    }

    /// The address of `path` below this one.
    ///
    /// # Errors
    /// [`UrlProblem::Malformed`] when `path` can't be part of an address.
    pub fn join(&self, path: &str) -> Result<Self, UrlProblem> {
        let path = path.trim_start_matches('/');
        Url::parse(&format!("{}/{path}", self.as_str()))
            .map(Self)
            .map_err(|_| UrlProblem::Malformed)
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

/// Hosts that may be reached wherever they are, as the operator says: names
/// or addresses, lower case, without a port.
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

/// The client for such addresses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: Client,
    allowed: AllowedHosts,
}

impl Outbound {
    /// A client that reaches the public internet and `allowed` hosts, and
    /// gives up on an answer after `timeout`.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(allowed: AllowedHosts, timeout: Duration) -> Result<Self, reqwest::Error> {
        let redirects = allowed.clone();
        let client = Client::builder()
            .dns_resolver(Arc::new(Guard(allowed.clone())))
            .redirect(Policy::custom(move |attempt| follow(attempt, &redirects)))
            // A proxy would resolve the name by itself.
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(timeout)
            .user_agent(concat!("atrium/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, allowed })
    }

    /// Takes what somebody typed, if its form is in order and it isn't an
    /// address that is not public.
    ///
    /// # Errors
    /// [`UrlProblem`], in words for its field.
    pub fn parse(&self, text: &str) -> Result<OutboundUrl, UrlProblem> {
        if text.chars().count() > MAX_URL_CHARS {
            return Err(UrlProblem::Malformed);
        }
        let url = Url::parse(text.trim()).map_err(|_| UrlProblem::Malformed)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlProblem::MoreThanAPath);
        }
        admit(&url, &self.allowed)?;
        Ok(OutboundUrl(url))
    }

    /// As [`Outbound::parse`], and looks where the name leads today: for the
    /// one who saves it. It is looked at again at each connection.
    ///
    /// # Errors
    /// [`UrlProblem`], in words for its field.
    pub async fn check(&self, text: &str) -> Result<OutboundUrl, UrlProblem> {
        let url = self.parse(text)?;
        if let Some(Host::Domain(name)) = url.0.host() {
            resolve(name, &self.allowed).await?;
        }
        Ok(url)
    }

    /// A request to `url`.
    pub fn request(&self, method: Method, url: &OutboundUrl) -> RequestBuilder {
        self.client.request(method, url.0.clone())
    }
}

/// Why an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyProblem {
    /// It broke off.
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
    /// It is longer than it may be.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

/// The body of `response`, of at most `max` bytes.
///
/// # Errors
/// [`BodyProblem`].
pub async fn body_of(mut response: Response, max: usize) -> Result<Vec<u8>, BodyProblem> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max {
            return Err(BodyProblem::TooLong(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What can be said of an address without asking for its name.
fn admit(url: &Url, allowed: &AllowedHosts) -> Result<(), UrlProblem> {
    let host = url.host().ok_or(UrlProblem::Malformed)?;
    let is_allowed = url.host_str().is_some_and(|host| allowed.contains(host));
    match url.scheme() {
        "https" => {}
        // A model server next door rarely has a certificate.
        "http" if is_allowed => {}
        _ => return Err(UrlProblem::NotHttps),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlProblem::Credentials);
    }
    let literal = match host {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    };
    match literal {
        Some(address) if !is_allowed && !address::is_public(address) => Err(UrlProblem::NotPublic),
        _ => Ok(()),
    }
}

/// The addresses of `name` that may be connected to.
async fn resolve(name: &str, allowed: &AllowedHosts) -> Result<Vec<SocketAddr>, UrlProblem> {
    // The port is the caller's to set.
    let all: Vec<SocketAddr> = tokio::net::lookup_host((name, 0))
        .await
        .map_err(|_| UrlProblem::Unresolved)?
        .collect();
    if all.is_empty() {
        return Err(UrlProblem::Unresolved);
    }
    if allowed.contains(&name.to_lowercase()) {
        return Ok(all);
    }
    // One that is not public makes the whole name suspect.
    if all.iter().all(|address| address::is_public(address.ip())) {
        Ok(all)
    } else {
        Err(UrlProblem::NotPublic)
    }
}

/// Follows a redirect within its origin, and nowhere else.
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
    match admit(attempt.url(), allowed) {
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

/// Resolves names for the client, and gives it nothing but what it may
/// connect to.
#[derive(Debug)]
struct Guard(AllowedHosts);

impl Resolve for Guard {
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
    fn an_address_is_refused_for_its_form_with_what_to_do() {
        let outbound = outbound(&[]);
        for (text, problem) in [
            ("", UrlProblem::Malformed),
            ("api.example.com", UrlProblem::Malformed),
            ("https://", UrlProblem::Malformed),
            ("http://api.example.com/v1", UrlProblem::NotHttps),
            ("file:///etc/passwd", UrlProblem::Malformed),
            ("gopher://api.example.com/", UrlProblem::NotHttps),
            ("https://me@api.example.com/", UrlProblem::Credentials),
            (
                "https://me:secret@api.example.com/",
                UrlProblem::Credentials,
            ),
            (
                "https://api.example.com/v1?key=x",
                UrlProblem::MoreThanAPath,
            ),
            ("https://api.example.com/v1#x", UrlProblem::MoreThanAPath),
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

    // SEC-B8, SEC-G: SSRF by what one parser reads otherwise than another.
    #[test]
    fn addresses_that_are_not_public_are_refused_however_they_are_written() {
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
            assert_eq!(outbound.parse(text), Err(UrlProblem::NotPublic), "{text}");
        }
        // What looks like userinfo or a host to a careless eye.
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
    fn what_the_operator_allows_may_be_next_door_and_without_tls() {
        let outbound = outbound(&["127.0.0.1", "Models.internal", "::1"]);
        for text in [
            "http://127.0.0.1:11434/v1",
            "http://models.internal/v1",
            "http://[::1]:8080/",
        ] {
            assert!(outbound.parse(text).is_ok(), "{text}");
        }
        assert_eq!(
            outbound.parse("http://127.0.0.2/"),
            Err(UrlProblem::NotHttps)
        );
        assert_eq!(
            outbound.parse("https://127.0.0.2/"),
            Err(UrlProblem::NotPublic)
        );
    }
}
