//! Memories: writing, listing, embedding and finding them.

mod embedding;
mod frequency;
mod listing;
mod live;
mod narrowing;
mod proposing;
mod reviewing;
mod searching;
mod sharing;
mod sight;
mod support;
mod thread;
mod trash;
mod vendor;
mod viewing;
mod writing;
