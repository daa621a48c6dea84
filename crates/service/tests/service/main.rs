//! The use cases on a real database, as the runtime role, with the real model.

mod actions;
mod import;
mod job;
mod memory;
mod support;
