//! Background jobs: claiming, running, retrying.
//!
//! A job names its kind and a member; it runs in that member's tenant with the
//! member's current permissions. Embedding jobs don't depend on permissions:
//! they cover the memories of inactive members too.

mod embedding;
mod housekeeping;
mod lease;
mod runner;

pub use self::housekeeping::embedding_sweep;
pub use self::runner::{WorkerSettings, imports_run, work};
pub(crate) use self::{
    embedding::{enqueue_embedding, enqueue_embedding_of},
    lease::{JobError, Lease},
};

/// Attempts before a job fails for good and can only be retried by hand.
pub(crate) const MAX_ATTEMPTS: i32 = 3;
