//! Keyset paging: links to the next and to the first page.

use leptos::prelude::*;

/// Links below a list; renders nothing for a single page.
#[component]
pub(crate) fn Paging(
    /// URL of the first page.
    #[prop(into)]
    newest: String,
    /// URL of the next page.
    older: Option<String>,
    /// True on the first page.
    first: bool,
    /// The list is sorted by name, not by time.
    #[prop(optional)]
    by_name: bool,
) -> impl IntoView {
    let (back, next) = if by_name {
        ("First page", "Next page")
    } else {
        ("Newest", "Older")
    };
    (!first || older.is_some()).then(|| {
        view! {
            <nav class="paging" aria-label="Pages">
                {(!first).then(|| view! { <a class="button" href=newest>{back}</a> })}
                {older.map(|older| view! { <a class="button" rel="next" href=older>{next}</a> })}
            </nav>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(older: Option<&str>, first: bool) -> String {
        let owner = Owner::new();
        owner.set();
        let older = older.map(str::to_owned);
        view! { <Paging newest="/audit" older=older first=first /> }.to_html()
    }

    #[test]
    fn pages_link_to_the_first_and_the_next_page() {
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
