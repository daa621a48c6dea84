//! Zip archives, by the `zip` crate: the reader with limits, the writer to a
//! target that can't seek.

mod read;
mod write;

pub(crate) use self::{
    read::{Archive, base_name, is_archive},
    write::ArchiveWriter,
};
