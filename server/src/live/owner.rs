//! Who an open stream is for, found out anew for each look.

use std::fmt;

use domain::{Actor, AppError, RequestFacts, SessionId, TenantId, live::EndReason};
use secrecy::{ExposeSecret as _, SecretString};
use service::{ApiKeyError, Ctx, api_key_actor};

use crate::auth::Auth;

/// By what a stream was opened.
#[derive(Clone)]
pub(crate) enum StreamOwner {
    /// A browser's session.
    Session {
        /// What knows sessions.
        auth: Auth,
        /// Its organisation and its public id, which no rotation changes.
        session: (TenantId, SessionId),
    },
    /// An API key.
    Key(SecretString),
}

impl fmt::Debug for StreamOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session { .. } => "Session",
            Self::Key(_) => "Key",
        })
    }
}

/// Why there is nothing to tell.
#[derive(Debug)]
pub(super) enum StreamEnd {
    /// And never will be.
    Ended(EndReason),
    /// It could not be found out now.
    Unknown,
}

impl From<AppError> for StreamEnd {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Forbidden { .. } => Self::Ended(EndReason::Forbidden),
            AppError::Unauthenticated => Self::Ended(EndReason::SignedOut),
            error => {
                tracing::debug!(%error, "a stream could not look");
                Self::Unknown
            }
        }
    }
}

impl StreamOwner {
    /// The member as of now, if they may still act.
    pub(super) async fn resolve(
        &self,
        ctx: &Ctx,
        facts: &RequestFacts,
    ) -> Result<Actor, StreamEnd> {
        match self {
            Self::Session { auth, session } => match auth.revalidate(*session, facts).await {
                Ok(revalidate) => revalidate.map_err(StreamEnd::Ended),
                Err(error) => Err(AppError::from(error).into()),
            },
            Self::Key(key) => api_key_actor(ctx, key.expose_secret(), facts)
                .await
                .map_err(|refusal| match refusal {
                    ApiKeyError::Failed(error) => error.into(),
                    ApiKeyError::OwnerInactive => StreamEnd::Ended(EndReason::Inactive),
                    _ => StreamEnd::Ended(EndReason::Key),
                }),
        }
    }
}
