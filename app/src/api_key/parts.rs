//! Components shared by the pages of keys.

use domain::{
    ActorKind, Permission, Vendor,
    api_key::{ApiKey, ApiKeyState},
};
use leptos::prelude::*;

use crate::{
    clock::page_now,
    profile::IfPermitted,
    ui::{Badge, Tabs, Time, Tone},
};

/// Tabs between own keys, everybody's keys and services, for members who may
/// manage keys.
#[component]
pub(crate) fn KeyTabs() -> impl IntoView {
    view! {
        <IfPermitted permission=Permission::ApiKeyManage>
            <Tabs
                label="API keys"
                tabs=vec![
                    ("/keys", "Your keys"),
                    ("/keys/all", "All keys"),
                    ("/keys/services", "Agents and services"),
                ]
            />
        </IfPermitted>
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(crate) fn KeyStateBadge(key: ApiKey) -> impl IntoView {
    let (tone, text) = match key.state(page_now()) {
        ApiKeyState::Active => (Tone::Good, "Active"),
        ApiKeyState::Expired => (Tone::Neutral, "Expired"),
        ApiKeyState::Revoked => (Tone::Bad, "Revoked"),
    };
    view! { <Badge tone=tone text=text /> }
}

/// A time, or a text if there is none.
#[component]
pub(crate) fn TimeOr(at: Option<domain::Timestamp>, otherwise: &'static str) -> impl IntoView {
    match at {
        Some(at) => view! { <Time at=at /> }.into_any(),
        None => view! { <span class="muted">{otherwise}</span> }.into_any(),
    }
}

/// The vendor whose product uses a key.
pub(crate) const fn vendor_label(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Other => "Another program",
        named => named.label(),
    }
}

pub(crate) const fn kind_label(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Human => "Person",
        ActorKind::Agent | ActorKind::SubAgent => "Agent",
        ActorKind::Service => "Service",
        ActorKind::System => "Atrium",
    }
}
