//! Sharing and proposals: who sees a memory, sharing it further, and the queue
//! of those who decide.

mod api;
mod list;
mod page;
mod parts;
mod share;

use domain::Permission;
use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
    frame::NavItem,
    ui::Icon,
};

pub(crate) use parts::audience_name;
pub(crate) use share::{PendingHint, ReviewHint, WhoCanSee};

pub(crate) const NAV: NavItem = NavItem {
    path: "/memories/proposals",
    name: "Proposals",
    icon: Icon::Share,
    needs: Some(Permission::MemoryShare),
    key: 'd',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/memories/proposals"), list::ProposalListPage),
            page(path!("/memories/proposals/:id"), page::ProposalPage),
        ]
    },
    forms: &[
        (
            "/memories/:id",
            &[api::MemoryShare::PATH, api::MemoryUnshare::PATH],
        ),
        (
            "/memories/proposals/:id",
            &[api::ProposalDecide::PATH, api::ProposalWithdraw::PATH],
        ),
    ],
    flashes: FLASHES,
};

flashes! {
    /// Also used when the audience of a shared memory changed.
    MEMORY_SHARED = "memory_shared", "Memory shared.";
    /// Sharing waits for a review.
    MEMORY_PROPOSED = "memory_proposed", "Proposal sent. We’ll notify you of the decision.";
    MEMORY_UNSHARED = "memory_unshared", "No longer shared. The memory is private.";
    PROPOSAL_ACCEPTED = "proposal_accepted", "Accepted. The memory is shared.";
    PROPOSAL_DECLINED = "proposal_declined", "Declined. The memory is unchanged.";
    PROPOSAL_WITHDRAWN = "proposal_withdrawn", "Proposal withdrawn.";
}
