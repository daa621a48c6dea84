//! Keyset paging: on to older rows, back to the newest.

use leptos::prelude::*;

/// Links below a list. Where there is one page only, nothing shows.
#[component]
pub(crate) fn Paging(
    /// Where the first page is.
    #[prop(into)]
    newest: String,
    /// Where the next page is.
    older: Option<String>,
    /// This is the first page.
    first: bool,
    /// The list is sorted by name, not by time.
    #[prop(optional)]
    by_name: bool,
) -> impl IntoView {
    let (back, on) = if by_name {
        ("First page", "Next page")
    } else {
        ("Newest", "Older")
    };
    (!first || older.is_some()).then(|| {
        view! {
            <nav class="paging" aria-label="Pages">
                {(!first).then(|| view! { <a class="button" href=newest>{back}</a> })}
                {older.map(|older| view! { <a class="button" rel="next" href=older>{on}</a> })}
            </nav>
        }
    })
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    fn links(older: Option<&str>, first: bool) -> String {
        let owner = Owner::new();
        owner.set();
        let older = older.map(str::to_owned);
        view! { <Paging newest="/audit" older=older first=first /> }.to_html()
    }

    #[test]
    fn each_page_links_where_one_can_go() {
        assert!(!links(None, true).contains("<a"));
        let first = links(Some("/audit?after=x"), true);
        assert!(
            first.contains("Older") && !first.contains("Newest"),
            "{first}"
        );
        let last = links(None, false);
        assert!(last.contains("Newest") && !last.contains("Older"), "{last}");
    }
}
