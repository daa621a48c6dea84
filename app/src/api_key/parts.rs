//! Pieces that several pages of keys share.

use domain::{
    ActorKind, Permission, Vendor,
    api_key::{ApiKey, ApiKeyState},
};
use leptos::prelude::*;

use crate::{
    clock::PageClock,
    ui::{Badge, Tabs, Time, Tone, layout::IfMay},
};

/// The ways to look at keys, for those who may look at others' as well.
#[component]
pub(crate) fn KeyTabs() -> impl IntoView {
    view! {
        <IfMay permission=Permission::ApiKeyManage>
            <Tabs
                label="API keys"
                tabs=vec![
                    ("/keys", "Yours"),
                    ("/keys/all", "Everybody’s"),
                    ("/keys/services", "Agents and services"),
                ]
            />
        </IfMay>
    }
}

/// Whether the key works.
#[component]
pub(crate) fn StateBadge(key: ApiKey) -> impl IntoView {
    let clock = PageClock::get();
    move || {
        let (tone, text) = match key.state(clock.now()) {
            ApiKeyState::Active => (Tone::Good, "Works"),
            ApiKeyState::Expired => (Tone::Neutral, "Expired"),
            ApiKeyState::Revoked => (Tone::Bad, "Revoked"),
        };
        view! { <Badge tone=tone text=text /> }
    }
}

/// When something happened, or that it never did.
#[component]
pub(crate) fn TimeOr(
    /// The instant.
    at: Option<domain::Timestamp>,
    /// What stands there without one.
    otherwise: &'static str,
) -> impl IntoView {
    match at {
        Some(at) => view! { <Time at=at /> }.into_any(),
        None => view! { <span class="muted">{otherwise}</span> }.into_any(),
    }
}

/// By whose product a key is used.
pub(crate) const fn vendor_label(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Other => "Another program",
        named => named.label(),
    }
}

/// What kind of member a key acts as.
pub(crate) const fn kind_label(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Human => "Person",
        ActorKind::Agent | ActorKind::SubAgent => "Agent",
        ActorKind::Service => "Service",
        ActorKind::System => "Atrium",
    }
}
