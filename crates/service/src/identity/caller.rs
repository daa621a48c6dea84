//! The steps that resolving a session and resolving an API key share.

use domain::{AppError, SignInProblem, TenantId, Timestamp, UserId};
use store::{
    AuthTx, StoreError, TenantTx,
    actor::{ActorRecord, actor_load},
    user::user_touch,
};
use time::Duration;

/// The reason why a session or key has no caller.
#[derive(Debug, PartialEq, Eq)]
pub enum CallerError {
    /// The session has ended, or its member is gone.
    Unknown,
    /// The member or the organisation is not active.
    Inactive(SignInProblem),
    Failed(AppError),
}

impl From<StoreError> for CallerError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// True if the last use of a session or key was recorded so long ago that this
/// one is recorded too.
pub(crate) fn is_use_due(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|at| now - at >= Duration::MINUTE)
}

/// Fails unless both the member and the organisation are active.
pub(super) fn check_active(record: &ActorRecord) -> Result<(), CallerError> {
    if let Some(problem) = SignInProblem::of_tenant(record.tenant_status) {
        return Err(CallerError::Inactive(problem));
    }
    if record.may_act() {
        Ok(())
    } else {
        Err(CallerError::Inactive(SignInProblem::Suspended))
    }
}

/// Continues the transaction that read a session or key in its organisation,
/// and loads its member, who must be active (SEC-B3). Records the member's use
/// at `used_at`, if it is given.
pub(crate) async fn caller_load(
    tx: AuthTx,
    tenant_id: TenantId,
    user_id: UserId,
    used_at: Option<Timestamp>,
) -> Result<(TenantTx, ActorRecord), CallerError> {
    let mut tx = match used_at {
        // Members can't update their own last-seen time.
        Some(_) => tx.enter_as_system(tenant_id).await?,
        None => tx.enter_as_member(tenant_id, user_id).await?,
    };
    let record = match actor_load(&mut tx, user_id).await {
        Err(StoreError::NotFound) => return Err(CallerError::Unknown),
        other => other?,
    };
    check_active(&record)?;
    if let Some(now) = used_at {
        user_touch(&mut tx, user_id, now).await?;
    }
    Ok((tx, record))
}
