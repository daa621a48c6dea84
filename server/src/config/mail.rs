//! The mail server.

use ::mail::MailSettings;
use secrecy::SecretString;
use serde::Deserialize;

use super::value::number;

/// The mail server and the sender.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The server's name.
    pub host: String,
    /// Its port; unset: 587 with `starttls`, 465 with `implicit`, 25 with
    /// `none`.
    #[serde(default, deserialize_with = "port")]
    pub port: Option<u16>,
    /// How the connection is made safe; unset: by `starttls`, and on port 465
    /// by `implicit`.
    pub tls: Option<MailTls>,
    /// As whom to sign in there; unset: as nobody.
    pub username: Option<String>,
    /// The password for that.
    pub password: Option<SecretString>,
    /// The sender, e.g. `Atrium <atrium@example.org>`.
    pub from: String,
}

/// How the connection to the mail server is made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// Begun in the clear, then TLS or nothing.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// None: for a server on this machine or in a network of its own.
    None,
}

impl Mail {
    /// What the mailer needs.
    pub fn settings(&self) -> MailSettings {
        let tls = match (self.tls, self.port) {
            (Some(tls), _) => tls,
            (None, Some(465)) => MailTls::Implicit,
            (None, _) => MailTls::StartTls,
        };
        let (tls, usual_port) = match tls {
            MailTls::StartTls => (::mail::MailTls::StartTls, 587),
            MailTls::Implicit => (::mail::MailTls::Implicit, 465),
            MailTls::None => (::mail::MailTls::None, 25),
        };
        MailSettings {
            host: self.host.clone(),
            port: self.port.unwrap_or(usual_port),
            tls,
            username: self.username.clone(),
            password: self.password.clone(),
            from: self.from.clone(),
            limit: None,
        }
    }
}

fn port<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let port = number(deserializer)?;
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    port.map(Some)
        .ok_or_else(|| serde::de::Error::custom("expected a port from 1 to 65535"))
}
