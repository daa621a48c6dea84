//! Break-glass: reading a member's private memories for a stated reason.

mod api;
mod page;
mod parts;

pub(crate) use page::{PrivateMemoryListPage, PrivateMemoryPage};
pub(crate) use parts::{BreakGlassReports, BreakGlassSection};

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
        (
            "/members/:id",
            &[api::BreakGlassOpen::PATH, api::BreakGlassClose::PATH],
        ),
        ("/members/:id/break-glass", &[api::BreakGlassClose::PATH]),
        (
            "/members/:id/break-glass/:memory",
            &[api::BreakGlassClose::PATH],
        ),
    ]
};
