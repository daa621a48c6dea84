//! Values that the server passes to every page.

use std::sync::Arc;

use axum::http::request::Parts;
use domain::{
    Actor, Permission, RequestId,
    invite::IssuerScope,
    preferences::{DisplaySettings, Formats, Theme},
    reference::Reference,
};
use leptos::prelude::*;

use crate::{clock::PageTime, forms::Outcome, preferences::theme_of};

/// Facts about this installation, provided as context to pages and server
/// functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppInfo {
    /// True for the demo installation with invented people.
    pub demo: bool,
    pub version: String,
    /// Origin of the web interface as browsers see it, e.g.
    /// `https://atrium.example.org`.
    pub public_url: String,
    /// Other origins to which a form's response may redirect, e.g. the issuer
    /// at sign-out: browsers check redirects of forms against `form-action`.
    pub form_targets: Vec<String>,
    /// The issuers that people sign in with, the primary one first.
    pub login_options: Vec<LoginOption>,
    /// Description of the REST API, for its reference page.
    pub reference: Arc<Reference>,
}

/// One issuer, as the sign-in page offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginOption {
    /// The issuer's name in `/auth/login?issuer=`.
    pub issuer: String,
    /// The text of its button.
    pub label: String,
    /// The people who may sign in with it.
    pub reach: IssuerScope,
}

/// Values of the request that components read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    info: StoredValue<AppInfo>,
    pub(crate) theme: Theme,
    request_id: Option<RequestId>,
    pub(crate) formats: StoredValue<Formats>,
    /// Result of the form post that this page responds to.
    pub(crate) outcome: StoredValue<Option<Outcome>>,
}

impl Page {
    /// Reads the request's context and provides it and the page's time.
    pub(crate) fn provide() {
        let parts = use_context::<Parts>();
        let extensions = parts.as_ref().map(|parts| &parts.extensions);
        let settings = extensions.and_then(|all| all.get::<DisplaySettings>());
        provide_context(Self {
            info: StoredValue::new(use_context().unwrap_or_default()),
            theme: parts.as_ref().map(theme_of).unwrap_or_default(),
            request_id: with_viewer(|viewer| viewer.request.request_id)
                .or_else(|| extensions.and_then(|all| all.get().copied())),
            formats: StoredValue::new(
                settings
                    .map(|settings| settings.formats.clone())
                    .unwrap_or_default(),
            ),
            outcome: StoredValue::new(extensions.and_then(|all| all.get().cloned())),
        });
        if let Some(ctx) = use_context::<service::Ctx>() {
            provide_context(PageTime(ctx.clock.now()));
        }
    }

    pub(crate) fn get() -> Self {
        expect_context::<Self>()
    }

    pub(crate) fn info<T>(self, read: impl FnOnce(&AppInfo) -> T) -> T {
        self.info.with_value(read)
    }

    /// Id of the request that rendered the page, as in the server's log.
    pub(crate) fn request_id(self) -> Option<String> {
        self.request_id.map(|id| id.to_string())
    }
}

/// The page's formats for dates, times and numbers; the defaults outside a
/// page, as in a test of one component.
pub(crate) fn formats() -> StoredValue<Formats> {
    use_context::<Page>().map_or_else(|| StoredValue::new(Formats::default()), |page| page.formats)
}

/// The signed-in member; `None` on pages without a session.
pub(crate) fn viewer() -> Option<Actor> {
    with_viewer(Clone::clone)
}

/// Reads from the signed-in member; `None` on pages without a session.
pub(crate) fn with_viewer<T>(read: impl FnOnce(&Actor) -> T) -> Option<T> {
    with_context::<Option<Actor>, _>(|viewer| viewer.as_ref().map(read)).flatten()
}

/// True if the viewer has `permission`.
pub(crate) fn viewer_may(permission: Permission) -> bool {
    with_viewer(|viewer| viewer.permissions.contains(&permission)).unwrap_or_default()
}
