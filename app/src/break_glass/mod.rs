//! Break-glass: reading a member's private memories for a stated reason.

mod api;
mod page;
mod parts;

use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
};

pub(crate) use parts::{BreakGlassReports, BreakGlassSection};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(
                path!("/members/:id/break-glass"),
                page::PrivateMemoryListPage,
            ),
            page(
                path!("/members/:id/break-glass/:memory"),
                page::PrivateMemoryPage,
            ),
        ]
    },
    forms: &[
        (
            "/members/:id",
            &[api::BreakGlassOpen::PATH, api::BreakGlassClose::PATH],
        ),
        ("/members/:id/break-glass", &[api::BreakGlassClose::PATH]),
        (
            "/members/:id/break-glass/:memory",
            &[api::BreakGlassClose::PATH],
        ),
    ],
    flashes: FLASHES,
};

flashes! {
    BREAK_GLASS_OPENED = "break_glass_opened", "Private memories opened. The member was notified.";
    BREAK_GLASS_CLOSED = "break_glass_closed", "Break-glass access ended.";
}
