//! Authentication settings, built from the configuration at boot.

use std::fmt;

use domain::{access::SystemRole, invite::IssuerScope};
use secrecy::SecretString;
use serde::Deserialize;
use service::identity::{Directory, IssuerPolicy, SessionLifetimes};
use url::Url;
use uuid::Uuid;

use super::master_key::MasterKey;
use crate::http::{Site, is_loopback};

#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The public origin.
    pub site: Site,
    /// The primary issuer; without it nobody can sign in.
    pub oidc: Option<OidcSettings>,
    /// Further issuers, each for organisations of its own.
    pub further: Vec<OidcSettings>,
    pub lifetimes: SessionLifetimes,
    /// The encryption key of stored tokens is derived from it.
    pub master_key: MasterKey,
    pub limits: SignInLimits,
}

/// Rate limits per minute. Successful sign-ins are not limited.
#[derive(Clone, Copy, Debug)]
pub struct SignInLimits {
    /// Logins started by one address.
    pub starts: u32,
    /// Failures of one address.
    pub failures: u32,
    /// Failures of one account at an issuer, from any address.
    pub account_failures: u32,
}

impl AuthSettings {
    /// Every issuer, the primary one first.
    pub fn issuers(&self) -> impl Iterator<Item = &OidcSettings> {
        self.oidc.iter().chain(&self.further)
    }
}

/// The name of the issuer configured under `oidc`.
pub const PRIMARY: &str = "oidc";

/// Placeholder for the directory's id in the issuer URL of all directories.
pub(super) const DIRECTORY: &str = "{tenantid}";

/// Settings of one issuer.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// [`PRIMARY`], or the name of its table in the configuration.
    pub name: String,
    /// The text of its button on the sign-in page.
    pub label: String,
    /// The issuer exactly as in its tokens. Text, because a parsed URL would
    /// gain a trailing slash and no longer equal `iss`.
    pub issuer: String,
    /// Which claims identify a person.
    pub kind: IssuerKind,
    pub client_id: String,
    /// Without it the client is public and relies on PKCE.
    pub client_secret: Option<SecretString>,
    /// Requested in addition to `openid`.
    pub scopes: Vec<String>,
    /// The role of new members; without one an administrator grants it.
    pub default_role: Option<SystemRole>,
    /// Slugs of the organisations that this issuer is for. New members join the
    /// first one, which also audits rejected sign-ins. If empty: the only
    /// organisation of the installation.
    pub tenants: Vec<String>,
    /// Microsoft Graph, for groups that don't fit into a token. Without it,
    /// people with that many groups can't sign in.
    pub graph_url: Option<Url>,
    /// Entra directories whose first sign-in creates their organisation.
    pub directories: Vec<Directory>,
}

/// The claims that identify a person (SEC-A9). E-mail addresses and names can
/// pass to somebody else and are never used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssuerKind {
    /// `iss` and `sub`.
    Generic,
    /// `tid` and `oid`, because Entra's `sub` differs for each client.
    Entra,
}

impl IssuerKind {
    /// `Entra` if the issuer is one of Microsoft's clouds.
    pub fn of(issuer: &str) -> Self {
        if graph_url_of(issuer).is_some() {
            Self::Entra
        } else {
            Self::Generic
        }
    }
}

