//! Fetches groups from Microsoft Graph when the token can't hold them
//! (SEC-A10).
//!
//! Entra puts at most 200 groups into a token. Beyond that it names an
//! endpoint, which is never used: the base URL is configured, and each further
//! page must be under it. `transitiveMemberOf` needs no more than `User.Read`,
//! and has pages where `getMemberObjects` fails above 11,000.

use std::collections::BTreeSet;

use openidconnect::{
    AccessToken,
    http::{Method, Request, StatusCode, header},
};
use serde::Deserialize;
use url::Url;

use super::{
    issuer::with_causes,
    transport::{Transport, TransportError},
};

/// More groups than anybody is in, at 999 a page.
const MAX_PAGES: usize = 50;
const GROUP: &str = "#microsoft.graph.group";

/// The reason why a person's groups could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum GraphError {
    #[error("Microsoft Graph can't be reached: {}", with_causes(.0))]
    Unreachable(#[from] TransportError),
    #[error("Microsoft Graph answers {0}")]
    Refused(StatusCode),
    #[error("Microsoft Graph's answer can't be used: {0}")]
    Unusable(&'static str),
}

impl GraphError {
    /// A stable name for the audit row.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "graph_unreachable",
            Self::Refused(_) => "graph_refused",
            Self::Unusable(_) => "graph_answer",
        }
    }
}

#[derive(Deserialize)]
struct Page {
    value: Vec<Entry>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    /// Directory roles and administrative units are listed too.
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: String,
}

/// The object ids of all groups that the token's person is in, directly or
/// through other groups.
pub(super) async fn groups(
    transport: &Transport,
    base: &Url,
    token: &AccessToken,
) -> Result<BTreeSet<String>, GraphError> {
    let root = format!("{}/v1.0/", base.as_str().trim_end_matches('/'));
    let mut url = format!("{root}me/transitiveMemberOf?$select=id&$top=999");
    let mut groups = BTreeSet::new();
    for _ in 0..MAX_PAGES {
        let page = fetch_page(transport, &url, token).await?;
        groups.extend(
            page.value
                .into_iter()
                .filter(|entry| entry.kind.as_ref().is_none_or(|kind| kind == GROUP))
                .map(|entry| entry.id),
        );
        let Some(next) = page.next else {
            return Ok(groups);
        };
        // Compared as a URL, because text with this prefix could lead elsewhere
        // ("…/v1.0/../").
        url = Url::parse(&next)
            .ok()
            .filter(|url| url.as_str().starts_with(&root))
            .ok_or(GraphError::Unusable("its next page is somewhere else"))?
            .into();
    }
    Err(GraphError::Unusable("it has no end"))
}

async fn fetch_page(
    transport: &Transport,
    url: &str,
    token: &AccessToken,
) -> Result<Page, GraphError> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(url)
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", token.secret()))
        .body(Vec::new())
        .map_err(TransportError::from)?;
    let response = transport.send(request).await?;
    if response.status() != StatusCode::OK {
        return Err(GraphError::Refused(response.status()));
    }
    serde_json::from_slice(response.body())
        .map_err(|_| GraphError::Unusable("it is not a page of groups"))
}
