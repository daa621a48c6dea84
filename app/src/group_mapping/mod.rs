//! Rules by which groups of the identity provider grant roles and teams,
//! previewed before they are saved.

mod api;
mod edit;
mod list;
mod preview;

pub(crate) use edit::{GroupMappingNewPage, GroupMappingPage};
pub(crate) use list::GroupMappingListPage;
pub(crate) use preview::GroupMappingPreviewPage;

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[(
        "/groups/preview",
        &[api::GroupMappingSave::PATH, api::GroupMappingDelete::PATH],
    )]
};
