//! Text to vectors on the CPU: all-MiniLM-L6-v2, the forward pass our own.
//!
//! The crate is synchronous. From async code call it on a blocking thread
//! (`tokio::task::spawn_blocking`) with one [`Model`] per process in an `Arc`:
//!
//! - [`Model::embed_query`] for one text, on the calling thread: the quickest answer.
//! - [`Model::embed_batch`] for many, spread over the machine's cores.
//!
//! A vector has [`DIMENSIONS`] components and length 1, so the dot product of two is
//! their cosine. It equals what sentence-transformers gives for texts of up to
//! [`MAX_TOKENS`] tokens. A longer text, which sentence-transformers would cut off, is
//! split into windows of about equal length and gets the mean over the tokens of all.
//!
//! The weights are not in this repository: see [`files`] for where they come from.

pub mod files;
mod forward;
mod kernels;
mod matrix;
mod model;
mod tokenize;
mod weights;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

pub use files::OpenError;
pub use model::{EmbedError, Embedding, Model};

/// The model's name, stored beside vectors so that vectors of two models never mix.
pub const MODEL_ID: &str = "all-MiniLM-L6-v2";

/// Components of a vector.
pub const DIMENSIONS: usize = 384;

/// Tokens that the model reads at once, the opening and closing mark included.
pub const MAX_TOKENS: usize = 256;
