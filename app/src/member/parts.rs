//! Components shared by the pages of members.

use domain::{ActorKind, member::UserStatus};
use leptos::prelude::*;

use crate::ui::{Badge, Tone};

/// Explains suspension before it is confirmed: keys are not revoked, so that
/// they work again after reactivation.
pub(super) const SUSPENSION_HINT: &str =
    "Suspended members can’t sign in and their API keys are blocked until they are reactivated.";

/// Badge with the kind of a member that is not a person.
#[component]
pub(crate) fn KindBadge(kind: ActorKind) -> impl IntoView {
    kind_label(kind).map(|text| view! { <Badge tone=Tone::Accent text=text /> })
}

/// The kind in a word; `None` for people.
pub(super) const fn kind_label(kind: ActorKind) -> Option<&'static str> {
    match kind {
        ActorKind::Human => None,
        ActorKind::Agent => Some("Agent"),
        ActorKind::SubAgent => Some("Sub-agent"),
        ActorKind::Service => Some("Service"),
        ActorKind::System => Some("System"),
    }
}

#[component]
pub(crate) fn StatusBadge(status: UserStatus) -> impl IntoView {
    let tone = match status {
        UserStatus::Active => Tone::Good,
        UserStatus::Invited => Tone::Accent,
        UserStatus::Suspended => Tone::Warning,
        UserStatus::Deactivated => Tone::Neutral,
    };
    view! { <Badge tone=tone text=status.label() /> }
}

/// The words separated by commas, or "None".
pub(super) fn joined(words: &[String]) -> AnyView {
    if words.is_empty() {
        view! { <span class="muted">"None"</span> }.into_any()
    } else {
        view! { <span class="clip">{words.join(", ")}</span> }.into_any()
    }
}
