//! Values that the server passes to every page, and the part that the page
//! keeps in the browser.

use std::sync::Arc;

use domain::{
    Timestamp,
    invite::IssuerScope,
    preferences::{Formats, Theme},
    reference::Reference,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{clock::PageClock, forms::Outcome};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginOption {
    /// The issuer's name in `/auth/login?issuer=`.
    pub issuer: String,
    /// The text of its button.
    pub label: String,
    /// The people who may sign in with it; not sent to browsers.
    #[serde(skip)]
    pub reach: IssuerScope,
}

/// State that hydration must find exactly as the server rendered it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    #[serde(with = "time::serde::rfc3339")]
    now: Timestamp,
    outcome: Option<Outcome>,
    theme: Theme,
    formats: Formats,
    demo: bool,
    login_options: Vec<LoginOption>,
    version: String,
    request_id: Option<String>,
}

impl Start {
    /// Reads the request's context on the server. In the browser the values
    /// come with the page, so the defaults are used only while routes are
    /// listed.
    fn from_context() -> Self {
        #[cfg(feature = "ssr")]
        {
            use axum::http::request::Parts;
            use domain::preferences::DisplaySettings;

            let info = use_context::<AppInfo>().unwrap_or_default();
            let parts = use_context::<Parts>();
            let actor = use_context::<Option<domain::Actor>>().flatten();
            let request_id = actor.map(|actor| actor.request.request_id).or_else(|| {
                parts
                    .as_ref()
                    .and_then(|parts| parts.extensions.get::<domain::RequestId>().copied())
            });
            Self {
                now: use_context::<service::Ctx>()
                    .map_or(Timestamp::UNIX_EPOCH, |ctx| ctx.clock.now()),
                outcome: parts
                    .as_ref()
                    .and_then(|parts| parts.extensions.get::<Outcome>().cloned()),
                theme: parts
                    .as_ref()
                    .map(crate::preferences::theme_of)
                    .unwrap_or_default(),
                formats: parts
                    .as_ref()
                    .and_then(|parts| parts.extensions.get::<DisplaySettings>())
                    .map(|settings| settings.formats.clone())
                    .unwrap_or_default(),
                demo: info.demo,
                login_options: info.login_options,
                version: info.version,
                request_id: request_id.map(|id| id.to_string()),
            }
        }
        #[cfg(not(feature = "ssr"))]
        Self {
            now: Timestamp::UNIX_EPOCH,
            outcome: None,
            theme: Theme::default(),
            formats: Formats::default(),
            demo: false,
            login_options: Vec::new(),
            version: String::new(),
            request_id: None,
        }
    }
}

/// Values of the page that components read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// True if the demo banner is shown.
    pub(crate) demo: bool,
    pub(crate) login_options: StoredValue<Vec<LoginOption>>,
    pub(crate) version: StoredValue<String>,
    /// Id of the request that rendered the page, as in the server's log.
    pub(crate) request_id: StoredValue<Option<String>>,
    pub(crate) theme: RwSignal<Theme>,
    pub(crate) formats: RwSignal<Formats>,
    /// Result of the form post that this page responds to.
    pub(crate) outcome: RwSignal<Option<Outcome>>,
}

impl Page {
    /// Reads the start values and provides them and the clock as context.
    pub(crate) fn provide() -> Self {
        let start = SharedValue::new(Start::from_context).into_inner();
        let page = Self {
            demo: start.demo,
            login_options: StoredValue::new(start.login_options),
            version: StoredValue::new(start.version),
            request_id: StoredValue::new(start.request_id),
            theme: RwSignal::new(start.theme),
            formats: RwSignal::new(start.formats),
            outcome: RwSignal::new(start.outcome),
        };
        provide_context(page);
        provide_context(PageClock::starting_at(start.now));
        page
    }

    pub(crate) fn get() -> Self {
        expect_context::<Self>()
    }

    /// Switches the page to `theme`, in the browser only.
    pub(crate) fn show_theme(self, theme: Theme) {
        self.theme.set(theme);
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-theme", theme.key());
        }
    }
}

/// The page's formats for dates, times and numbers; the defaults outside a
/// page, as in a test of one component.
pub(crate) fn formats() -> RwSignal<Formats> {
    use_context::<Page>().map_or_else(RwSignal::default, |page| page.formats)
}

/// Marks `<html>` as hydrated: styles then show what needs scripts, and browser
/// tests wait for it.
pub fn mark_hydrated() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "");
    }
}
