//! Every page and its path.

use domain::AppError;
use leptos::{prelude::*, tachys::view::iterators::StaticVec};
use leptos_meta::provide_meta_context;
use leptos_router::{
    SsrMode,
    any_nested_route::AnyNestedRoute,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    feature::page, features::FEATURES, frame::Layout, invite::InviteAcceptPage,
    no_access::NoAccessPage, sign_in::SignInPage, start::Page, ui::ErrorState,
};

/// The router. Every route renders completely on the server before it is sent,
/// so that pages work without scripts.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Page::provide();
    view! {
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                <Route path=path!("/invite/:token") view=InviteAcceptPage ssr=SsrMode::Async />
                <Route path=path!("/no-access") view=NoAccessPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <FeaturePages />
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// The pages of all features, and the one at unknown paths.
#[component(transparent)]
fn FeaturePages() -> StaticVec<AnyNestedRoute> {
    let pages = FEATURES.iter().flat_map(|feature| (feature.pages)());
    let not_found = page(path!("/*any"), NotFoundPage);
    pages.chain([not_found]).collect::<Vec<_>>().into()
}

/// Shown at unknown paths.
#[component]
fn NotFoundPage() -> impl IntoView {
    view! { <ErrorState error=AppError::NotFound whole_page=true /> }.into_any()
}

#[cfg(test)]
mod tests {
    use leptos_router::{MatchNestedRoutes as _, PathSegment};

    use super::*;

    #[test]
    fn no_page_hides_a_later_one() {
        let pages: Vec<_> = FeaturePages()
            .generate_routes()
            .into_iter()
            .map(|page| page.segments)
            .collect();
        let hides = |earlier: &[PathSegment], later: &[PathSegment]| {
            earlier.len() == later.len()
                && earlier
                    .iter()
                    .zip(later)
                    .all(|(a, b)| a == b || matches!(a, PathSegment::Param(_)))
        };
        assert!(pages.len() > 40, "{}", pages.len());
        for (place, later) in pages.iter().enumerate() {
            let hidden = pages[..place].iter().find(|page| hides(page, later));
            assert_eq!(hidden, None, "hides {later:?}");
        }
    }

    /// With another mode a page would stay on "Loading" without scripts.
    #[tokio::test]
    async fn every_route_renders_completely_on_the_server() {
        let routes = leptos_axum::generate_route_list(App);
        let paths: Vec<_> = routes
            .iter()
            .map(leptos_axum::AxumRouteListing::path)
            .collect();
        for path in [
            "/",
            "/sign-in",
            "/memories",
            "/memories/{id}/edit",
            "/audit",
            "/profile",
        ] {
            assert!(paths.contains(&path), "{path} is not among {paths:?}");
        }
        for route in &routes {
            assert_eq!(route.mode(), &SsrMode::Async, "{}", route.path());
        }
    }
}
