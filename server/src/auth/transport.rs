//! The HTTP client for requests to the issuer: no redirects (the token endpoint
//! could send our secret elsewhere), timeouts, and bounded responses.

use std::{future::Future, pin::Pin, time::Duration};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http, reqwest};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Limit of a response; Entra's key set is about 20 kB.
const MAX_BYTES: usize = 1_000_000;

#[derive(Clone, Debug)]
pub(super) struct Transport(reqwest::Client);

/// The reason why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransportError {
    /// Unreachable, or the connection broke.
    #[error(transparent)]
    Reqwest(#[from] reqwest::Error),
    /// Not a valid HTTP response.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The response exceeds `MAX_BYTES`.
    #[error("the answer is longer than {MAX_BYTES} bytes")]
    TooLong,
}

impl Transport {
    /// `is_local` disables proxies, for an issuer on this machine.
    pub(super) fn new(is_local: bool) -> Result<Self, TransportError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .user_agent(concat!("atrium/", env!("CARGO_PKG_VERSION")));
        if is_local {
            builder = builder.no_proxy();
        }
        Ok(Self(builder.build()?))
    }

    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let mut answer = self.0.execute(request.try_into()?).await?;
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.extend(answer.headers().clone());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(TransportError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(response.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Self::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
