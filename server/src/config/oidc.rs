//! Identity providers.

use std::collections::BTreeMap;

use domain::access::SystemRole;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::value::{list, some_list};
use crate::auth::IssuerKind;

/// How people sign in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// What its button on the sign-in page says; unset: `Sign in`, and with
    /// several issuers its name.
    pub label: Option<String>,
    /// The issuer exactly as its discovery document names it: a trailing
    /// slash counts.
    pub issuer: String,
    /// What identifies its people; unset: by the host, `entra` for Microsoft's
    /// clouds and `generic` for all others.
    pub kind: Option<IssuerKind>,
    /// This deployment's client id there.
    pub client_id: String,
    /// The client's secret there.
    pub client_secret: Option<SecretString>,
    /// Scopes asked for besides `openid`; unset: `profile` and `email`, and
    /// with Entra Graph's `User.Read`, by which it tells more than 200 groups.
    #[serde(default, deserialize_with = "some_list")]
    pub scopes: Option<Vec<String>>,
    /// The role of a person who signs in for the first time; unset: none, so
    /// that an admin decides.
    pub default_role: Option<SystemRole>,
    /// Slugs of the organisations whose members sign in here; a new person
    /// joins the first. Unset: the only one there is.
    #[serde(default, deserialize_with = "list")]
    pub tenants: Vec<String>,
    /// Microsoft Graph; unset: the one of the issuer's cloud, and none for
    /// an issuer that is not Microsoft's.
    pub graph_url: Option<Url>,
    /// Entra's directories that become organisations when their first person
    /// signs in, by the organisation's slug. For an issuer that speaks for all
    /// directories (`https://login.microsoftonline.com/organizations/v2.0`).
    #[serde(default)]
    pub directories: BTreeMap<String, Directory>,
}

impl Oidc {
    /// What identifies its people.
    pub fn kind(&self) -> IssuerKind {
        self.kind.unwrap_or_else(|| IssuerKind::of(&self.issuer))
    }
}

/// A directory that may become an organisation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Its id in Entra.
    pub tenant_id: uuid::Uuid,
    /// The object id of the one who owns the organisation then: nobody does by
    /// coming first.
    pub owner: uuid::Uuid,
    /// The organisation's name; unset: its slug.
    pub name: Option<String>,
}
