//! Figures, each of which leads to its list.

use domain::overview::{AuditFigures, MemberFigures, Overview};
use leptos::prelude::*;

use crate::ui::{Time, count};

/// The viewer's own figures, and those of the organisation for viewers who
/// manage it or see nothing else.
pub(super) fn figure_groups(overview: &Overview) -> impl IntoView + use<> {
    let manages = overview.invites.is_some()
        || overview.organisation_keys.is_some()
        || overview.audit.is_some()
        || overview.memories.is_none();
    let own = own_figures(overview);
    let organisation = if manages {
        organisation_figures(overview)
    } else {
        Vec::new()
    };
    let group = |id: &'static str, title: &'static str, figures: Vec<AnyView>| {
        (!figures.is_empty()).then(|| {
            view! {
                <section class="section" aria-labelledby=id>
                    <h2 id=id>{title}</h2>
                    <dl class="figures">{figures}</dl>
                </section>
            }
        })
    };
    view! {
        {group("yours", "Yours", own)}
        {group("organisation", "Organisation", organisation)}
    }
}

fn own_figures(overview: &Overview) -> Vec<AnyView> {
    let mut figures = Vec::new();
    if let Some(memories) = &overview.memories {
        figures.push(figure(
            "Your memories",
            memories.own,
            "/memories?owner=mine",
        ));
        figures.push(figure(
            "Shared with you",
            memories.shared,
            "/memories?owner=shared",
        ));
    }
    if let Some(proposals) = overview.proposals {
        figures.push(figure(
            "Your pending proposals",
            proposals.sent,
            "/memories/proposals?view=mine",
        ));
    }
    if let Some(keys) = overview.keys {
        figures.push(figure("Your API keys", keys.active, "/keys"));
    }
    figures
}

fn organisation_figures(overview: &Overview) -> Vec<AnyView> {
    let mut figures = Vec::new();
    if let Some(members) = overview.members {
        figures.extend(member_figures(members));
    }
    if let Some(invites) = overview.invites {
        figures.push(figure(
            "Pending invites",
            invites.pending,
            "/invites?status=pending",
        ));
    }
    if let Some(keys) = overview.organisation_keys {
        figures.push(figure("API keys", keys.active, "/keys/all"));
    }
    if let Some(audit) = overview.audit {
        figures.push(audit_figure(audit));
    }
    figures
}

fn member_figures(members: MemberFigures) -> Vec<AnyView> {
    let mut figures = vec![figure(
        "Active people",
        members.people,
        "/members?status=active&kind=human",
    )];
    if members.suspended > 0 {
        figures.push(figure(
            "Suspended",
            members.suspended,
            "/members?status=suspended",
        ));
    }
    figures.push(figure(
        "Services",
        members.services,
        "/members?status=active&kind=service",
    ));
    if members.agents > 0 {
        figures.push(figure(
            "AI agents",
            members.agents,
            "/members?status=active&kind=agent",
        ));
    }
    figures.push(figure("Teams", members.teams, "/teams"));
    figures
}

/// With the time at which the log was last verified and signed.
fn audit_figure(audit: AuditFigures) -> AnyView {
    let signed = audit
        .checkpoint_at
        .map(|at| view! { ", verified and signed " <Time at=at /> });
    view! {
        <div>
            <dt>"Audit log entries" {signed}</dt>
            <dd><a href="/audit">{count(audit.entries)}</a></dd>
        </div>
    }
    .into_any()
}

fn figure(label: &'static str, value: i64, href: &'static str) -> AnyView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd><a href=href>{count(value)}</a></dd>
        </div>
    }
    .into_any()
}
