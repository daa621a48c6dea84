//! Components shared by the pages of organisations.

use domain::{
    Timestamp,
    tenant::{TenantCounts, TenantStatus},
};
use leptos::prelude::*;

use crate::ui::{Badge, Time, Tone, plural};

#[component]
pub(super) fn StatusBadge(status: TenantStatus) -> impl IntoView {
    let tone = match status {
        TenantStatus::Active => Tone::Good,
        TenantStatus::Suspended => Tone::Warning,
        TenantStatus::Deleted => Tone::Bad,
    };
    view! { <Badge tone=tone text=status.label() /> }
}

/// Badge with the number of failed or waiting jobs.
#[component]
pub(super) fn Health(counts: TenantCounts) -> impl IntoView {
    let (tone, text) = if counts.jobs_dead > 0 {
        (
            Tone::Bad,
            plural(counts.jobs_dead, "failed job", "failed jobs"),
        )
    } else if counts.jobs_waiting > 0 {
        (
            Tone::Neutral,
            plural(counts.jobs_waiting, "job waiting", "jobs waiting"),
        )
    } else {
        (Tone::Good, "Healthy".to_owned())
    };
    view! { <Badge tone=tone text=text /> }
}

/// A time, or a text if there is none.
pub(super) fn time_or(at: Option<Timestamp>, otherwise: &'static str) -> AnyView {
    match at {
        Some(at) => view! { <Time at=at /> }.into_any(),
        None => view! { <span class="muted">{otherwise}</span> }.into_any(),
    }
}