/// Microsoft's clouds: login host and Graph URL.
const CLOUDS: &[(&str, &str)] = &[
    ("login.microsoftonline.com", "https://graph.microsoft.com"),
    ("login.microsoftonline.us", "https://graph.microsoft.us"),
    (
        "login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
];

/// The Graph URL of the issuer's cloud.
fn graph_url_of(issuer: &str) -> Option<Url> {
    let issuer = Url::parse(issuer).ok()?;
    let host = issuer.host_str()?;
    let (_, graph) = CLOUDS.iter().find(|(login, _)| *login == host)?;
    Url::parse(graph).ok()
}

/// An insecure or invalid setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct AuthSettingsError(String);

impl AuthSettingsError {
    pub(super) fn new(message: String) -> Self {
        Self(message)
    }
}

impl fmt::Display for AuthSettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OidcSettings {
    /// The default of `graph_url`.
    pub fn default_graph_url(issuer: &str) -> Option<Url> {
        graph_url_of(issuer)
    }

    /// The default scopes; with Graph they include `User.Read`.
    pub fn default_scopes(graph_url: Option<&Url>) -> Vec<String> {
        let user_read = graph_url.map(|graph| format!("{}/User.Read", root(graph)));
        ["profile", "email"]
            .map(str::to_owned)
            .into_iter()
            .chain(user_read)
            .collect()
    }

    /// Rejects invalid and insecure settings at startup. The error names the
    /// setting and a valid value.
    pub fn check(&self) -> Result<(), AuthSettingsError> {
        let reject = |text: String| {
            let key = if self.name == PRIMARY {
                PRIMARY.to_owned()
            } else {
                format!("issuers.{}", self.name)
            };
            Err(AuthSettingsError(format!("{key}.{text}")))
        };
        let Ok(url) = Url::parse(&self.issuer) else {
            return reject(format!("issuer: {:?} is not a URL.", self.issuer));
        };
        if !is_safe(&url) {
            return reject(format!("issuer: {} must be an https URL.", self.issuer));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return reject(format!(
                "issuer: {} has parts that no issuer has.",
                self.issuer
            ));
        }
        if let Some(graph) = &self.graph_url
            && !is_safe(graph)
        {
            return reject(format!("graph_url: {graph} must be an https URL."));
        }
        let segment = url
            .path_segments()
            .and_then(|mut path| path.next())
            .unwrap_or_default();
        let is_directory = segment.parse::<Uuid>().is_ok() || self.is_multi_tenant();
        if self.kind == IssuerKind::Entra && !is_directory {
            return reject(format!(
                "issuer: {} names no directory; use https://{}/TENANT-ID/v2.0 with your directory's id, or organizations for several.",
                self.issuer,
                url.host_str().unwrap_or("login.microsoftonline.com"),
            ));
        }
        Ok(())
    }

    /// True for the issuer of all Entra directories (SEC-A3); then the token's
    /// directory decides the organisation.
    pub fn is_multi_tenant(&self) -> bool {
        is_multi_tenant(self.kind, &self.issuer)
    }

    /// The issuer as in its discovery document, with [`DIRECTORY`] as the
    /// placeholder if it is for all directories.
    pub(super) fn issuer_pattern(&self) -> String {
        if !self.is_multi_tenant() {
            return self.issuer.clone();
        }
        self.issuer
            .replacen("/organizations/", &format!("/{DIRECTORY}/"), 1)
            .replacen("/common/", &format!("/{DIRECTORY}/"), 1)
    }

    /// The directory in an `iss` of this issuer.
    pub(super) fn directory_in(&self, iss: &str) -> Option<Uuid> {
        let ours = self.issuer_pattern();
        let (before, after) = ours.split_once(DIRECTORY)?;
        let id = iss.strip_prefix(before)?.strip_suffix(after)?;
        // Accepts only Entra's spelling of the id.
        id.parse().ok().filter(|uuid: &Uuid| uuid.to_string() == id)
    }

    /// True if tokens with this `iss` are from this issuer.
    pub(super) fn matches_issuer(&self, iss: &str) -> bool {
        iss == self.issuer && !self.is_multi_tenant() || self.directory_in(iss).is_some()
    }

    /// The rules for the issuer's people.
    pub(super) fn policy(&self) -> IssuerPolicy<'_> {
        IssuerPolicy {
            name: &self.name,
            tenants: &self.tenants,
            by_directory: self.is_multi_tenant(),
            directories: &self.directories,
            default_role: self.default_role,
        }
    }

    /// The organisations that this issuer is for.
    pub fn reach(&self) -> IssuerScope {
        IssuerScope {
            tenants: self.tenants.clone(),
            by_directory: self.is_multi_tenant(),
        }
    }

    /// The directory of an Entra issuer for a single directory.
    pub(super) fn entra_tid(&self) -> Option<Uuid> {
        Url::parse(&self.issuer)
            .ok()?
            .path_segments()?
            .next()?
            .parse()
            .ok()
    }
}

