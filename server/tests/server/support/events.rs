//! A client of event streams.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, request::Builder},
};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tower::ServiceExt as _;

/// Longer than the pause between sent events, shorter than the polling interval.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// An open stream.
pub(crate) struct Events {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Body,
    text: String,
    /// The id of the last event.
    pub(crate) id: String,
}

impl Events {
    /// Sends the request and reads `ready`.
    pub(crate) async fn open(router: &Router, request: Builder) -> Self {
        let mut events = Self::send(router, request).await;
        if events.status != 200 {
            let said = events.rest().await;
            panic!("{}: {said}", events.status);
        }
        assert_eq!(events.next(SOON).await.unwrap().0, "ready");
        events
    }

    pub(crate) async fn send(router: &Router, request: Builder) -> Self {
        let mut request: Request<Body> = request.body(Body::empty()).unwrap();
        let peer: std::net::SocketAddr = "192.0.2.1:1".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
            text: String::new(),
            id: String::new(),
        }
    }

    async fn rest(&mut self) -> String {
        let bytes = (&mut self.body).collect().await.unwrap().to_bytes();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The next event and its data; `None` if the stream ends or the time passes
    /// without one.
    pub(crate) async fn next(&mut self, within: Duration) -> Option<(String, Value)> {
        let until = Instant::now() + within;
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.split_once(": "));
                    let mut values = lines.filter(|(key, _)| *key == name);
                    values.next().map(|(_, value)| value.to_owned())
                };
                if let Some(id) = field("id") {
                    self.id = id;
                }
                if let (Some(event), Some(data)) = (field("event"), field("data")) {
                    return Some((event, serde_json::from_str(&data).unwrap()));
                }
            }
            let frame = timeout_at(until, self.body.frame()).await.ok()??;
            let data = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The next event, which must come soon.
    pub(crate) async fn soon(&mut self) -> (String, Value) {
        self.next(SOON).await.expect("there is an event soon")
    }

    /// The next event that is not about a job. Writing a memory also enqueues an
    /// embedding job.
    pub(crate) async fn news(&mut self) -> (String, Value) {
        loop {
            let next = self.soon().await;
            if next.0 != "job" {
                return next;
            }
        }
    }

    /// True if the stream has ended.
    pub(crate) async fn is_over(&mut self) -> bool {
        let ended = tokio::time::timeout(SOON, self.body.frame()).await;
        matches!(ended, Ok(None))
    }
}
