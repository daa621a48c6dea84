//! The one HTTP client that talks to the issuer: no redirects (the token
//! endpoint could send our secret elsewhere), time-outs, bounded answers.

use std::{future::Future, pin::Pin, time::Duration};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http, reqwest};

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
/// Entra's key set is some 20 kB; a megabyte is nobody's honest answer.
const MAX_BYTES: usize = 1_000_000;

/// Sends requests to the issuer.
#[derive(Clone, Debug)]
pub(super) struct Transport(reqwest::Client);

/// Why the issuer gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransportError {
    /// It can't be reached, or broke off.
    #[error(transparent)]
    Reqwest(#[from] reqwest::Error),
    /// What came is not HTTP.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The answer is too long.
    #[error("the answer is longer than {MAX_BYTES} bytes")]
    TooLong,
}

impl Transport {
    /// A client; `is_local` keeps a proxy of the environment out of the way
    /// to this machine itself.
    pub(super) fn new(is_local: bool) -> Result<Self, TransportError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .user_agent(concat!("atrium/", env!("CARGO_PKG_VERSION")));
        if is_local {
            builder = builder.no_proxy();
        }
        Ok(Self(builder.build()?))
    }

    /// One request, one answer of bounded length.
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
