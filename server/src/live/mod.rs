//! Streams of server-sent events: that something changed, for pages at
//! `/events` and for programs at `/api/v1/events`.
//!
//! A stream waits for word of a change in its organisation, resolves its
//! actor anew and reads what that actor may see. So it ends with the session,
//! the key or the role that opened it, and tells nobody what they could not
//! have read themselves. Without any word it does the same every few seconds.

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
use store::Subscription;
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, sleep, sleep_until},
};

use owner::StreamEnd;
pub(crate) use owner::StreamOwner;
pub(crate) use page::{PATH, page_events};
use slots::{Slot, Slots};

/// How often a stream looks by itself, and shows that it lives.
const LOOK: Duration = Duration::from_secs(10);
/// Between two looks of one stream, however much happens.
const REST: Duration = Duration::from_millis(500);
/// How long a client may take for one event.
const PATIENCE: Duration = Duration::from_secs(30);
/// Until a client whose stream broke off comes back.
const RETRY: Duration = Duration::from_secs(3);
/// Streams that look at the same time: pages need the database, too.
const LOOKS_AT_ONCE: usize = 4;
/// Events that wait for a client at most.
const BACKLOG: usize = 16;

/// All open streams of the process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Streams {
    ctx: Ctx,
    slots: Slots,
    looks: Arc<Semaphore>,
}

/// Where a stream begins and what it watches.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// Where an earlier stream broke off, for a client that can't send
    /// `Last-Event-ID`.
    #[serde(default)]
    after: String,
    /// Ids of memories, with commas between them, at most 100: each is told of
    /// once more when it leaves your sight.
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
            .ok_or_else(|| AppError::field("watch", "Give ids with commas between them."))
    }
}

impl Streams {
    /// None yet.
    pub fn new(ctx: Ctx) -> Self {
        Self {
            ctx,
            slots: Slots::default(),
            looks: Arc::new(Semaphore::new(LOOKS_AT_ONCE)),
        }
    }

    /// Opens a stream for `actor`, who is `owner` from now on.
    pub(crate) async fn open(
        &self,
        owner: StreamOwner,
        actor: Actor,
        asked: &EventParams,
        headers: &HeaderMap,
    ) -> Result<Response, AppError> {
        let (after, watch) = (asked.after(headers)?, asked.watch()?);
        let slot = self.slots.try_acquire(actor.tenant_id, actor.user_id)?;
        // First, so that nothing falls between this and the first look.
        let changes = self.ctx.store.changes().wait(actor.tenant_id);
        let reader = LiveReader::open(&self.ctx, &actor, after, watch).await?;
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let stream = Stream {
            streams: self.clone(),
            owner,
            actor,
            reader,
            changes,
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
        // Proxies that collect answers would hold events back.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(response)
    }
}

/// One open stream.
struct Stream {
    streams: Streams,
    owner: StreamOwner,
    actor: Actor,
    reader: LiveReader,
    changes: Subscription,
    sender: mpsc::Sender<Event>,
    _slot: Slot,
}

/// The client is gone, or doesn't take what it is sent.
struct Disconnected;

impl Stream {
    async fn run(mut self) {
        let ready = event(&LiveEvent::Ready)
            .id(self.reader.cursor().to_string())
            .retry(RETRY);
        let mut sent = self.send(ready).await;
        while sent.is_ok() {
            let next = Instant::now() + REST;
            match self.look().await {
                Ok(events) => sent = self.tell(&events).await,
                Err(StreamEnd::Ended(reason)) => {
                    let _ = self.send(event(&LiveEvent::End(reason))).await;
                    return;
                }
                // The next look makes up for it.
                Err(StreamEnd::Unknown) => {}
            }
            let woken = async {
                self.changes.changed().await;
                sleep_until(next).await;
            };
            tokio::select! {
                () = self.sender.closed() => return,
                () = self.streams.ctx.stop.cancelled() => return,
                () = woken => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    /// What happened, as far as whoever this is now may know.
    async fn look(&mut self) -> Result<Vec<LiveEvent>, StreamEnd> {
        let _permit = self.streams.looks.acquire().await;
        let ctx = &self.streams.ctx;
        let actor = self.owner.resolve(ctx, &self.actor.request).await?;
        if (actor.tenant_id, actor.user_id) != (self.actor.tenant_id, self.actor.user_id) {
            return Err(StreamEnd::Ended(EndReason::SignedOut));
        }
        Ok(self.reader.read(ctx, &actor).await?)
    }

    /// The place in the stream comes after all that one look found: who got
    /// only a part of it hears all of it again.
    async fn tell(&mut self, events: &[LiveEvent]) -> Result<(), Disconnected> {
        for told in events {
            self.send(event(told)).await?;
        }
        let place = Event::default().id(self.reader.cursor().to_string());
        self.send(place).await
    }

    async fn send(&self, event: Event) -> Result<(), Disconnected> {
        let sent = self.sender.send_timeout(event, PATIENCE).await;
        sent.map_err(|_| Disconnected)
    }
}

fn event(told: &LiveEvent) -> Event {
    let data = match told {
        LiveEvent::Ready | LiveEvent::Reset => Ok(serde_json::json!({})),
        LiveEvent::Memory(memory) => serde_json::to_value(memory),
        LiveEvent::Job(job) => serde_json::to_value(job),
        LiveEvent::End(reason) => Ok(serde_json::json!({ "reason": reason })),
    };
    let data = data.unwrap_or_default().to_string();
    Event::default().event(told.name()).data(data)
}
