//! Text embeddings on the CPU with all-MiniLM-L6-v2 and our own forward pass.
//!
//! The crate is synchronous. From async code call it on a blocking thread
//! (`tokio::task::spawn_blocking`) with one [`Model`] per process in an `Arc`:
//!
//! - [`Model::embed_query`] for one text, on the calling thread.
//! - [`Model::embed_batch`] for many texts, on all cores.
//!
//! A vector has [`DIMENSIONS`] components and length 1, so the dot product of
//! two vectors is their cosine. For texts of up to [`MAX_TOKENS`] tokens it
//! equals the result of sentence-transformers. Longer texts, which
//! sentence-transformers would truncate, are split into windows of about equal
//! length, and their vector is the mean over the tokens of all windows.
//!
//! The weights are not in this repository: see [`files`] for their source.

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

/// The model's name, stored with each vector so that vectors of different
/// models are never compared.
pub const MODEL_ID: &str = "all-MiniLM-L6-v2";

/// Components of a vector.
pub const DIMENSIONS: usize = 384;

/// Tokens that the model reads at once, including the two special tokens.
pub const MAX_TOKENS: usize = 256;
