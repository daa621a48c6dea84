//! Errors of sending, worded for the sender of the message.

use std::error::Error as _;

use lettre::transport::smtp;

/// Maximum characters of a server's response that are shown.
const ANSWER_CHARS: usize = 200;

/// Reason why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// No mail server is configured.
    #[error("No mail server is set up.")]
    NotConfigured,
    /// An address or a name can't be encoded as a header.
    #[error("This address can't be written to.")]
    Message,
    /// No connection or no response within the limit.
    #[error("The mail server {0} does not answer.")]
    NoResponse(String),
    /// The server offers no TLS or presents an invalid certificate.
    #[error("The mail server {0} offers no safe connection.")]
    Tls(String),
    /// The server rejected the message or the credentials.
    #[error("The mail server {host} refused it: {answer}.")]
    Rejected {
        host: String,
        /// The server's response, shortened and without control characters.
        answer: String,
    },
}

impl MailError {
    pub(crate) fn of(host: &str, error: &smtp::Error) -> Self {
        let host = host.to_owned();
        if error.is_tls() || is_without_tls(error) {
            return Self::Tls(host);
        }
        match error.status() {
            Some(code) => {
                let cause = error.source().map(|cause| format!(" {cause}"));
                let answer = format!("{code}{}", cause.unwrap_or_default());
                Self::Rejected {
                    host,
                    answer: clean_response(&answer),
                }
            }
            None if error.is_client() || error.is_response() => Self::Rejected {
                host,
                answer: error.source().map_or_else(
                    || "its answer can't be understood".to_owned(),
                    |cause| clean_response(&cause.to_string()),
                ),
            },
            None => Self::NoResponse(host),
        }
    }
}

/// lettre reports this case only in the error's message.
fn is_without_tls(error: &smtp::Error) -> bool {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    error.is_client() && cause.contains("STARTTLS")
}

fn clean_response(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(ANSWER_CHARS)
        .collect();
    text.trim().trim_end_matches('.').to_owned()
}
