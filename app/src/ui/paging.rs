//! Links to the pages of a list.

use leptos::prelude::*;

/// Links below a list; renders nothing for a single page.
#[component]
pub(crate) fn Paging(
    /// URL of the page before.
    #[prop(optional_no_strip)]
    prev: Option<String>,
    /// URL of the next page.
    next: Option<String>,
    /// URL of the first page, in a list that is only read forward; `None` on
    /// that page.
    #[prop(optional_no_strip)]
    first: Option<String>,
) -> impl IntoView {
    (prev.is_some() || next.is_some() || first.is_some()).then(|| {
        view! {
            <nav class="paging" aria-label="Pages">
                {first.map(|href| view! { <a class="button" href=href>"First page"</a> })}
                {prev.map(|href| view! { <a class="button" rel="prev" href=href>"Previous"</a> })}
                {next.map(|href| view! { <a class="button" rel="next" href=href>"Next"</a> })}
            </nav>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_that_exist_are_linked() {
        let owner = Owner::new();
        owner.set();
        let links = |prev: Option<&str>, next: Option<&str>| {
            let (prev, next) = (prev.map(str::to_owned), next.map(str::to_owned));
            view! { <Paging prev=prev next=next /> }.to_html()
        };
        assert!(!links(None, None).contains("<a"));
        let first = links(None, Some("/audit?after=x"));
        assert!(
            first.contains("Next") && !first.contains("Previous"),
            "{first}"
        );
        let last = links(Some("/audit?after=<"), None);
        assert!(
            last.contains("Previous") && !last.contains("Next"),
            "{last}"
        );
    }
}
