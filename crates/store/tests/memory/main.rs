//! Memories: writing, listing, embedding and finding them.

mod embedding;
mod frequency;
mod listing;
mod narrowing;
mod searching;
mod sight;
mod support;
mod writing;
