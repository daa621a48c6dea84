//! Telling an open page or program that something changed, while it looks.

use std::collections::HashMap;

use domain::{
    Action, Actor, AppError, JobId, MemoryId, Permission, TeamId, Timestamp, Vendor,
    live::{JobEvent, LiveEvent, MAX_WATCHED, MemoryChangeKind, MemoryEvent, StreamCursor},
};
use store::{
    TenantTx,
    memory::{ChangedMemory, memory_changes, memory_visible},
};
use time::Duration;

use crate::{Ctx, authorized_tx::AuthorizedTx, import::IMPORT_JOB};

/// How long a change may take from the time that it bears to the commit after
/// which it can be seen. Each read looks back this far for those that came late.
const COMMIT_LAG: Duration = Duration::minutes(1);
/// By how much a place in the stream is put back for the same reason: who comes
/// back there hears rather twice of a change than never.
const RESUME_OVERLAP: Duration = Duration::seconds(5);
/// Who comes back later than this reads everything again.
const MAX_BEHIND: Duration = Duration::hours(1);
/// Changes that one read tells one by one.
const MAX_EVENTS: u16 = 200;
/// Own jobs that one read looks at.
const MAX_JOBS: u16 = 50;

/// What an actor may see; when it becomes another, so does everything shown.
type AccessScope = (Vec<Permission>, Vec<TeamId>, Option<Vendor>);

fn access_scope(actor: &Actor) -> AccessScope {
    (
        actor.permissions.iter().copied().collect(),
        actor.team_ids.clone(),
        actor.vendor,
    )
}

/// What one stream has told, and what it has to tell next.
#[derive(Debug)]
pub struct LiveReader {
    /// Changes up to here were known when the stream was opened.
    begin: StreamCursor,
    /// The last read looked at everything up to here.
    read: Option<Timestamp>,
    /// Nothing older is looked at any more: there was too much of it.
    floor: Timestamp,
    sent: HashMap<MemoryId, ChangedMemory>,
    jobs: HashMap<JobId, JobEvent>,
    watched: Vec<MemoryId>,
    access_scope: AccessScope,
    reset: bool,
}

impl LiveReader {
    /// Opens a stream that goes on `after` what is known, or else with what
    /// happens from now on, and tells of each of `watched` when it leaves
    /// sight.
    ///
    /// # Errors
    /// [`AppError::Forbidden`]; [`AppError::Invalid`] where too many are
    /// watched.
    pub async fn open(
        ctx: &Ctx,
        actor: &Actor,
        after: Option<StreamCursor>,
        watched: Vec<MemoryId>,
    ) -> Result<Self, AppError> {
        AuthorizedTx::authorize(ctx, actor, Action::EventStream).await?;
        if watched.len() > MAX_WATCHED {
            let sentence = format!("At most {MAX_WATCHED} memories can be watched.");
            return Err(AppError::field("watch", sentence));
        }
        let now = ctx.clock.now();
        let known = after.and_then(StreamCursor::time);
        // From another clock, or from another day.
        let is_lost = known.is_some_and(|at| at < now - MAX_BEHIND || at > now + COMMIT_LAG);
        Ok(Self {
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

    /// Where a stream that breaks off now goes on without missing anything.
    pub fn cursor(&self) -> StreamCursor {
        let read = self.read.map(|at| StreamCursor::at(at - RESUME_OVERLAP));
        read.map_or(self.begin, |cursor| cursor.max(self.begin))
    }

    /// What happened since the last time, as `actor` may know it now.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] when the actor may not look any more;
    /// [`AppError::Unavailable`] when the database is away: the next read
    /// tells it then.
    pub async fn read(&mut self, ctx: &Ctx, actor: &Actor) -> Result<Vec<LiveEvent>, AppError> {
        let permission = Action::EventStream.permission();
        if !actor.permissions.contains(&permission) {
            // It was audited, or not, when the stream was opened.
            return Err(AppError::Forbidden { permission });
        }
        let now = ctx.clock.now();
        let mut tx = ctx.store.begin(actor).await?;
        let after = self.look_from(now);
        let changed = memory_changes(&mut tx, after, MAX_EVENTS + 1).await?;
        let gone = self.gone(&mut tx).await?;
        let jobs = store::job::job_changes(&mut tx, now - COMMIT_LAG, MAX_JOBS).await?;
        drop(tx);

        let access_scope = access_scope(actor);
        let mut reset = std::mem::take(&mut self.reset) || access_scope != self.access_scope;
        self.access_scope = access_scope;
        let mut events = Vec::new();
        let changed = self.changed(changed, after);
        match changed {
            Some(changed) if !reset => events.extend(changed),
            Some(_) => {}
            None => reset = true,
        }
        if reset {
            events.push(LiveEvent::Reset);
        }
        events.extend(gone);
        events.extend(self.moved(jobs, actor));
        self.read = Some(now);
        Ok(events)
    }

    /// The time after which changes are looked at.
    fn look_from(&self, now: Timestamp) -> Timestamp {
        let since = self.read.or(self.begin.time()).unwrap_or(now).min(now);
        (since - COMMIT_LAG).max(self.floor)
    }

    /// Of what was found the part that wasn't told, oldest first; `None` where
    /// that is too much to tell.
    fn changed(
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
        for (place, memory) in found.into_iter().rev().enumerate() {
            let is_known = if is_first {
                memory.at <= begin
            } else {
                self.sent.get(&memory.id) == Some(&memory)
            };
            if !is_known {
                // Behind it there may be more that was told to nobody.
                is_lost |= is_cut && place == 0;
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

    /// Those of the watched that are out of sight now. What somebody who asks
    /// is not shown is told of nobody: it may as well never have been.
    async fn gone(&mut self, tx: &mut TenantTx) -> Result<Vec<LiveEvent>, AppError> {
        if self.watched.is_empty() {
            return Ok(Vec::new());
        }
        let seen = memory_visible(tx, &self.watched).await?;
        let (stay, gone) = std::mem::take(&mut self.watched)
            .into_iter()
            .partition::<Vec<_>, _>(|id| seen.contains(id));
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

    /// Jobs that are not as they were told.
    fn moved(&mut self, found: Vec<JobEvent>, actor: &Actor) -> Vec<LiveEvent> {
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

/// What it takes to be told of an own job, e.g. with a key that can do little.
fn job_permission(kind: &str) -> Permission {
    match kind {
        IMPORT_JOB => Action::ImportGet.permission(),
        _ => Action::EventStream.permission(),
    }
}

/// Passes word of changes between the processes of this deployment until it is
/// stopped.
pub async fn changes_relay(ctx: Ctx) {
    tokio::select! {
        () = ctx.stop.cancelled() => {}
        () = ctx.store.changes_relay(ctx.ids.id()) => {}
    }
}
