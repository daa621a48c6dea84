//! What signing in needs to know. Built from the configuration at boot.

use std::fmt;

use domain::{access::SystemRole, invite::IssuerReach, settings::TenantSettings};
use secrecy::SecretString;
use serde::Deserialize;
use time::Duration;
use url::Url;
use uuid::Uuid;

use super::seal::MasterKey;
use crate::http::{Site, is_loopback};

/// Everything that an operator decides about signing in.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// Where people reach us.
    pub site: Site,
    /// The identity provider; without one nobody can sign in.
    pub oidc: Option<OidcSettings>,
    /// Further ones, each for organisations of its own.
    pub further: Vec<OidcSettings>,
    /// How long sessions live.
    pub lifetimes: SessionLifetimes,
    /// From which the key for tokens is derived.
    pub master_key: MasterKey,
    /// How often signing in may begin and fail.
    pub limits: SignInLimits,
}

/// How often signing in may begin and fail in a minute. Success is not
/// limited.
#[derive(Clone, Copy, Debug)]
pub struct SignInLimits {
    /// Sign-ins that one address may begin.
    pub starts: u32,
    /// Failures of one address.
    pub failures: u32,
    /// Failures of one account at an issuer, from whatever address.
    pub account_failures: u32,
}

impl AuthSettings {
    /// Every issuer, the primary one first.
    pub fn issuers(&self) -> impl Iterator<Item = &OidcSettings> {
        self.oidc.iter().chain(&self.further)
    }
}

/// The name of the issuer that `oidc` configures.
pub const PRIMARY: &str = "oidc";

/// Stands for the directory's id where an issuer speaks for all of them.
pub(super) const DIRECTORY: &str = "{tenantid}";

/// When a session ends by itself.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetimes {
    /// After so long without a request.
    pub idle: Duration,
    /// After so long whatever happens.
    pub absolute: Duration,
}

impl SessionLifetimes {
    /// As an organisation wants them: shorter if it likes, never longer.
    pub(super) fn within(self, settings: &TenantSettings) -> Self {
        let shorter = |ours: Duration, hours: Option<u32>| {
            hours.map_or(ours, |hours| ours.min(Duration::hours(hours.into())))
        };
        let absolute = shorter(self.absolute, settings.session_absolute_hours);
        Self {
            idle: shorter(self.idle, settings.session_idle_hours).min(absolute),
            absolute,
        }
    }
}

impl Default for SessionLifetimes {
    fn default() -> Self {
        Self {
            idle: Duration::hours(12),
            absolute: Duration::days(7),
        }
    }
}

/// The identity provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// [`PRIMARY`], or the name of its table in the configuration.
    pub name: String,
    /// What its button on the sign-in page says.
    pub label: String,
    /// The issuer exactly as it spells itself: text, because a parsed URL
    /// would gain a slash at its end and never equal the token's `iss` again.
    pub issuer: String,
    /// What a person's identity is keyed by.
    pub kind: IssuerKind,
    /// Our id there.
    pub client_id: String,
    /// Our secret there; without one the client is public and relies on PKCE.
    pub client_secret: Option<SecretString>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The role of somebody who signs in for the first time; none: an
    /// administrator decides.
    pub default_role: Option<SystemRole>,
    /// Slugs of the organisations whose people come from this issuer. The
    /// first one takes in somebody new and has the refusals in its audit log.
    /// Empty: the only organisation there is.
    pub tenants: Vec<String>,
    /// Microsoft Graph, which is asked for groups where a token has no room
    /// for them; none: then nobody with so many groups can sign in.
    pub graph_url: Option<Url>,
    /// Entra's directories whose first sign-in creates their organisation.
    pub directories: Vec<Directory>,
}

/// A directory that may become an organisation, and whom it belongs to then:
/// the one named here, and nobody by coming first.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The directory's id in Entra.
    pub tid: Uuid,
    /// The owner's object id in it.
    pub owner: Uuid,
    /// The organisation's slug.
    pub slug: String,
    /// The organisation's name.
    pub name: String,
}

/// What a person's identity is keyed by (SEC-A9). E-mail addresses and names
/// change hands; they are never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssuerKind {
    /// `iss` and `sub`.
    Generic,
    /// `tid` and `oid`: with Entra, `sub` differs for each client.
    Entra,
}

impl IssuerKind {
    /// Entra, if the issuer is one of Microsoft's.
    pub fn of(issuer: &str) -> Self {
        if cloud(issuer).is_some() {
            Self::Entra
        } else {
            Self::Generic
        }
    }
}

