//! The operator's settings for the mail server.

use std::{fmt, time::Duration};

use lettre::message::Mailbox;
use secrecy::SecretString;

/// Encryption of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// Plain text at first, then a mandatory upgrade to TLS.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// No encryption: for a server on the same machine or a private network.
    None,
}

/// The mail server and the sender.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// Host name or IP address.
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    /// User name for SMTP authentication; set together with `password`.
    pub username: Option<String>,
    pub password: Option<SecretString>,
    /// Sender: an address, or `Name <address>`.
    pub from: String,
    /// Time limit for one message; 10 seconds by default.
    pub limit: Option<Duration>,
}

/// An invalid setting.
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
    /// Validates all settings and returns the sender.
    pub(crate) fn check(&self) -> Result<Mailbox, MailSettingsError> {
        let invalid = |key, why: &str| Err(MailSettingsError::new(key, why));
        if self.host.trim().is_empty() {
            return invalid("host", "it is empty.");
        }
        if self.username.is_some() != self.password.is_some() {
            return invalid("username", "give it together with password, or neither.");
        }
        if self.tls == MailTls::None && self.password.is_some() && !self.is_local_host() {
            return invalid(
                "tls",
                "without TLS the password would go over the network in the clear.",
            );
        }
        self.from.parse().or_else(|_| {
            invalid(
                "from",
                "give an address such as atrium@example.org, or Atrium <atrium@example.org>.",
            )
        })
    }

    fn is_local_host(&self) -> bool {
        let is_loopback = |ip: std::net::IpAddr| ip.is_loopback();
        self.host == "localhost" || self.host.parse().is_ok_and(is_loopback)
    }
}
