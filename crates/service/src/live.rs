//! Live updates: events for open pages and API streams when something changed.

use std::collections::HashMap;

use domain::{
    Action, Actor, AppError, JobId, MemoryId, Permission, TeamId, Timestamp, Vendor,
    live::{JobEvent, LiveEvent, MAX_WATCHED, MemoryChangeKind, MemoryEvent, StreamCursor},
};
use store::{
    Subscription, TenantTx,
    memory::{ChangedMemory, memory_changes, memory_visible},
};
use time::Duration;

use crate::{Ctx, authorized_tx::AuthorizedTx, import::IMPORT_JOB};

/// Maximum time between a change's timestamp and its commit. Each read looks
/// back this far for changes that were committed late.
const COMMIT_LAG: Duration = Duration::minutes(1);
/// Subtracted from the resume cursor, so that delivery is at least once.
const RESUME_OVERLAP: Duration = Duration::seconds(5);
/// A stream resumed later than this gets a reset: the client reloads all.
const MAX_BEHIND: Duration = Duration::hours(1);
/// Maximum changes that one read reports individually.
const MAX_EVENTS: u16 = 200;
/// Maximum of the actor's own jobs that one read looks at.
const MAX_JOBS: u16 = 50;

/// Permissions, teams and vendor: when they change, so may everything visible.
type AccessScope = (Vec<Permission>, Vec<TeamId>, Option<Vendor>);

fn access_scope(actor: &Actor) -> AccessScope {
    (
        actor.permissions.iter().copied().collect(),
        actor.team_ids.clone(),
        actor.vendor,
    )
}

/// The state of one stream: what it has sent and where it continues.
#[derive(Debug)]
pub struct LiveReader {
    changes: Subscription,
    /// Changes up to here were known when the stream was opened.
    begin: StreamCursor,
    /// Time of the last read.
    read: Option<Timestamp>,
    /// Changes up to here are skipped, because there were too many.
    floor: Timestamp,
    sent: HashMap<MemoryId, ChangedMemory>,
    jobs: HashMap<JobId, JobEvent>,
    watched: Vec<MemoryId>,
    access_scope: AccessScope,
    reset: bool,
}

impl LiveReader {
    /// Opens a stream that continues `after` a cursor, or from now. Reports
    /// each of the `watched` memories that stops being visible.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for `watch` with more than `MAX_WATCHED` memories.
    pub async fn open(
        ctx: &Ctx,
        actor: &Actor,
        after: Option<StreamCursor>,
        watched: Vec<MemoryId>,
    ) -> Result<Self, AppError> {
        AuthorizedTx::authorize(ctx, actor, Action::EventStream).await?;
        if watched.len() > MAX_WATCHED {
            let message = format!("At most {MAX_WATCHED} memories can be watched.");
            return Err(AppError::field("watch", message));
        }
        // Subscribes before the first read, so that no change is missed.
        let changes = ctx.store.changes().subscribe(actor.tenant_id);
        let now = ctx.clock.now();
        let known = after.and_then(StreamCursor::time);
        // Too old, or from a clock that is ahead.
        let is_lost = known.is_some_and(|at| at < now - MAX_BEHIND || at > now + COMMIT_LAG);
        Ok(Self {
            changes,
            begin: StreamCursor::at(known.filter(|_| !is_lost).unwrap_or(now)),
            read: None,
            floor: Timestamp::UNIX_EPOCH,
            sent: HashMap::new(),
            jobs: HashMap::new(),
            watched,
            access_scope: access_scope(actor),
            reset: is_lost,
        })
    }

    /// Waits for a change in the organisation.
    pub async fn changed(&mut self) {
        self.changes.changed().await;
    }

    /// The cursor from which an interrupted stream can resume without a gap.
    pub fn cursor(&self) -> StreamCursor {
        let read = self.read.map(|at| StreamCursor::at(at - RESUME_OVERLAP));
        read.map_or(self.begin, |cursor| cursor.max(self.begin))
    }

