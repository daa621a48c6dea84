//! Pieces that several pages about members share.

use domain::{ActorKind, member::UserStatus};
use leptos::prelude::*;

use crate::ui::{Badge, Tone};

/// What suspending does, for the one who is about to: keys are not revoked, so
/// that what somebody is suspended for a day from works again as it did.
pub(super) const SUSPENDED_MEANS: &str = "Suspended, they can’t sign in and their API keys are refused. Reactivated, they sign in again and their keys work again.";

/// What kind of member it is, where it is no person.
#[component]
pub(crate) fn KindBadge(
    /// As stored.
    kind: ActorKind,
) -> impl IntoView {
    kind_label(kind).map(|text| view! { <Badge tone=Tone::Accent text=text /> })
}

/// A kind that is no person's, in a word.
pub(super) const fn kind_label(kind: ActorKind) -> Option<&'static str> {
    match kind {
        ActorKind::Human => None,
        ActorKind::Agent => Some("Agent"),
        ActorKind::SubAgent => Some("Sub-agent"),
        ActorKind::Service => Some("Service"),
        ActorKind::System => Some("System"),
    }
}

/// Whether a member may act.
#[component]
pub(crate) fn StatusBadge(
    /// As stored.
    status: UserStatus,
) -> impl IntoView {
    let tone = match status {
        UserStatus::Active => Tone::Good,
        UserStatus::Invited => Tone::Accent,
        UserStatus::Suspended => Tone::Warning,
        UserStatus::Deactivated => Tone::Neutral,
    };
    view! { <Badge tone=tone text=status.label() /> }
}

/// Words that stand for a list, or what stands there for none.
pub(super) fn joined(words: &[String]) -> AnyView {
    if words.is_empty() {
        view! { <span class="muted">"None"</span> }.into_any()
    } else {
        view! { <span class="clip">{words.join(", ")}</span> }.into_any()
    }
}
