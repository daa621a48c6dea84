//! Sharing and proposals: who sees a memory, sharing it further, and the queue
//! of those who decide.

mod api;
mod list;
mod page;
mod parts;
mod share;

pub(crate) use api::{MemoryShare, MemoryUnshare};
pub(crate) use list::ProposalListPage;
pub(crate) use page::ProposalPage;
pub(crate) use parts::audience_name;
pub(crate) use share::{PendingHint, ReviewHint, WhoCanSee};

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
        (
            "/memories/:id",
            &[api::MemoryShare::PATH, api::MemoryUnshare::PATH],
        ),
        (
            "/memories/proposals/:id",
            &[api::ProposalDecide::PATH, api::ProposalWithdraw::PATH],
        ),
    ]
};
