//! A body that makes no progress.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// Bytes a second that are progress.
const SLOWEST: u64 = 200;

/// Shared with whoever answers the request: its body was given up.
#[derive(Clone, Debug, Default)]
pub(super) struct GivenUp(Arc<AtomicBool>);

impl GivenUp {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A request's body that fails when the client keeps us waiting for so long
/// and sends next to nothing meanwhile. Only the time in which we wait for the
/// client counts: an upload may be slow, and so may the database.
pub(super) struct SlowBody {
    body: Body,
    timeout: Duration,
    given_up: GivenUp,
    /// What has been waited since there was progress, and what came.
    waited: Duration,
    bytes: u64,
    /// Since when we wait for the client, and for how much longer.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Nothing came for too long.
#[derive(Debug, thiserror::Error)]
#[error("the body made no progress")]
pub(super) struct Stalled;

impl SlowBody {
    pub(super) fn new(body: Body, timeout: Duration, given_up: GivenUp) -> Self {
        Self {
            body,
            timeout,
            given_up,
            waited: Duration::ZERO,
            bytes: 0,
            waiting: None,
        }
    }

    /// The client has sent `bytes`.
    fn progress(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        self.bytes += bytes as u64;
        if self.bytes >= self.timeout.as_secs().max(1) * SLOWEST {
            self.waited = Duration::ZERO;
            self.bytes = 0;
        }
    }
}

impl HttpBody for SlowBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let data = match &frame {
                Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
                _ => 0,
            };
            self.progress(data);
            return Poll::Ready(frame);
        }
        let left = self.timeout.saturating_sub(self.waited);
        let (_, sleeping) = self
            .waiting
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        if sleeping.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.given_up.0.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(Stalled))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);

    /// A client that sends so many `bytes` after each of so many pauses.
    fn client(bytes: usize, pause: Duration, times: usize) -> SlowBody {
        let frames = stream::unfold(0, move |n| async move {
            (n < times).then_some(())?;
            sleep(pause).await;
            Some((Ok::<_, axum::Error>(Bytes::from(vec![0; bytes])), n + 1))
        });
        SlowBody::new(Body::from_stream(frames), TIMEOUT, GivenUp::default())
    }

    /// Whether it arrived, or was given up, and after how long.
    async fn arrives(body: SlowBody) -> (bool, bool, Duration) {
        let (given_up, start) = (body.given_up.clone(), Instant::now());
        let whole = body.collect().await.is_ok();
        (whole, given_up.is_set(), start.elapsed())
    }

    #[tokio::test]
    async fn a_body_of_which_nothing_more_comes_is_given_up() {
        let (whole, given_up, after) = arrives(client(100, Duration::from_mins(1), 1)).await;
        assert_eq!((whole, given_up), (false, true));
        assert!((TIMEOUT..TIMEOUT * 10).contains(&after), "{after:?}");
    }

    #[tokio::test]
    async fn a_body_that_drips_is_given_up() {
        let (whole, given_up, after) = arrives(client(1, TIMEOUT / 10, 1_000)).await;
        assert_eq!((whole, given_up), (false, true));
        assert!((TIMEOUT..TIMEOUT * 10).contains(&after), "{after:?}");
    }

    #[tokio::test]
    async fn a_slow_body_that_makes_progress_arrives() {
        let (whole, given_up, after) = arrives(client(250, TIMEOUT / 4, 8)).await;
        assert_eq!((whole, given_up), (true, false));
        assert!(after > TIMEOUT, "{after:?}");
    }

    #[tokio::test]
    async fn what_takes_its_time_here_is_not_the_clients_fault() {
        let mut body = client(1, Duration::from_millis(1), 3);
        for _ in 0..3 {
            // The body is asked for its next bytes late.
            sleep(TIMEOUT / 2).await;
            assert!(body.frame().await.unwrap().is_ok());
        }
        assert!(!body.given_up.is_set());
    }
}
