//! One proposal: the text under review, its audience, and the decision.

use domain::{
    ProposalId,
    memory::Visibility,
    proposal::{Proposal, ProposalStatus, ProposedChange, SharedMemory},
    share::Viewers,
};
use leptos::prelude::*;

use super::{
    api::{ProposalDecide, ProposalWithdraw, proposal_get},
    parts::{Names, StatusBadge, audience_name, how_many},
};
use crate::{
    forms::{FormState, PostForm},
    memory::{DiffText, Fact, display_title, facts},
    ui::{Badge, Glyph, Icon, PageHead, TextArea, Time, Tone, load_page, path_id},
};

/// The page at `/memories/proposals/{id}`.
#[component]
pub(crate) fn ProposalPage() -> impl IntoView {
    let id = path_id::<ProposalId>("id");
    let proposal = async move { proposal_get(id?).await };
    load_page(proposal, show)
}

fn show(proposal: Proposal) -> impl IntoView {
    let summary = proposal.summary.clone();
    let title = display_title(&summary.title, &proposal.content);
    let audience = audience_name(summary.visibility, summary.team_name.as_deref());
    let is_pending = summary.status == ProposalStatus::Pending;
    let subject = match (proposal.is_own, is_pending) {
        (true, true) => "You are proposing".to_owned(),
        (true, false) => "You proposed".to_owned(),
        (false, true) => format!("{} is proposing", summary.proposer_name),
        (false, false) => format!("{} proposed", summary.proposer_name),
    };
    let is_change = proposal.change.is_some();
    let lead = if is_change {
        format!("{subject} a change to this memory, shared with {audience}.")
    } else {
        format!("{subject} sharing this memory with {audience}.")
    };
    let id = summary.id;
    let may_decide = proposal.may_decide;
    let may_withdraw = proposal.is_own && is_pending;
    view! {
        <PageHead title=title lead=lead up=("/memories/proposals", "Proposals") />
        {proposal.is_stale.then(|| view! { <StaleNotice memory=format!("/memories/{}", proposal.memory_id) /> })}
        <div class="split split-on">
            {match proposal.change.clone() {
                Some(change) => view! { <ChangeDiff change=change version=proposal.memory_version /> }.into_any(),
                None => {
                    view! { <article class="memory-text" dir="auto">{proposal.content.clone()}</article> }.into_any()
                }
            }}
            <aside class="memory-facts" aria-label="About this proposal">
                {proposal
                    .viewers
                    .clone()
                    .map(|viewers| {
                        view! { <AudienceSection viewers=viewers visibility=summary.visibility is_change=is_change /> }
                    })}
                <Details proposal=proposal.clone() />
            </aside>
            <div class="split-rest">
                {(!proposal.comment.is_empty())
                    .then(|| {
                        view! {
                            <section class="section" aria-labelledby="why">
                                <h2 id="why">{if is_change { "Change note" } else { "Reason" }}</h2>
                                <p class="quote" dir="auto">{proposal.comment.clone()}</p>
                            </section>
                        }
                    })}
                <ReviewResult proposal=proposal />
                {may_decide.then(|| view! { <Decide id=id is_change=is_change /> })}
                {may_withdraw.then(|| view! { <Withdraw id=id /> })}
            </div>
        </div>
    }
}

#[component]
fn StaleNotice(memory: String) -> impl IntoView {
    view! {
        <div class="notice notice-warning">
            <Glyph icon=Icon::Warning />
            <span>
                <a class="link-line" href=memory>"The memory"</a>
                " changed after it was proposed, so this can’t be accepted. Propose it again."
            </span>
        </div>
    }
}

/// The difference that a change makes: the text, and all other fields that
/// others see.
#[component]
fn ChangeDiff(change: ProposedChange, version: i32) -> impl IntoView {
    let ProposedChange {
        before,
        after,
        title,
        content,
    } = change;
    let has_title = !(before.title.is_empty() && after.title.is_empty());
    let shown = |memory: &SharedMemory| {
        let mut shown = vec![
            ("Kind", Fact::Text(memory.kind.label().to_owned())),
            ("Tags", Fact::Text(memory.tags.join(", "))),
        ];
        shown.extend(facts(&memory.attributes));
        shown
    };
    let changed_facts: Vec<_> = shown(&before)
        .into_iter()
        .zip(shown(&after))
        .filter(|(before, after)| before != after)
        .collect();
    view! {
        <section aria-labelledby="difference">
            <h2 id="difference">{format!("Changes to version {version}")}</h2>
            {has_title.then(|| view! { <h3 class="version-title" dir="auto"><DiffText spans=title /></h3> })}
            <div class="memory-text diff" dir="auto"><DiffText spans=content /></div>
            {(!changed_facts.is_empty())
                .then(|| {
                    view! {
                        <dl class="facts facts-narrow">
                            {changed_facts
                                .into_iter()
                                .map(|((name, before), (_, after))| {
                                    view! {
                                        <div>
                                            <dt>{name}</dt>
                                            <dd>
                                                {(!before.is_empty()).then(|| view! { <del>{before.view()}</del> })} " "
                                                {(!after.is_empty()).then(|| view! { <ins>{after.view()}</ins> })}
                                            </dd>
                                        </div>
                                    }
                                })
                                .collect_view()}
                        </dl>
                    }
                })}
        </section>
    }
}

