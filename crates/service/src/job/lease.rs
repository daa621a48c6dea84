//! A worker's lease of a job, for the job's body.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::{AppError, Timestamp};
use store::{
    StoreError, TenantTx,
    job::{ClaimedJob, LeaseState},
};

/// The reason why a job's body stopped early.
#[derive(Debug)]
pub(crate) enum JobError {
    /// May be retried; the sentence is shown to users.
    Failed(String),
    /// The job was cancelled or belongs to another worker now.
    Lost,
}

impl From<AppError> for JobError {
    fn from(error: AppError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        AppError::from(error).into()
    }
}

/// The lease of one job. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(super) job: Arc<ClaimedJob>,
    pub(super) lost: Arc<AtomicBool>,
}

impl Lease {
    pub(super) fn new(job: ClaimedJob) -> Self {
        Self {
            job: Arc::new(job),
            lost: Arc::default(),
        }
    }

    /// Fails if the job no longer belongs to this worker.
    pub(crate) fn check(&self) -> Result<(), JobError> {
        if self.lost.load(Ordering::Relaxed) {
            Err(JobError::Lost)
        } else {
            Ok(())
        }
    }

    /// Records progress in the transaction that made it. Fails if the job was
    /// cancelled or belongs to another worker now, so that a stale worker
    /// commits nothing.
    pub(crate) async fn progress(
        &self,
        tx: &mut TenantTx,
        done: i64,
        total: i64,
        now: Timestamp,
    ) -> Result<(), JobError> {
        match store::job::job_progress(tx, &self.job, done, total, now).await {
            Ok(LeaseState::Held) => Ok(()),
            Ok(LeaseState::Cancelled | LeaseState::Paused) | Err(StoreError::Conflict) => {
                Err(JobError::Lost)
            }
            Err(error) => Err(error.into()),
        }
    }
}
