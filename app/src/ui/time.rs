//! A point in time: relative as text, absolute in the title.

use domain::Timestamp;
use leptos::prelude::*;

use crate::{
    clock::{PageClock, absolute, machine, relative},
    start::formats,
};

/// `at` relative to the page's clock.
#[component]
pub(crate) fn Time(at: Timestamp) -> impl IntoView {
    let clock = PageClock::get();
    let formats = formats();
    view! {
        <time datetime=machine(at) title=absolute_time(at)>
            {move || formats.with(|formats| relative(at, clock.now(), formats))}
        </time>
    }
}

/// `at` with seconds, in the viewer's formats.
pub(crate) fn absolute_time(at: Timestamp) -> impl Fn() -> String + Copy + Send + Sync {
    let formats = formats();
    move || formats.with(|formats| absolute(at, formats))
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn shows_relative_text_and_holds_the_timestamp() {
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
