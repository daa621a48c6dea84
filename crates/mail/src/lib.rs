//! Sends mail through the operator's SMTP server.

mod error;
mod message;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;

use std::{fmt, sync::Arc, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use secrecy::ExposeSecret as _;

pub use error::MailError;
pub use message::Mail;
pub use settings::{MailSettings, MailSettingsError, MailTls};

/// Default limit for one message in total; somebody waits for the response.
const LIMIT: Duration = Duration::from_secs(10);

/// SMTP client, or a placeholder if no mail server is configured. Cheap to
/// clone.
#[derive(Clone)]
pub struct Mailer(Option<Arc<Inner>>);

struct Inner {
    host: String,
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    limit: Duration,
}

impl Mailer {
    /// A mailer without a server: every call fails with [`MailError::NotConfigured`].
    pub fn off() -> Self {
        Self(None)
    }

    /// Creates a client without connecting yet.
    ///
    /// # Errors
    /// Names the invalid setting.
    pub fn new(settings: &MailSettings) -> Result<Self, MailSettingsError> {
        let from = settings.check()?;
        let tls = || {
            TlsParameters::new(settings.host.clone())
                .map_err(|error| MailSettingsError::new("host", error.to_string()))
        };
        let tls = match settings.tls {
            MailTls::StartTls => Tls::Required(tls()?),
            MailTls::Implicit => Tls::Wrapper(tls()?),
            MailTls::None => Tls::None,
        };
        // "Dangerous" is the builder's default of no TLS, overridden below.
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.clone())
                .port(settings.port)
                .tls(tls)
                .timeout(Some(settings.limit.unwrap_or(LIMIT)));
        if let (Some(username), Some(password)) = (&settings.username, &settings.password) {
            let password = password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(username.clone(), password));
        }
        Ok(Self(Some(Arc::new(Inner {
            host: settings.host.clone(),
            from,
            transport: builder.build(),
            limit: settings.limit.unwrap_or(LIMIT),
        }))))
    }

    /// True if a mail server is configured.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// After [`MailError::NoResponse`] the message may still have been delivered.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let inner = self.0.as_ref().ok_or(MailError::NotConfigured)?;
        let message = mail.to_message(&inner.from)?;
        match tokio::time::timeout(inner.limit, inner.transport.send(message)).await {
            Err(_) => Err(MailError::NoResponse(inner.host.clone())),
            Ok(Err(error)) => Err(MailError::of(&inner.host, &error)),
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// Connects to the mail server and signs in if credentials are set. Sends
    /// no message.
    pub async fn check(&self) -> Result<(), MailError> {
        let inner = self.0.as_ref().ok_or(MailError::NotConfigured)?;
        match tokio::time::timeout(inner.limit, inner.transport.test_connection()).await {
            Err(_) | Ok(Ok(false)) => Err(MailError::NoResponse(inner.host.clone())),
            Ok(Err(error)) => Err(MailError::of(&inner.host, &error)),
            Ok(Ok(true)) => Ok(()),
        }
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(inner) => write!(f, "Mailer({})", inner.host),
            None => f.write_str("Mailer(off)"),
        }
    }
}
