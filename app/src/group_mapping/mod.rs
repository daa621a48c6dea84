//! Which groups of the identity provider grant which roles and teams, tried
//! out before it counts.

mod api;
mod edit;
mod list;
mod preview;

pub(crate) use edit::{GroupMappingNewPage, GroupMappingPage};
pub(crate) use list::GroupMappingListPage;
pub(crate) use preview::GroupMappingPreviewPage;

/// The forms of these pages.
#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[(
        "/groups/preview",
        &[api::GroupMappingSave::PATH, api::GroupMappingDelete::PATH],
    )]
};
