//! Settings of the mail server.

use ::mail::MailSettings;
use secrecy::SecretString;
use serde::Deserialize;

use super::value::number;

/// The mail server and the sender.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Host name of the server.
    pub host: String,
    /// Port; by default 587 with `starttls`, 465 with `implicit`, 25 with
    /// `none`.
    #[serde(default, deserialize_with = "port")]
    pub port: Option<u16>,
    /// Encryption; by default `implicit` on port 465, else `starttls`.
    pub tls: Option<MailTls>,
    /// User name for SMTP authentication; none by default.
    pub username: Option<String>,
    /// Password for SMTP authentication.
    pub password: Option<SecretString>,
    /// Sender, e.g. `Atrium <atrium@example.org>`.
    pub from: String,
}

/// Encryption of the connection to the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// Plain text at first, then a mandatory upgrade to TLS.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// No encryption: for a server on the same machine or a private network.
    None,
}

impl Mail {
    /// Settings for the mailer, with defaults applied.
    pub fn settings(&self) -> MailSettings {
        let tls = match (self.tls, self.port) {
            (Some(tls), _) => tls,
            (None, Some(465)) => MailTls::Implicit,
            (None, _) => MailTls::StartTls,
        };
        let (tls, default_port) = match tls {
            MailTls::StartTls => (::mail::MailTls::StartTls, 587),
            MailTls::Implicit => (::mail::MailTls::Implicit, 465),
            MailTls::None => (::mail::MailTls::None, 25),
        };
        MailSettings {
            host: self.host.clone(),
            port: self.port.unwrap_or(default_port),
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
