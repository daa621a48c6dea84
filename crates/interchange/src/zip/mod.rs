//! Zip archives, read and written as streams. Our own code because both sides
//! must hold no more than one entry: reading with limits that are checked
//! while inflating, writing to where nothing can be gone back to.

mod read;
mod write;

pub(crate) use self::{
    read::{Archive, is_archive},
    write::ArchiveWriter,
};
