//! Why a message was not taken, in words for the one who sent it.

use std::error::Error as _;

use lettre::transport::smtp;

/// Characters of a server's own words that are passed on.
const ANSWER_CHARS: usize = 200;

/// A message that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The operator set up no mail server.
    #[error("No mail server is set up.")]
    Off,
    /// The message can't be written: an address or a name that no header takes.
    #[error("This address can't be written to.")]
    Message,
    /// Nobody is there, or not in time.
    #[error("The mail server {0} does not answer.")]
    Silent(String),
    /// It offers no TLS, or another's certificate.
    #[error("The mail server {0} offers no safe connection.")]
    Tls(String),
    /// It was there and said no.
    #[error("The mail server {host} refused it: {answer}.")]
    Refused {
        /// The server.
        host: String,
        /// Its answer, cut and without control characters.
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
                let said = error.source().map(|cause| format!(" {cause}"));
                let answer = format!("{code}{}", said.unwrap_or_default());
                Self::Refused {
                    host,
                    answer: cleaned(&answer),
                }
            }
            None if error.is_client() || error.is_response() => Self::Refused {
                host,
                answer: error.source().map_or_else(
                    || "its answer can't be understood".to_owned(),
                    |cause| cleaned(&cause.to_string()),
                ),
            },
            None => Self::Silent(host),
        }
    }
}

/// The library tells it by a sentence only.
fn is_without_tls(error: &smtp::Error) -> bool {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    error.is_client() && cause.contains("STARTTLS")
}

fn cleaned(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(ANSWER_CHARS)
        .collect();
    text.trim().trim_end_matches('.').to_owned()
}
