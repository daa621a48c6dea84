//! Importing memories from a file.

mod api;
mod page;
mod parts;
mod preview;
mod upload;

pub(crate) use page::ImportPage;
pub(crate) use parts::ImportTable;
pub(crate) use upload::UploadPage;
