//! Streaming zip reader and writer. Written here because both must hold at most
//! one entry in memory: the reader checks its limits while inflating, the
//! writer can't seek.

mod read;
mod write;

pub(crate) use self::{
    read::{Archive, is_archive},
    write::ArchiveWriter,
};
