//! Importing memories from a file.

mod api;
mod page;
mod parts;
mod preview;
mod upload;

pub(crate) use page::ImportPage;
pub(crate) use parts::ImportTable;
pub(crate) use upload::UploadPage;

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[(
        "/memories/imports/:id",
        &[
            api::ImportConfirm::PATH,
            api::ImportDiscard::PATH,
            api::ImportCancel::PATH,
            api::ImportRetry::PATH,
        ],
    )]
};
