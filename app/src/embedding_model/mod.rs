//! By which model memories are found by meaning, and changing it.

mod api;
mod page;

pub(crate) use page::EmbeddingModelPage;