#[component]
fn AudienceSection(viewers: Viewers, visibility: Visibility, is_change: bool) -> impl IntoView {
    let icon = if visibility == Visibility::Org {
        Icon::Building
    } else {
        Icon::Users
    };
    view! {
        <section class="who" aria-labelledby="who">
            <h2 id="who"><Glyph icon=icon /> {if is_change { "Who can see this" } else { "Who will see this" }}</h2>
            <p>{how_many(&viewers)} ", including the author."</p>
            <Names viewers=viewers />
        </section>
    }
}

#[component]
fn Details(proposal: Proposal) -> impl IntoView {
    let summary = proposal.summary;
    let tags = proposal.tags;
    let memory = proposal
        .is_own
        .then(|| format!("/memories/{}", proposal.memory_id));
    view! {
        <dl class="facts facts-narrow">
            <div><dt>"Status"</dt><dd><StatusBadge status=summary.status /></dd></div>
            <div>
                <dt>"Author"</dt>
                <dd><a dir="auto" href=format!("/members/{}", summary.proposer_id)>{summary.proposer_name}</a></dd>
            </div>
            <div><dt>"Proposed"</dt><dd><Time at=summary.created_at /></dd></div>
            <div><dt>"Kind"</dt><dd>{proposal.kind.label()}</dd></div>
            {(!tags.is_empty())
                .then(|| {
                    let tags = tags
                        .into_iter()
                        .map(|tag| view! { <Badge tone=Tone::Neutral text=tag /> })
                        .collect_view();
                    view! { <div><dt>"Tags"</dt><dd><span class="tags">{tags}</span></dd></div> }
                })}
            {memory
                .map(|href| {
                    view! {
                        <div>
                            <dt>"Memory"</dt>
                            <dd><a href=href>{format!("Version {}", proposal.memory_version)}</a></dd>
                        </div>
                    }
                })}
        </dl>
    }
}

/// The result of the review, with its comment.
#[component]
fn ReviewResult(proposal: Proposal) -> impl IntoView {
    let summary = proposal.summary;
    summary.reviewed_at.map(|at| {
        let name = proposal.reviewer_name;
        let comment = proposal
            .review_comment
            .filter(|comment| !comment.is_empty());
        view! {
            <section class="section" aria-labelledby="outcome">
                <h2 id="outcome">{summary.status.label()}</h2>
                <p>
                    {name.map(|name| view! { "By " <bdi>{name}</bdi> ", " })}
                    <Time at=at /> "."
                </p>
                {comment.map(|comment| view! { <p class="quote" dir="auto">{comment}</p> })}
            </section>
        }
    })
}

#[component]
fn Decide(id: ProposalId, is_change: bool) -> impl IntoView {
    let state = FormState::<ProposalDecide>::new();
    let accept = if is_change {
        "Accept change"
    } else {
        "Accept and share"
    };
    view! {
        <section class="section" aria-labelledby="decide">
            <h2 id="decide">"Your decision"</h2>
            <p class="muted">
                "You are approving this exact version. If the author changes it first, it can’t be accepted."
            </p>
            <PostForm state=state class="form">
                <input type="hidden" name="id" value=id.to_string() />
                <TextArea
                    name="comment"
                    label="Comment"
                    hint="Visible to the author."
                    rows=3
                    optional=true
                    value=state.typed("comment", "")
                    error=state.field_error("comment")
                />
                <div class="form-actions">
                    <button type="submit" name="decision" value="accept" class="button button-primary">
                        {accept}
                    </button>
                    <button type="submit" name="decision" value="decline" class="button">"Decline"</button>
                </div>
            </PostForm>
        </section>
    }
}

#[component]
fn Withdraw(id: ProposalId) -> impl IntoView {
    let state = FormState::<ProposalWithdraw>::new();
    view! {
        <PostForm state=state class="inline-form">
            <input type="hidden" name="id" value=id.to_string() />
            <button type="submit" class="button">
                <Glyph icon=Icon::Undo />
                "Withdraw"
            </button>
        </PostForm>
    }
}