/// Microsoft's clouds: where people sign in, and where Graph is.
const CLOUDS: &[(&str, &str)] = &[
    ("login.microsoftonline.com", "https://graph.microsoft.com"),
    ("login.microsoftonline.us", "https://graph.microsoft.us"),
    (
        "login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
];

/// The Graph of the cloud that an issuer belongs to.
fn cloud(issuer: &str) -> Option<Url> {
    let issuer = Url::parse(issuer).ok()?;
    let host = issuer.host_str()?;
    let (_, graph) = CLOUDS.iter().find(|(login, _)| *login == host)?;
    Url::parse(graph).ok()
}

/// A setting under which signing in can't be safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct AuthSettingsError(String);

impl AuthSettingsError {
    pub(super) fn new(sentence: String) -> Self {
        Self(sentence)
    }
}

impl fmt::Display for AuthSettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OidcSettings {
    /// Where Graph is unless the operator says otherwise.
    pub fn default_graph_url(issuer: &str) -> Option<Url> {
        cloud(issuer)
    }

    /// Scopes unless the operator says otherwise. With Entra, Graph is asked
    /// for groups.
    pub fn default_scopes(graph_url: Option<&Url>) -> Vec<String> {
        let user_read = graph_url.map(|graph| format!("{}/User.Read", root(graph)));
        ["profile", "email"]
            .map(str::to_owned)
            .into_iter()
            .chain(user_read)
            .collect()
    }

    /// Refuses what could never work, before anybody tries.
    ///
    /// # Errors
    /// Names the key and what to write there.
    pub fn check(&self) -> Result<(), AuthSettingsError> {
        let error_response = |text: String| {
            let key = if self.name == PRIMARY {
                PRIMARY.to_owned()
            } else {
                format!("issuers.{}", self.name)
            };
            Err(AuthSettingsError(format!("{key}.{text}")))
        };
        let Ok(url) = Url::parse(&self.issuer) else {
            return error_response(format!("issuer: {:?} is not a URL.", self.issuer));
        };
        if !is_safe(&url) {
            return error_response(format!("issuer: {} must be an https URL.", self.issuer));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return error_response(format!(
                "issuer: {} has parts that no issuer has.",
                self.issuer
            ));
        }
        if let Some(graph) = &self.graph_url
            && !is_safe(graph)
        {
            return error_response(format!("graph_url: {graph} must be an https URL."));
        }
        let segment = url
            .path_segments()
            .and_then(|mut path| path.next())
            .unwrap_or_default();
        let is_directory = segment.parse::<Uuid>().is_ok() || self.is_for_directories();
        if self.kind == IssuerKind::Entra && !is_directory {
            return error_response(format!(
                "issuer: {} names no directory; use https://{}/TENANT-ID/v2.0 with your directory's id, or organizations for several.",
                self.issuer,
                url.host_str().unwrap_or("login.microsoftonline.com"),
            ));
        }
        Ok(())
    }

    /// Whether it speaks for all of Entra's directories (SEC-A3): then the
    /// organisation is the one that belongs to the token's directory.
    pub fn is_for_directories(&self) -> bool {
        is_for_directories(self.kind, &self.issuer)
    }

    /// The issuer as its discovery document and its tokens spell it, with
    /// [`DIRECTORY`] for the directory where it speaks for all of them.
    pub(super) fn issuer_pattern(&self) -> String {
        if !self.is_for_directories() {
            return self.issuer.clone();
        }
        self.issuer
            .replacen("/organizations/", &format!("/{DIRECTORY}/"), 1)
            .replacen("/common/", &format!("/{DIRECTORY}/"), 1)
    }

    /// The directory that stands in an `iss` of this issuer.
    pub(super) fn directory_in(&self, iss: &str) -> Option<Uuid> {
        let ours = self.issuer_pattern();
        let (before, after) = ours.split_once(DIRECTORY)?;
        let id = iss.strip_prefix(before)?.strip_suffix(after)?;
        // In the spelling of Entra and in no other.
        id.parse().ok().filter(|uuid: &Uuid| uuid.to_string() == id)
    }

    /// Whether tokens with this `iss` are this issuer's.
    pub(super) fn speaks_as(&self, iss: &str) -> bool {
        iss == self.issuer && !self.is_for_directories() || self.directory_in(iss).is_some()
    }

    /// Whether people of this issuer may be members of the organisation.
    pub(super) fn serves(&self, slug: &str) -> bool {
        self.tenants.is_empty() || self.tenants.iter().any(|tenant| tenant == slug)
    }

    /// For which organisations its people are.
    pub fn reach(&self) -> IssuerReach {
        IssuerReach {
            tenants: self.tenants.clone(),
            by_directory: self.is_for_directories(),
        }
    }

    /// The directory that an Entra issuer speaks for.
    pub(super) fn entra_tid(&self) -> Option<Uuid> {
        Url::parse(&self.issuer)
            .ok()?
            .path_segments()?
            .next()?
            .parse()
            .ok()
    }
}

/// Whether this is the issuer of all of Entra's directories.
pub fn is_for_directories(kind: IssuerKind, issuer: &str) -> bool {
    let segment = Url::parse(issuer)
        .ok()
        .and_then(|url| url.path_segments()?.next().map(str::to_owned));
    kind == IssuerKind::Entra && matches!(segment.as_deref(), Some("organizations" | "common"))
}

/// https, or this machine itself.
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_loopback(url)
}

/// A URL without the slash that parsing puts at its end.
fn root(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_shortens_sessions_and_never_lengthens_them() {
        let ours = SessionLifetimes {
            idle: Duration::hours(12),
            absolute: Duration::hours(100),
        };
        let within = |idle, absolute| {
            let theirs = ours.within(&TenantSettings {
                session_idle_hours: idle,
                session_absolute_hours: absolute,
                ..TenantSettings::default()
            });
            (theirs.idle.whole_hours(), theirs.absolute.whole_hours())
        };
        assert_eq!(within(None, None), (12, 100));
        assert_eq!(within(Some(2), Some(8)), (2, 8));
        assert_eq!(within(Some(50), Some(500)), (12, 100));
        assert_eq!(within(None, Some(3)), (3, 3));
    }

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
    fn issuers_that_could_never_be_trusted_are_refused() {
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
    fn graph_is_the_one_of_the_issuers_cloud() {
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
        let scopes =
            OidcSettings::default_scopes(cloud("https://login.microsoftonline.us/x").as_ref());
        assert_eq!(
            scopes,
            ["profile", "email", "https://graph.microsoft.us/User.Read"]
        );
        let mut unsafe_graph = settings("https://id.example");
        unsafe_graph.graph_url = Some("http://graph.example".parse().unwrap());
        assert!(unsafe_graph.check().is_err());
    }

    #[test]
    fn entra_is_known_by_its_host_alone() {
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
