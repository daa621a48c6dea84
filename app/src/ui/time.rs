//! A point in time: relative as text, absolute in the title.

use domain::Timestamp;
use leptos::prelude::*;

use crate::{
    clock::{absolute, machine, page_now, relative},
    start::formats,
};

/// `at` relative to the page's time; the islands keep it current.
#[component]
pub(crate) fn Time(at: Timestamp) -> impl IntoView {
    let text = formats().with_value(|formats| relative(at, page_now(), formats));
    view! {
        <time datetime=machine(at) title=absolute_time(at) data-relative="">{text}</time>
    }
}

/// `at` with seconds, in the viewer's formats.
pub(crate) fn absolute_time(at: Timestamp) -> String {
    formats().with_value(|formats| absolute(at, formats))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::PageTime;

    #[test]
    fn shows_relative_text_and_holds_the_timestamp() {
        let owner = Owner::new();
        owner.set();
        let now = time::macros::datetime!(2026-11-20 12:00:00 UTC);
        provide_context(PageTime(now));
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
