//! Badges.

use leptos::prelude::*;

/// The colour of a badge; its text says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A kind or category.
    Neutral,
    /// In progress.
    Accent,
    /// As expected.
    Good,
    /// Needs attention.
    Warning,
    /// Rejected or failed.
    Bad,
}

#[component]
pub(crate) fn Badge(tone: Tone, #[prop(into)] text: String) -> impl IntoView {
    let class = match tone {
        Tone::Neutral => "badge",
        Tone::Accent => "badge badge-accent",
        Tone::Good => "badge badge-good",
        Tone::Warning => "badge badge-warning",
        Tone::Bad => "badge badge-bad",
    };
    view! { <span class=class>{text}</span> }
}
