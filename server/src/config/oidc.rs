//! Settings of identity providers.

use std::collections::BTreeMap;

use domain::access::SystemRole;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::value::{list, some_list};
use crate::auth::IssuerKind;

/// An identity provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Label of its button on the sign-in page; by default `Sign in`, or
    /// `Sign in with` and its name for further issuers.
    pub label: Option<String>,
    /// Issuer, exactly as in its discovery document: a trailing slash matters.
    pub issuer: String,
    /// Claims that identify a person; by default `entra` for hosts of
    /// Microsoft's clouds, else `generic`.
    pub kind: Option<IssuerKind>,
    /// OAuth client id of this deployment.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: Option<SecretString>,
    /// Scopes requested besides `openid`; by default `profile` and `email`, and
    /// for Entra Graph's `User.Read`, needed to read more than 200 groups.
    #[serde(default, deserialize_with = "some_list")]
    pub scopes: Option<Vec<String>>,
    /// Role of a person who signs in for the first time; none by default, so
    /// that an admin decides.
    pub default_role: Option<SystemRole>,
    /// Slugs of the organisations whose members sign in here; a new person
    /// joins the first. By default the only organisation.
    #[serde(default, deserialize_with = "list")]
    pub tenants: Vec<String>,
    /// URL of Microsoft Graph; by default that of the issuer's cloud, and none
    /// for other issuers.
    pub graph_url: Option<Url>,
    /// Entra directories that become organisations when their first person
    /// signs in, by the organisation's slug. For an issuer of all directories
    /// (`https://login.microsoftonline.com/organizations/v2.0`).
    #[serde(default)]
    pub directories: BTreeMap<String, Directory>,
}

impl Oidc {
    /// The configured kind, else the default for the issuer's host.
    pub fn kind(&self) -> IssuerKind {
        self.kind.unwrap_or_else(|| IssuerKind::of(&self.issuer))
    }
}

/// An Entra directory that may become an organisation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Id of the directory (tenant) in Entra.
    pub tenant_id: uuid::Uuid,
    /// Object id of the person who becomes the owner: nobody becomes an owner
    /// by signing in first.
    pub owner: uuid::Uuid,
    /// The organisation's name; by default its slug.
    pub name: Option<String>,
}
