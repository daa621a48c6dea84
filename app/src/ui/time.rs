//! A point in time: relative to read, absolute in UTC to check.

use domain::Timestamp;
use leptos::prelude::*;

use crate::{
    clock::{PageClock, absolute, machine, relative},
    start::formats,
};

/// `at`, in words that follow the clock.
#[component]
pub(crate) fn Time(
    /// The instant.
    at: Timestamp,
) -> impl IntoView {
    let clock = PageClock::get();
    let formats = formats();
    view! {
        <time datetime=machine(at) title=absolute_time(at)>
            {move || formats.with(|formats| relative(at, clock.now(), formats))}
        </time>
    }
}

/// `at` to the second, as words that follow the reader's preferences.
pub(crate) fn absolute_time(at: Timestamp) -> impl Fn() -> String + Copy + Send + Sync {
    let formats = formats();
    move || formats.with(|formats| absolute(at, formats))
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn shows_words_and_holds_the_instant() {
        let owner = Owner::new();
        owner.set();
        let now = time::macros::datetime!(2026-11-20 12:00:00 UTC);
        provide_context(PageClock::starting_at(now));
        let html = view! { <Time at=now - time::Duration::minutes(5) /> }.to_html();
        assert!(
            html.contains(r#"datetime="2026-11-20T11:55:00Z""#),
            "{html}"
        );
        assert!(
            html.contains(r#"title="20 Nov 2026, 11:55:00 UTC""#),
            "{html}"
        );
        assert!(html.contains(">5 min ago"), "{html}");
    }
}
