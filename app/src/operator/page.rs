//! One organisation: its state, and what an operator can do about it.

use domain::{
    TenantId,
    tenant::{TenantCounts, TenantDetail, TenantStatus, TenantTier},
};
use leptos::prelude::*;

use super::{
    api::{TenantResume, TenantSuspend, TenantTierSet, tenant_get},
    parts::{Health, StatusBadge, time_or},
};
use crate::{
    forms::{FormState, PostForm},
    ui::{
        Badge, Choice, Confirm, CopyId, Glyph, Icon, PageHead, SelectField, TextArea, Time, Tone,
        count, load_page, path_id,
    },
};

/// The page at `/operator/{id}`.
#[component]
pub(crate) fn TenantPage() -> impl IntoView {
    let id = path_id("id");
    let data = async move { tenant_get(id?).await };
    load_page(data, show)
}

fn show(detail: TenantDetail) -> impl IntoView {
    let summary = detail.summary.clone();
    let name = summary.name.clone();
    let (id, status, is_home) = (summary.id, summary.status, detail.is_home);
    let may_resume = status != TenantStatus::Active && !detail.is_past_grace;
    view! {
        <PageHead title=name.clone() lead=summary.slug up=("/operator", "All organisations")>
            {may_resume.then(|| view! { <Resume id=id /> })}
        </PageHead>
        <StatusNotice detail=detail.clone() />
        <Details detail=detail />
        <Usage counts=summary.counts />
        <Tier id=id tier=summary.tier />
        {match (status, is_home) {
            (_, true) => view! { <HomeNotice /> }.into_any(),
            (TenantStatus::Active, false) => view! {
                <Suspend id=id name=name.clone() />
                <DeleteLink id=id />
            }
                .into_any(),
            (TenantStatus::Suspended, false) => view! { <DeleteLink id=id /> }.into_any(),
            (TenantStatus::Deleted, false) => ().into_any(),
        }}
    }
}

/// The reason why nobody can sign in, and when the data is removed.
#[component]
fn StatusNotice(detail: TenantDetail) -> impl IntoView {
    let text = match detail.summary.status {
        TenantStatus::Active => return ().into_any(),
        TenantStatus::Suspended => "Suspended. Members can’t sign in, and jobs are paused.",
        TenantStatus::Deleted if detail.is_past_grace => {
            "Deleted. The grace period has ended, and the data is being removed."
        }
        TenantStatus::Deleted => "Deleted. Members can’t sign in, and the data will be removed.",
    };
    view! {
        <div class="notice notice-warning">
            <Glyph icon=Icon::Lock />
            <div>
                <p>{text}</p>
                {detail.status_reason.map(|reason| view! { <p dir="auto">"Reason: " {reason}</p> })}
                {detail
                    .delete_after
                    .map(|at| view! { <p>"Data is deleted: " <Time at=at /></p> })}
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Resume(id: TenantId) -> impl IntoView {
    let state = FormState::<TenantResume>::new();
    view! {
        <PostForm state=state class="inline-form">
            <input type="hidden" name="id" value=id.to_string() />
            <button type="submit" class="button button-primary">"Resume"</button>
        </PostForm>
    }
}

#[component]
fn Details(detail: TenantDetail) -> impl IntoView {
    let summary = detail.summary;
    view! {
        <section class="section" aria-labelledby="organisation">
            <h2 id="organisation">"Organisation"</h2>
            <dl class="facts">
                <div>
                    <dt>"Status"</dt>
                    <dd class="cell-line">
                        <StatusBadge status=summary.status />
                        {detail.is_home.then(|| view! { <Badge tone=Tone::Accent text="Your organisation" /> })}
                        {detail.is_demo.then(|| view! { <Badge tone=Tone::Neutral text="Demo" /> })}
                    </dd>
                </div>
                {detail
                    .status_changed_at
                    .map(|at| view! { <div><dt>"Updated"</dt><dd><Time at=at /></dd></div> })}
                <div><dt>"Tier"</dt><dd>{summary.tier.label()}</dd></div>
                <div><dt>"Created"</dt><dd><Time at=summary.created_at /></dd></div>
                <div><dt>"ID"</dt><dd><CopyId id=summary.id.to_string() what="organisation" /></dd></div>
            </dl>
        </section>
    }
}

#[component]
fn Usage(counts: TenantCounts) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="has">
            <h2 id="has">"Usage"</h2>
            <dl class="facts">
                <div><dt>"Members"</dt><dd>{count(counts.members)}</dd></div>
                <div><dt>"Sessions"</dt><dd>{count(counts.sessions)}</dd></div>
                <div><dt>"API keys"</dt><dd>{count(counts.keys)}</dd></div>
                <div><dt>"Memories"</dt><dd>{count(counts.memories)}</dd></div>
                <div><dt>"Last seen"</dt><dd>{time_or(counts.last_seen_at, "Never")}</dd></div>
                <div><dt>"Jobs"</dt><dd><Health counts=counts /></dd></div>
            </dl>
        </section>
    }
}

#[component]
fn Tier(id: TenantId, tier: TenantTier) -> impl IntoView {
    let state = FormState::<TenantTierSet>::new();
    let choices = TenantTier::ALL
        .iter()
        .map(|tier| Choice::new(tier.key(), tier.label()))
        .collect();
    view! {
        <section class="section" aria-labelledby="change-tier">
            <h2 id="change-tier">"Tier"</h2>
            <PostForm state=state class="row-form">
                <input type="hidden" name="id" value=id.to_string() />
                <SelectField
                    name="tier"
                    label="Tier"
                    choices=choices
                    value=state.typed("tier", tier.key())
                    error=state.field_error("tier")
                />
                <button type="submit" class="button">"Change tier"</button>
            </PostForm>
        </section>
    }
}

#[component]
fn Suspend(id: TenantId, name: String) -> impl IntoView {
    let state = FormState::<TenantSuspend>::new();
    view! {
        <section class="section" aria-labelledby="suspend">
            <h2 id="suspend">"Suspend"</h2>
            <p class="muted">
                "Members are signed out, API keys are blocked, and jobs are paused. Nothing is deleted; you can resume at any time."
            </p>
            <PostForm state=state class="form">
                <input type="hidden" name="id" value=id.to_string() />
                <TextArea
                    name="reason"
                    label="Reason"
                    hint="Recorded in both audit logs."
                    rows=2
                    value=state.typed("reason", "")
                    error=state.field_error("reason")
                />
                <div class="form-actions">
                    <Confirm
                        id="suspend-organisation"
                        label="Suspend organisation…"
                        title=format!("Suspend {name}?")
                        act="Suspend organisation"
                    >
                        <p>"All its members are signed out, its API keys are blocked and its jobs are paused."</p>
                    </Confirm>
                </div>
            </PostForm>
        </section>
    }
}

#[component]
fn DeleteLink(id: TenantId) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="delete">
            <h2 id="delete">"Delete"</h2>
            <p class="muted">"You can review what is deleted first. Can be undone for 30 days."</p>
            <div class="form-actions">
                <a class="button" href=format!("/operator/{id}/delete")>"Delete organisation"</a>
            </div>
        </section>
    }
}

#[component]
fn HomeNotice() -> impl IntoView {
    view! {
        <p class="notice">
            <Glyph icon=Icon::Info />
            <span>
                "This is your own organisation. It can only be suspended or deleted on the server’s command line, so that you don’t lock yourself out."
            </span>
        </p>
    }
}
