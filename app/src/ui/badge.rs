//! A word that says what state a thing is in.

use leptos::prelude::*;

/// The colour of a badge. Its text says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Says what kind of thing it is.
    Neutral,
    /// Under way.
    Accent,
    /// As it should be.
    Good,
    /// Wants attention.
    Warning,
    /// Refused or failed.
    Bad,
}

/// A small label.
#[component]
pub(crate) fn Badge(
    /// Its colour.
    tone: Tone,
    /// Its text.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let class = match tone {
        Tone::Neutral => "badge",
        Tone::Accent => "badge badge-accent",
        Tone::Good => "badge badge-good",
        Tone::Warning => "badge badge-warning",
        Tone::Bad => "badge badge-bad",
    };
    view! { <span class=class>{text}</span> }
}
