//! Lists of proposals: waiting for the viewer, the viewer's own, and those that
//! the viewer decided.

use domain::proposal::{ProposalSummary, ProposalView, Proposals};
use leptos::prelude::*;

use super::{
    api::proposal_list,
    parts::{StatusBadge, audience_name},
};
use crate::{
    memory::display_title,
    ui::{
        Badge, EmptyState, PageHead, Paging, Time, Tone, count, load_part, query_string, use_query,
    },
};

/// The page at `/memories/proposals`.
#[component]
pub(crate) fn ProposalListPage() -> impl IntoView {
    let query = use_query();
    let view = query.get("view").to_owned();
    let after = query.get("after").to_owned();
    let list = async move {
        let list = proposal_list(view, after.clone()).await?;
        Ok::<_, domain::AppError>((after, list))
    };
    view! {
        <PageHead title="Proposals" lead="Requests to share memories." up=("/memories", "Memories") />
        {load_part(list, |(after, list)| show(&after, list))}
    }
    .into_any()
}

fn show(after: &str, list: Proposals) -> AnyView {
    let Proposals {
        view: active_view,
        may_decide,
        waiting,
        page,
    } = list;
    let tabs = may_decide.then(|| view! { <Views active_view=active_view waiting=waiting /> });
    if page.items.is_empty() && after.is_empty() {
        return view! {
            {tabs}
            <NoProposals active_view=active_view />
        }
        .into_any();
    }
    let path = |after: &str| {
        let query = query_string(&[("view", active_view.key()), ("after", after)]);
        format!("/memories/proposals{query}")
    };
    view! {
        {tabs}
        <ProposalTable proposals=page.items active_view=active_view />
        <Paging newest=path("") older=page.next.map(|next| path(&next)) first=after.is_empty() />
    }
    .into_any()
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

#[component]
fn ProposalTable(proposals: Vec<ProposalSummary>, active_view: ProposalView) -> impl IntoView {
    let is_own_view = active_view == ProposalView::Mine;
    // On a narrow screen there is room for one of “Share with” and “Status”.
    let for_class = if active_view == ProposalView::Waiting {
        "col-status"
    } else {
        "optional col-roles"
    };
    view! {
        <div class="table-frame">
            <table class="proposals">
                <thead>
                    <tr>
                        <th scope="col">"Memory"</th>
                        {(!is_own_view).then(|| view! { <th scope="col" class="optional col-roles">"Proposed by"</th> })}
                        <th scope="col" class=for_class>"Share with"</th>
                        {(active_view != ProposalView::Waiting).then(|| view! { <th scope="col" class="col-status">"Status"</th> })}
                        <th scope="col" class="optional col-time">"Proposed"</th>
                    </tr>
                </thead>
                <tbody>
                    {proposals
                        .into_iter()
                        .map(|proposal| {
                            let audience = audience_name(proposal.visibility, proposal.team_name.as_deref());
                            let title = display_title(&proposal.title, &proposal.excerpt);
                            let excerpt = (!proposal.title.is_empty()).then_some(proposal.excerpt);
                            view! {
                                <tr>
                                    <td>
                                        <div class="cell-line">
                                            <a
                                                class="row-title"
                                                dir="auto"
                                                href=format!("/memories/proposals/{}", proposal.id)
                                            >
                                                {title}
                                            </a>
                                            {proposal
                                                .is_change
                                                .then(|| view! { <Badge tone=Tone::Neutral text="Change" /> })}
                                            {excerpt
                                                .map(|text| {
                                                    view! { <span class="row-excerpt" dir="auto">{text}</span> }
                                                })}
                                        </div>
                                    </td>
                                    {(!is_own_view)
                                        .then(|| {
                                            view! { <td class="optional wrap" dir="auto">{proposal.proposer_name}</td> }
                                        })}
                                    <td class=format!("{for_class} wrap") dir="auto">{capitalised(&audience)}</td>
                                    {(active_view != ProposalView::Waiting)
                                        .then(|| view! { <td><StatusBadge status=proposal.status /></td> })}
                                    <td class="optional col-time"><Time at=proposal.created_at /></td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
