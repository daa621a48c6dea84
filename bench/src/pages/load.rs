//! A closed loop of requests: each of some clients sends the next request when
//! it has the response to the last.

use anyhow::{Context, Result, bail};
use reqwest::{
    Client, Method, Request, StatusCode, Url,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, COOKIE, HeaderValue},
    redirect::Policy,
};
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

/// Encodings that browsers accept.
const ENCODINGS: &str = "gzip, deflate, br, zstd";
/// Requests before those that are measured, for each client.
const WARM_UP: usize = 15;

static CLIENT: LazyLock<Client> = LazyLock::new(client);

/// A client that follows no redirect and leaves bodies as they were sent.
pub(super) fn client() -> Client {
    Client::builder()
        .redirect(Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client without TLS can be built")
}

/// A page to request as a browser does.
#[derive(Clone, Debug)]
pub(super) struct Target {
    url: Url,
    cookie: Option<HeaderValue>,
    encodings: HeaderValue,
}

impl Target {
    pub(super) fn new(url: &str) -> Result<Self> {
        Ok(Self {
            url: url.parse().with_context(|| url.to_owned())?,
            cookie: None,
            encodings: HeaderValue::from_static(ENCODINGS),
        })
    }

    pub(super) fn with_cookie(mut self, cookie: &str) -> Result<Self> {
        self.cookie = Some(HeaderValue::from_str(cookie)?);
        Ok(self)
    }

    pub(super) fn with_encodings(&self, encodings: &'static str) -> Self {
        let mut target = self.clone();
        target.encodings = HeaderValue::from_static(encodings);
        target
    }

    fn request(&self) -> Request {
        let mut request = Request::new(Method::GET, self.url.clone());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("text/html"));
        headers.insert(ACCEPT_ENCODING, self.encodings.clone());
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        if let Some(cookie) = &self.cookie {
            headers.insert(COOKIE, cookie.clone());
        }
        request
    }
}

/// A body as it was sent.
pub(super) struct Fetched {
    pub(super) encoding: String,
    pub(super) body: Vec<u8>,
}

/// Requests the page once.
pub(super) async fn fetch(target: &Target) -> Result<Fetched> {
    let response = CLIENT.execute(target.request()).await?;
    if response.status() != StatusCode::OK {
        bail!("{}: {}", target.url, response.status());
    }
    let encoding = response.headers().get(CONTENT_ENCODING);
    let encoding = encoding
        .map_or(Ok("identity"), HeaderValue::to_str)?
        .to_owned();
    Ok(Fetched {
        encoding,
        body: response.bytes().await?.to_vec(),
    })
}

/// Load on some pages, which each client requests in turn.
#[derive(Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) targets: &'a [Target],
    pub(super) concurrency: usize,
    pub(super) duration: Duration,
}

/// The duration of each request, and of the load.
pub(super) struct Sample {
    pub(super) times: Vec<Duration>,
    pub(super) elapsed: Duration,
}

impl Load<'_> {
    pub(super) async fn warm_up(self) -> Result<()> {
        self.clients(|n, _| n < WARM_UP).await.map(drop)
    }

    pub(super) async fn run(self) -> Result<Sample> {
        let duration = self.duration;
        let started = Instant::now();
        let times = self.clients(move |_, started| started.elapsed() < duration);
        Ok(Sample {
            times: times.await?,
            elapsed: started.elapsed(),
        })
    }

    /// Runs all clients, each while `goes_on` for its number of requests.
    async fn clients(
        self,
        goes_on: impl Fn(usize, Instant) -> bool + Copy + Send + 'static,
    ) -> Result<Vec<Duration>> {
        let started = Instant::now();
        let clients: Vec<_> = (0..self.concurrency)
            .map(|first| {
                let targets = self.targets.to_vec();
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    while goes_on(times.len(), started) {
                        let target = &targets[(first * 7 + times.len()) % targets.len()];
                        let sent = Instant::now();
                        fetch(target).await?;
                        times.push(sent.elapsed());
                    }
                    Ok::<_, anyhow::Error>(times)
                })
            })
            .collect();
        let mut all = Vec::new();
        for client in clients {
            all.extend(client.await??);
        }
        Ok(all)
    }
}
