//! A worker's hold on a job, from inside the job's body.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::{AppError, Timestamp};
use store::{
    StoreError, TenantTx,
    job::{ClaimedJob, JobHold},
};

/// Why a job's body stopped early.
#[derive(Debug)]
pub(crate) enum JobError {
    /// Another attempt may succeed, or not: the sentence is for people.
    Failed(String),
    /// The lease is gone: the job was cancelled or another worker has it.
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

/// The hold on one job. Clones share it.
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

    /// Passes while the job is still this worker's.
    ///
    /// # Errors
    /// [`JobError::Lost`].
    pub(crate) fn check(&self) -> Result<(), JobError> {
        if self.lost.load(Ordering::Relaxed) {
            Err(JobError::Lost)
        } else {
            Ok(())
        }
    }

    /// Records progress inside the transaction that made it. Fails when the
    /// job is cancelled or another worker's by now, so that a stale worker
    /// commits nothing.
    ///
    /// # Errors
    /// [`JobError::Lost`].
    pub(crate) async fn progress(
        &self,
        tx: &mut TenantTx,
        done: i64,
        total: i64,
        now: Timestamp,
    ) -> Result<(), JobError> {
        match store::job::job_progress(tx, &self.job, done, total, now).await {
            Ok(JobHold::Held) => Ok(()),
            Ok(JobHold::Cancelled | JobHold::Paused) | Err(StoreError::Conflict) => {
                Err(JobError::Lost)
            }
            Err(error) => Err(error.into()),
        }
    }
}
