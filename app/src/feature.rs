//! The declaration by which a feature joins the app.

use leptos_router::{
    ChooseView, NestedRoute, PossibleRouteMatch, SsrMode,
    any_nested_route::{AnyNestedRoute, IntoAnyNestedRoute as _},
};

use crate::flash::Flash;

/// Declared by each feature and collected in `features.rs`.
pub(crate) struct Feature {
    pub(crate) pages: fn() -> Vec<AnyNestedRoute>,
    pub(crate) forms: PageForms,
    pub(crate) flashes: &'static [Flash],
}

/// Routes in the router's syntax, each with the paths of the server functions
/// that its forms call. A route may be in several features' lists.
pub(crate) type PageForms = &'static [(&'static str, &'static [&'static str])];

/// A page inside the layout. It renders completely on the server before it is
/// sent, so that it works without scripts.
pub(crate) fn page<Segments, View>(path: Segments, view: View) -> AnyNestedRoute
where
    Segments: PossibleRouteMatch + Clone + Send + 'static,
    View: ChooseView + Clone + 'static,
{
    NestedRoute::new(path, view)
        .ssr_mode(SsrMode::Async)
        .into_any_nested_route()
}