/// True for the issuer of all Entra directories.
pub fn is_multi_tenant(kind: IssuerKind, issuer: &str) -> bool {
    let segment = Url::parse(issuer)
        .ok()
        .and_then(|url| url.path_segments()?.next().map(str::to_owned));
    kind == IssuerKind::Entra && matches!(segment.as_deref(), Some("organizations" | "common"))
}

/// True for https, and for http on this machine.
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_loopback(url)
}

/// The URL without the trailing slash that parsing adds.
fn root(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(issuer: &str) -> OidcSettings {
        OidcSettings {
            name: PRIMARY.to_owned(),
            label: "Sign in".to_owned(),
            directories: Vec::new(),
            issuer: issuer.to_owned(),
            kind: IssuerKind::of(issuer),
            client_id: "atrium".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            default_role: None,
            tenants: Vec::new(),
            graph_url: OidcSettings::default_graph_url(issuer),
        }
    }

    #[test]
    fn unsafe_issuers_are_rejected() {
        for good in [
            "https://id.example/realms/a",
            "https://accounts.google.com",
            "http://127.0.0.1:3000/demo/issuer",
            "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/organizations/v2.0",
        ] {
            assert_eq!(settings(good).check(), Ok(()), "{good}");
        }
        for bad in [
            "id.example",
            "http://id.example",
            "https://id.example/?a=b",
            "https://a@id.example/",
            "ftp://id.example",
            "https://login.microsoftonline.com/consumers/v2.0",
            "https://login.microsoftonline.com/contoso.example/v2.0",
        ] {
            assert!(settings(bad).check().is_err(), "{bad}");
        }
    }

    // SEC-A10
    #[test]
    fn graph_url_matches_the_issuers_cloud() {
        let graph = |issuer: &str| {
            let url = OidcSettings::default_graph_url(issuer);
            url.map(|url| root(&url).to_owned())
        };
        for (issuer, expected) in [
            (
                "https://login.microsoftonline.com/x/v2.0",
                Some("https://graph.microsoft.com"),
            ),
            (
                "https://login.microsoftonline.us/x/v2.0",
                Some("https://graph.microsoft.us"),
            ),
            (
                "https://login.partner.microsoftonline.cn/x/v2.0",
                Some("https://microsoftgraph.chinacloudapi.cn"),
            ),
            ("https://id.example", None),
        ] {
            assert_eq!(graph(issuer).as_deref(), expected, "{issuer}");
        }
        let scopes = OidcSettings::default_scopes(
            graph_url_of("https://login.microsoftonline.us/x").as_ref(),
        );
        assert_eq!(
            scopes,
            ["profile", "email", "https://graph.microsoft.us/User.Read"]
        );
        let mut unsafe_graph = settings("https://id.example");
        unsafe_graph.graph_url = Some("http://graph.example".parse().unwrap());
        assert!(unsafe_graph.check().is_err());
    }

    #[test]
    fn entra_is_detected_by_its_exact_host() {
        assert_eq!(
            IssuerKind::of("https://login.microsoftonline.com/x/v2.0"),
            IssuerKind::Entra
        );
        assert_eq!(
            IssuerKind::of("https://login.microsoftonline.com.evil.example/x"),
            IssuerKind::Generic
        );
        assert_eq!(
            IssuerKind::of("https://evil.example/login.microsoftonline.com"),
            IssuerKind::Generic
        );
    }
}
