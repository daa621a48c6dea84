//! The forms of each page. A post to a page can call only the server functions
//! of that page's own forms, so that markup injected into a page can't make a
//! click do anything else (SEC-G).

use domain::MemoryId;
use leptos::server_fn::ServerFn as _;

use crate::{features::FEATURES, memory::MemoryRestore, preferences::ThemeSet};

/// Forms of the layout around every page: the theme switch and undoing a
/// deletion.
const LAYOUT_FORMS: &[&str] = &[ThemeSet::PATH, MemoryRestore::PATH];

/// True if a form on the page at `page` calls the server function at `call`.
pub(crate) fn page_allows_call(page: &str, call: &str) -> bool {
    let mut forms = FEATURES.iter().flat_map(|feature| feature.forms);
    LAYOUT_FORMS.contains(&call)
        || forms.any(|(route, calls)| calls.contains(&call) && matches(route, page))
}

/// True if `page` matches `route`. Parameters are ids or numbers, so that
/// `/memories/export` is not taken for a memory.
fn matches(route: &str, page: &str) -> bool {
    // All id types have the same syntax.
    let is_parameter =
        |segment: &str| segment.parse::<MemoryId>().is_ok() || segment.parse::<u32>().is_ok();
    let segment_matches = |expected: &str, segment: &str| match expected.strip_prefix(':') {
        Some(_) => is_parameter(segment),
        None => expected == segment,
    };
    route.split('/').count() == page.split('/').count()
        && route
            .split('/')
            .zip(page.split('/'))
            .all(|(expected, segment)| segment_matches(expected, segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_and_layout_forms_are_allowed() {
        for (page, call) in [
            ("/memories/new", "/api/memory_create"),
            (
                "/memories/0198f000-0000-7000-8000-000000000001/edit",
                "/api/memory_update",
            ),
            (
                "/memories/0198f000-0000-7000-8000-000000000001",
                "/api/memory_share",
            ),
            (
                "/members/0198f000-0000-7000-8000-000000000001",
                "/api/member_role_grant",
            ),
            (
                "/members/0198f000-0000-7000-8000-000000000001",
                "/api/break_glass_open",
            ),
            ("/audit", "/api/theme_set"),
            ("/nowhere", "/api/theme_set"),
        ] {
            assert!(page_allows_call(page, call), "{page} {call}");
        }
        for (page, call) in [
            (
                "/memories/0198f000-0000-7000-8000-000000000001",
                "/api/member_role_grant",
            ),
            ("/memories/new", "/api/memory_share"),
            ("/memories/export", "/api/memory_share"),
            ("/memories", "/api/memory_create"),
            (
                "/members/0198f000-0000-7000-8000-000000000001/offboard",
                "/api/member_role_grant",
            ),
            (
                "/members/0198f000-0000-7000-8000-000000000001/",
                "/api/member_role_grant",
            ),
            (
                "//members/0198f000-0000-7000-8000-000000000001",
                "/api/member_role_grant",
            ),
            ("/members", "/api/member_role_grant"),
            ("/", "/api/member_role_grant"),
            ("/members/bulk", "/api/member_status_change"),
        ] {
            assert!(!page_allows_call(page, call), "{page} {call}");
        }
    }
}
