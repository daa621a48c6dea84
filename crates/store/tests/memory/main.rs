//! Memories: writing, listing, embedding, searching, sharing.

mod access_scope;
mod criteria;
mod embedding;
mod frequency;
mod listing;
mod live;
mod proposing;
mod reviewing;
mod searching;
mod sharing;
mod support;
mod thread;
mod trash;
mod vendor;
mod viewing;
mod writing;
