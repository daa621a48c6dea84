//! Background work: claiming, running, retrying.
//!
//! A job's row names its kind and the member for whom it runs; its body runs
//! with that member's permissions of the moment, in that member's tenant.
//! Vectors are Atrium's own work: they are made of what a member wrote
//! whatever the member may do by now.

mod embedding;
mod housekeeping;
mod lease;
mod runner;

pub use self::housekeeping::embedding_sweep;
pub use self::runner::{WorkerSettings, work};
pub(crate) use self::{
    embedding::{enqueue_embedding, enqueue_embedding_of},
    lease::{JobError, Lease},
};

/// Attempts before a job is given up and waits for a person.
pub(crate) const MAX_ATTEMPTS: i32 = 3;
