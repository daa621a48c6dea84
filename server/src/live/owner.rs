//! The owner of an open stream, resolved again for each read.

use std::fmt;

use domain::{Actor, AppError, RequestFacts, SessionId, TenantId, live::EndReason};
use secrecy::{ExposeSecret as _, SecretString};
use service::{
    ApiKeyError, Ctx, api_key_actor,
    identity::{CallerError, session_revalidate},
};

/// The credential that opened a stream.
#[derive(Clone)]
pub(crate) enum StreamOwner {
    /// A browser session: organisation and public id, which stays the same when
    /// the session's token rotates.
    Session((TenantId, SessionId)),
    Key(SecretString),
}

impl fmt::Debug for StreamOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session(_) => "Session",
            Self::Key(_) => "Key",
        })
    }
}

/// The reason why a read returned no events.
#[derive(Debug)]
pub(super) enum StreamEnd {
    /// The stream ends for good.
    Ended(EndReason),
    /// A temporary failure; the next read tries again.
    Unknown,
}

impl From<AppError> for StreamEnd {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Forbidden { .. } => Self::Ended(EndReason::Forbidden),
            AppError::Unauthenticated => Self::Ended(EndReason::SignedOut),
            error => {
                tracing::debug!(%error, "a stream could not poll");
                Self::Unknown
            }
        }
    }
}

impl From<CallerError> for StreamEnd {
    fn from(error: CallerError) -> Self {
        match error {
            CallerError::Unknown => Self::Ended(EndReason::SignedOut),
            CallerError::Inactive(_) => Self::Ended(EndReason::Inactive),
            CallerError::Failed(error) => error.into(),
        }
    }
}

impl StreamOwner {
    /// The current actor, if they may still act.
    pub(super) async fn resolve(
        &self,
        ctx: &Ctx,
        facts: &RequestFacts,
    ) -> Result<Actor, StreamEnd> {
        match self {
            Self::Session(session) => Ok(session_revalidate(ctx, *session, facts).await?),
            Self::Key(key) => api_key_actor(ctx, key.expose_secret(), facts)
                .await
                .map_err(|error| match error {
                    ApiKeyError::Failed(error) => error.into(),
                    ApiKeyError::OwnerInactive => StreamEnd::Ended(EndReason::Inactive),
                    _ => StreamEnd::Ended(EndReason::Key),
                }),
        }
    }
}
