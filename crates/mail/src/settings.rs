//! What the operator says of the mail server.

use std::{fmt, time::Duration};

use lettre::message::Mailbox;
use secrecy::SecretString;

/// How the connection is made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// Begun in the clear, then TLS or nothing.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// None: for a server on this machine or in a network of its own.
    None,
}

/// The mail server and the sender.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The server's name or address.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// How the connection is made safe.
    pub tls: MailTls,
    /// As whom to sign in there.
    pub username: Option<String>,
    /// With which password.
    pub password: Option<SecretString>,
    /// The sender: an address, or `Name <address>`.
    pub from: String,
    /// How long a message may take; unset: ten seconds.
    pub limit: Option<Duration>,
}

/// A setting that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettingsError {
    key: &'static str,
    why: String,
}

impl MailSettingsError {
    pub(crate) fn new(key: &'static str, why: impl Into<String>) -> Self {
        Self {
            key,
            why: why.into(),
        }
    }
}

impl fmt::Display for MailSettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail.{}: {}", self.key, self.why)
    }
}

impl std::error::Error for MailSettingsError {}

impl MailSettings {
    /// The sender, when everything can be used.
    pub(crate) fn check(&self) -> Result<Mailbox, MailSettingsError> {
        let refuse = |key, why: &str| Err(MailSettingsError::new(key, why));
        if self.host.trim().is_empty() {
            return refuse("host", "it is empty.");
        }
        if self.username.is_some() != self.password.is_some() {
            return refuse("username", "give it together with password, or neither.");
        }
        if self.tls == MailTls::None && self.password.is_some() && !self.is_this_machine() {
            return refuse(
                "tls",
                "without TLS the password would go over the network in the clear.",
            );
        }
        self.from.parse().or_else(|_| {
            refuse(
                "from",
                "give an address such as atrium@example.org, or Atrium <atrium@example.org>.",
            )
        })
    }

    fn is_this_machine(&self) -> bool {
        let is_loopback = |ip: std::net::IpAddr| ip.is_loopback();
        self.host == "localhost" || self.host.parse().is_ok_and(is_loopback)
    }
}
