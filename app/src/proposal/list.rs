//! Lists of proposals: waiting for the viewer, the viewer's own, and those that
//! the viewer decided.

use domain::proposal::{ProposalSummary, ProposalView, Proposals};
use leptos::prelude::*;

use super::parts::{StatusBadge, audience_name};
use crate::{
    memory::display_title,
    ui::{
        Badge, Column, EmptyState, ListKind, ListUrl, PageHead, Time, Tone, count, list_view,
        load_list, query_string,
    },
};

const LIST: ListKind = ListKind {
    class: "proposals",
    nouns: ("proposal", "proposals"),
    default_sort: "-created_at",
    export: "proposals",
};

/// The page at `/memories/proposals`.
#[component]
pub(crate) fn ProposalListPage() -> impl IntoView {
    view! {
        <PageHead title="Proposals" lead="Requests to share memories." up=("/memories", "Memories") />
        {load_list::<service::ProposalList, _>(|url, list| show(&url, list))}
    }
    .into_any()
}

fn show(url: &ListUrl, list: Proposals) -> impl IntoView + use<> {
    let Proposals {
        view,
        may_decide,
        waiting,
        page,
    } = list;
    view! {
        {may_decide.then(|| view! { <Views active_view=view waiting=waiting /> })}
        {list_view(LIST, url, page, &columns(view), view! { <NoProposals active_view=view /> })}
    }
}

fn columns(view: ProposalView) -> Vec<Column<ProposalSummary>> {
    let title = Column::new("Memory", |proposal: &ProposalSummary| {
        let title = display_title(&proposal.title, &proposal.excerpt);
        let excerpt = (!proposal.title.is_empty()).then(|| proposal.excerpt.clone());
        view! {
            <div class="cell-line">
                <a class="row-title" dir="auto" href=format!("/memories/proposals/{}", proposal.id)>{title}</a>
                {proposal.is_change.then(|| view! { <Badge tone=Tone::Neutral text="Change" /> })}
                {excerpt.map(|text| view! { <span class="row-excerpt" dir="auto">{text}</span> })}
            </div>
        }
    });
    let proposer = Column::new("Proposed by", |proposal: &ProposalSummary| {
        view! { <span dir="auto">{proposal.proposer_name.clone()}</span> }
    });
    let audience = Column::new("Share with", |proposal: &ProposalSummary| {
        let audience = audience_name(proposal.visibility, proposal.team_name.as_deref());
        view! { <span dir="auto">{capitalised(&audience)}</span> }
    });
    let status = Column::new("Status", |proposal: &ProposalSummary| {
        view! { <StatusBadge status=proposal.status /> }
    });
    let created = Column::new("Proposed", |proposal: &ProposalSummary| {
        view! { <Time at=proposal.created_at /> }
    });
    // On a narrow screen there is room for one of “Share with” and “Status”.
    let is_waiting = view == ProposalView::Waiting;
    let audience = audience.class(if is_waiting {
        "col-status wrap"
    } else {
        "optional col-roles wrap"
    });
    let mut columns = vec![title.ascending("title")];
    if view != ProposalView::Mine {
        columns.push(
            proposer
                .class("optional col-roles wrap")
                .ascending("proposer"),
        );
    }
    columns.push(audience);
    if !is_waiting {
        columns.push(status.class("col-status"));
    }
    columns.push(created.class("optional col-time").descending("-created_at"));
    columns
}

/// Links to the views, with the number of waiting proposals.
#[component]
fn Views(active_view: ProposalView, waiting: i64) -> impl IntoView {
    view! {
        <nav class="tabs" aria-label="Proposals">
            {ProposalView::ALL
                .iter()
                .map(|view| {
                    let href = format!("/memories/proposals{}", query_string(&[("view", view.key())]));
                    let waiting = (*view == ProposalView::Waiting && waiting > 0)
                        .then(|| view! { " " <span class="badge badge-accent">{count(waiting)}</span> });
                    view! {
                        <a href=href aria-current=(*view == active_view).then_some("page")>
                            {view.label()}
                            {waiting}
                        </a>
                    }
                })
                .collect_view()}
        </nav>
    }
}

#[component]
fn NoProposals(active_view: ProposalView) -> impl IntoView {
    let (title, text) = match active_view {
        ProposalView::Waiting => (
            "No requests to review",
            "Requests to share a memory or to change a shared one appear here. We’ll notify you.",
        ),
        ProposalView::Mine => (
            "No proposals sent",
            "To propose sharing a memory with a team or the organisation, open one of your memories.",
        ),
        ProposalView::Decided => (
            "No reviewed proposals",
            "Proposals that you accept or decline appear here.",
        ),
    };
    view! {
        <EmptyState title=title text=text>
            <a class="button" href="/memories?owner=mine">"Your memories"</a>
        </EmptyState>
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