    /// The events since the last read, with the actor's current permissions.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is away; the next successful
    /// read reports the missed changes.
    pub async fn read(&mut self, ctx: &Ctx, actor: &Actor) -> Result<Vec<LiveEvent>, AppError> {
        let permission = Action::EventStream.permission();
        if !actor.permissions.contains(&permission) {
            // Not audited: opening the stream was.
            return Err(AppError::Forbidden { permission });
        }
        let now = ctx.clock.now();
        let mut tx = ctx.store.begin(actor).await?;
        let after = self.changes_since(now);
        let changed = memory_changes(&mut tx, after, MAX_EVENTS + 1).await?;
        let gone = self.gone_events(&mut tx).await?;
        let jobs = store::job::job_changes(&mut tx, now - COMMIT_LAG, MAX_JOBS).await?;
        drop(tx);

        let access_scope = access_scope(actor);
        let mut reset = std::mem::take(&mut self.reset) || access_scope != self.access_scope;
        self.access_scope = access_scope;
        let mut events = Vec::new();
        let changed = self.memory_events(changed, after);
        match changed {
            Some(changed) if !reset => events.extend(changed),
            Some(_) => {}
            None => reset = true,
        }
        if reset {
            events.push(LiveEvent::Reset);
        }
        events.extend(gone);
        events.extend(self.job_events(jobs, actor));
        self.read = Some(now);
        Ok(events)
    }

    /// The time after which changes are queried.
    fn changes_since(&self, now: Timestamp) -> Timestamp {
        let since = self.read.or(self.begin.time()).unwrap_or(now).min(now);
        (since - COMMIT_LAG).max(self.floor)
    }

    /// Events for those of the `found` changes that were not sent yet, oldest
    /// first; `None` if there are too many.
    fn memory_events(
        &mut self,
        mut found: Vec<ChangedMemory>,
        after: Timestamp,
    ) -> Option<Vec<LiveEvent>> {
        let is_cut = found.len() > usize::from(MAX_EVENTS);
        if is_cut {
            found.truncate(MAX_EVENTS.into());
            self.floor = found.last().map_or(self.floor, |oldest| oldest.at);
        }
        let is_first = self.read.is_none();
        let begin = self.begin.time().unwrap_or(after);
        let mut sent = HashMap::with_capacity(found.len());
        let mut events = Vec::new();
        let mut is_lost = false;
        for (index, memory) in found.into_iter().rev().enumerate() {
            let is_known = if is_first {
                memory.at <= begin
            } else {
                self.sent.get(&memory.id) == Some(&memory)
            };
            if !is_known {
                // Older changes were cut off and may never have been sent.
                is_lost |= is_cut && index == 0;
                events.push(LiveEvent::Memory(MemoryEvent {
                    id: memory.id,
                    change: if memory.trashed {
                        MemoryChangeKind::Trashed
                    } else {
                        MemoryChangeKind::Changed
                    },
                    version: Some(memory.version),
                    parent_id: memory.parent_id,
                }));
            }
            sent.insert(memory.id, memory);
        }
        self.sent = sent;
        (!is_lost).then_some(events)
    }

    /// Events for the watched memories that are no longer visible. A memory
    /// that never was visible is reported like a deleted one.
    async fn gone_events(&mut self, tx: &mut TenantTx) -> Result<Vec<LiveEvent>, AppError> {
        if self.watched.is_empty() {
            return Ok(Vec::new());
        }
        let visible = memory_visible(tx, &self.watched).await?;
        let (stay, gone) = std::mem::take(&mut self.watched)
            .into_iter()
            .partition::<Vec<_>, _>(|id| visible.contains(id));
        self.watched = stay;
        let event = |id| {
            LiveEvent::Memory(MemoryEvent {
                id,
                change: MemoryChangeKind::Gone,
                version: None,
                parent_id: None,
            })
        };
        Ok(gone.into_iter().map(event).collect())
    }

    /// Events for jobs that changed since they were last sent.
    fn job_events(&mut self, found: Vec<JobEvent>, actor: &Actor) -> Vec<LiveEvent> {
        let mut events = Vec::new();
        let mut sent = HashMap::with_capacity(found.len());
        let found = found
            .into_iter()
            .rev()
            .filter(|job| actor.permissions.contains(&job_permission(&job.kind)));
        for job in found {
            if self.jobs.get(&job.id) != Some(&job) {
                events.push(LiveEvent::Job(job.clone()));
            }
            sent.insert(job.id, job);
        }
        self.jobs = sent;
        events
    }
}

/// The permission to receive events of an own job; an API key may lack it.
fn job_permission(kind: &str) -> Permission {
    match kind {
        IMPORT_JOB => Action::ImportGet.permission(),
        _ => Action::EventStream.permission(),
    }
}

/// Relays change notifications between the processes of this deployment until
/// the process stops.
pub async fn changes_relay(ctx: Ctx) {
    tokio::select! {
        () = ctx.stop.cancelled() => {}
        () = ctx.store.changes_relay(ctx.ids.id()) => {}
    }
}
