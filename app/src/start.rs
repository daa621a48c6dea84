//! What the server tells every page before anything else, and what the page
//! keeps of it in the browser.

use std::sync::Arc;

use domain::{
    Timestamp,
    invite::IssuerReach,
    preferences::{Formats, Theme},
    reference::Reference,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{clock::PageClock, forms::Outcome};

/// Facts about this installation. The server provides it by context to pages
/// and server functions alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppInfo {
    /// This is the demo with made-up people.
    pub demo: bool,
    /// The program's version.
    pub version: String,
    /// The name in front of the path in people's browsers, e.g.
    /// `https://atrium.example.org`.
    pub public_url: String,
    /// Other origins to which a form's answer may redirect, e.g. the issuer
    /// at sign-out: browsers hold redirects of forms against `form-action`.
    pub form_targets: Vec<String>,
    /// The issuers that people sign in with, the primary one first.
    pub ways_in: Vec<LoginOption>,
    /// What the REST API can do, for its reference page.
    pub reference: Arc<Reference>,
}

/// One issuer, as the sign-in page offers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginOption {
    /// Its name, for `/auth/login?issuer=`.
    pub issuer: String,
    /// What its button says.
    pub label: String,
    /// For whose people it is; browsers are not told.
    #[serde(skip)]
    pub reach: IssuerReach,
}

/// What hydration must find exactly as the server saw it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    #[serde(with = "time::serde::rfc3339")]
    now: Timestamp,
    outcome: Option<Outcome>,
    theme: Theme,
    formats: Formats,
    demo: bool,
    ways_in: Vec<LoginOption>,
    version: String,
    request_id: Option<String>,
}

impl Start {
    /// Taken from the request on the server; in the browser it comes with the
    /// page, so these values stand in only while routes are listed.
    fn take() -> Self {
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
                    .map(|shown| shown.formats.clone())
                    .unwrap_or_default(),
                demo: info.demo,
                ways_in: info.ways_in,
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
            ways_in: Vec::new(),
            version: String::new(),
            request_id: None,
        }
    }
}

/// The start's facts, for components.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// The demo banner shows.
    pub(crate) demo: bool,
    /// The issuers that people sign in with.
    pub(crate) ways_in: StoredValue<Vec<LoginOption>>,
    /// The program's version.
    pub(crate) version: StoredValue<String>,
    /// The id under which the server's log knows the first rendering.
    pub(crate) request_id: StoredValue<Option<String>>,
    /// What the person chose.
    pub(crate) theme: RwSignal<Theme>,
    /// How dates, times and numbers are written.
    pub(crate) formats: RwSignal<Formats>,
    /// What became of the form post that this page answers.
    pub(crate) outcome: RwSignal<Option<Outcome>>,
}

impl Page {
    /// Reads the start and provides it, and the clock, to everything below.
    pub(crate) fn provide() -> Self {
        let start = SharedValue::new(Start::take).into_inner();
        let page = Self {
            demo: start.demo,
            ways_in: StoredValue::new(start.ways_in),
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

    /// The page's facts.
    pub(crate) fn get() -> Self {
        expect_context::<Self>()
    }

    /// Shows the page in `theme` from now on. In the browser only.
    pub(crate) fn theme_show(self, theme: Theme) {
        self.theme.set(theme);
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-theme", theme.key());
        }
    }
}

/// How the page writes dates, times and numbers; as Atrium does by itself
/// outside a page, as in a test of one component.
pub(crate) fn formats() -> RwSignal<Formats> {
    use_context::<Page>().map_or_else(RwSignal::default, |page| page.formats)
}

/// Says on `<html>` that the page is awake: styles show what needs scripts
/// from then on, and browser tests wait for it.
pub fn mark_hydrated() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "");
    }
}
