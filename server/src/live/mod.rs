//! Streams of server-sent events about changes, for pages at `/events` and for
//! API clients at `/api/v1/events`.
//!
//! A stream waits for a change notification in its organisation or a timeout,
//! resolves its actor again and reads what that actor may see. So it ends with
//! the session, key or role that opened it, and never sends more than the actor
//! could read.

mod owner;
mod page;
mod slots;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
};
use domain::{
    Actor, AppError, MemoryId,
    live::{EndReason, LiveEvent, StreamCursor},
};
use futures::stream;
use serde::Deserialize;
use service::{Ctx, LiveReader};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, sleep, sleep_until},
};

use owner::StreamEnd;
pub(crate) use owner::StreamOwner;
pub(crate) use page::{PATH, page_events};
use slots::{Slot, Slots};

/// How often a stream reads without a notification; also shows that it is
/// alive.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// Minimum interval between two reads of one stream.
const MIN_READ_INTERVAL: Duration = Duration::from_millis(500);
/// Timeout for a client to accept one event.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Delay before a client reconnects.
const RECONNECT_DELAY: Duration = Duration::from_secs(3);
/// Maximum concurrent reads of all streams, to leave database connections to
/// pages.
const MAX_CONCURRENT_READS: usize = 4;
/// Maximum events queued for a client.
const EVENT_BUFFER: usize = 16;

/// All open streams of the process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Streams {
    ctx: Ctx,
    slots: Slots,
    read_permits: Arc<Semaphore>,
}

/// The start of a stream and the memories that it watches.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// The id of the last received event, for clients that can't send
    /// `Last-Event-ID`.
    #[serde(default)]
    after: String,
    /// Comma-separated ids of at most 100 memories. An event is sent when one
    /// of them is no longer visible to you.
    #[serde(default)]
    watch: String,
}

impl EventParams {
    fn after(&self, headers: &HeaderMap) -> Result<Option<StreamCursor>, AppError> {
        let header = headers
            .get("last-event-id")
            .and_then(|value| value.to_str().ok());
        let after = header.unwrap_or(&self.after);
        (!after.is_empty()).then(|| after.parse()).transpose()
    }

    fn watch(&self) -> Result<Vec<MemoryId>, AppError> {
        let ids = self.watch.split(',').filter(|id| !id.is_empty());
        ids.map(|id| id.parse().ok())
            .collect::<Option<_>>()
            .ok_or_else(|| AppError::field("watch", "Enter IDs separated by commas."))
    }
}

impl Streams {
    pub fn new(ctx: Ctx) -> Self {
        Self {
            ctx,
            slots: Slots::default(),
            read_permits: Arc::new(Semaphore::new(MAX_CONCURRENT_READS)),
        }
    }

    /// Opens a stream for `actor`, the current actor of `owner`.
    pub(crate) async fn open(
        &self,
        owner: StreamOwner,
        actor: Actor,
        params: &EventParams,
        headers: &HeaderMap,
    ) -> Result<Response, AppError> {
        let (after, watch) = (params.after(headers)?, params.watch()?);
        let slot = self.slots.try_acquire(actor.tenant_id, actor.user_id)?;
        let reader = LiveReader::open(&self.ctx, &actor, after, watch).await?;
        let (sender, receiver) = mpsc::channel(EVENT_BUFFER);
        let stream = Stream {
            streams: self.clone(),
            owner,
            actor,
            reader,
            sender,
            _slot: slot,
        };
        tokio::spawn(stream.run());
        let events = stream::unfold(receiver, |mut receiver| async {
            let event: Event = receiver.recv().await?;
            Some((Ok::<_, Infallible>(event), receiver))
        });
        let mut response = Sse::new(events).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Proxies that buffer responses would delay events.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(response)
    }
}

struct Stream {
    streams: Streams,
    owner: StreamOwner,
    actor: Actor,
    reader: LiveReader,
    sender: mpsc::Sender<Event>,
    _slot: Slot,
}

/// The client is gone or doesn't accept events in time.
struct Disconnected;

impl Stream {
    async fn run(mut self) {
        let ready = event(&LiveEvent::Ready)
            .id(self.reader.cursor().to_string())
            .retry(RECONNECT_DELAY);
        let mut sent = self.send(ready).await;
        while sent.is_ok() {
            let next = Instant::now() + MIN_READ_INTERVAL;
            match self.read_events().await {
                Ok(events) => sent = self.send_all(&events).await,
                Err(StreamEnd::Ended(reason)) => {
                    let _ = self.send(event(&LiveEvent::End(reason))).await;
                    return;
                }
                // The next read catches up.
                Err(StreamEnd::Unknown) => {}
            }
            let next_change = async {
                self.reader.changed().await;
                sleep_until(next).await;
            };
            tokio::select! {
                () = self.sender.closed() => return,
                () = self.streams.ctx.stop.cancelled() => return,
                () = next_change => {}
                () = sleep(POLL_INTERVAL) => {}
            }
        }
    }

    /// The new events that the current actor may see.
    async fn read_events(&mut self) -> Result<Vec<LiveEvent>, StreamEnd> {
        let _permit = self.streams.read_permits.acquire().await;
        let ctx = &self.streams.ctx;
        let actor = self.owner.resolve(ctx, &self.actor.request).await?;
        if (actor.tenant_id, actor.user_id) != (self.actor.tenant_id, self.actor.user_id) {
            return Err(StreamEnd::Ended(EndReason::SignedOut));
        }
        Ok(self.reader.read(ctx, &actor).await?)
    }

    /// Sends the cursor after all events of one read, so that a client that
    /// received only some of them gets all again.
    async fn send_all(&mut self, events: &[LiveEvent]) -> Result<(), Disconnected> {
        for live_event in events {
            self.send(event(live_event)).await?;
        }
        let cursor = Event::default().id(self.reader.cursor().to_string());
        self.send(cursor).await
    }

    async fn send(&self, event: Event) -> Result<(), Disconnected> {
        let sent = self.sender.send_timeout(event, SEND_TIMEOUT).await;
        sent.map_err(|_| Disconnected)
    }
}

fn event(live_event: &LiveEvent) -> Event {
    let data = match live_event {
        LiveEvent::Ready | LiveEvent::Reset => Ok(serde_json::json!({})),
        LiveEvent::Memory(memory) => serde_json::to_value(memory),
        LiveEvent::Job(job) => serde_json::to_value(job),
        LiveEvent::End(reason) => Ok(serde_json::json!({ "reason": reason })),
    };
    let data = data.unwrap_or_default().to_string();
    Event::default().event(live_event.name()).data(data)
}
