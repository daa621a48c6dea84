//! Timeout for request bodies without progress.

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

/// Minimum rate in bytes per second that counts as progress.
const MIN_RATE: u64 = 200;

/// Flag shared with the middleware: set when the body timed out.
#[derive(Clone, Debug, Default)]
pub(super) struct TimedOutFlag(Arc<AtomicBool>);

impl TimedOutFlag {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A request's body that fails after waiting `timeout` for the client while
/// almost nothing arrives. Counts only the time spent waiting for the client:
/// an upload may be slow, and so may the database.
pub(super) struct TimeoutBody {
    body: Body,
    timeout: Duration,
    given_up: TimedOutFlag,
    /// Time waited and bytes received since the last progress.
    waited: Duration,
    bytes: u64,
    /// Start of the current wait and its timer.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// The body timed out.
#[derive(Debug, thiserror::Error)]
#[error("the body made no progress")]
pub(super) struct BodyTimeout;

impl TimeoutBody {
    pub(super) fn new(body: Body, timeout: Duration, given_up: TimedOutFlag) -> Self {
        Self {
            body,
            timeout,
            given_up,
            waited: Duration::ZERO,
            bytes: 0,
            waiting: None,
        }
    }

    /// Records received bytes and resets the wait once they are enough.
    fn record(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        self.bytes += bytes as u64;
        if self.bytes >= self.timeout.as_secs().max(1) * MIN_RATE {
            self.waited = Duration::ZERO;
            self.bytes = 0;
        }
    }
}

impl HttpBody for TimeoutBody {
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
            self.record(data);
            return Poll::Ready(frame);
        }
        let remaining = self.timeout.saturating_sub(self.waited);
        let (_, timer) = self
            .waiting
            .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(remaining))));
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.given_up.0.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(BodyTimeout))))
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

    /// A client that sends `bytes` after a `pause`, `times` times.
    fn client(bytes: usize, pause: Duration, times: usize) -> TimeoutBody {
        let frames = stream::unfold(0, move |n| async move {
            (n < times).then_some(())?;
            sleep(pause).await;
            Some((Ok::<_, axum::Error>(Bytes::from(vec![0; bytes])), n + 1))
        });
        TimeoutBody::new(Body::from_stream(frames), TIMEOUT, TimedOutFlag::default())
    }

    /// Returns whether the body was complete, whether it timed out, and the
    /// duration.
    async fn read_to_end(body: TimeoutBody) -> (bool, bool, Duration) {
        let (given_up, start) = (body.given_up.clone(), Instant::now());
        let whole = body.collect().await.is_ok();
        (whole, given_up.is_set(), start.elapsed())
    }

    #[tokio::test]
    async fn stalled_body_times_out() {
        let (whole, given_up, after) = read_to_end(client(100, Duration::from_mins(1), 1)).await;
        assert_eq!((whole, given_up), (false, true));
        assert!((TIMEOUT..TIMEOUT * 10).contains(&after), "{after:?}");
    }

    #[tokio::test]
    async fn dripping_body_times_out() {
        let (whole, given_up, after) = read_to_end(client(1, TIMEOUT / 10, 1_000)).await;
        assert_eq!((whole, given_up), (false, true));
        assert!((TIMEOUT..TIMEOUT * 10).contains(&after), "{after:?}");
    }

    #[tokio::test]
    async fn slow_body_with_progress_is_read() {
        let (whole, given_up, after) = read_to_end(client(250, TIMEOUT / 4, 8)).await;
        assert_eq!((whole, given_up), (true, false));
        assert!(after > TIMEOUT, "{after:?}");
    }

    #[tokio::test]
    async fn slow_reader_does_not_cause_a_timeout() {
        let mut body = client(1, Duration::from_millis(1), 3);
        for _ in 0..3 {
            // The server itself is slow to read.
            sleep(TIMEOUT / 2).await;
            assert!(body.frame().await.unwrap().is_ok());
        }
        assert!(!body.given_up.is_set());
    }
}
