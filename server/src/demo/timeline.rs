//! When everything in the demo's history happened.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use domain::Timestamp;
use service::Clock;
use time::{Date, Duration, Time, Weekday};

use super::script::{Change, Event, Memory, Reply, Script};

/// Working hours, in UTC.
const MORNING: Duration = Duration::minutes(7 * 60 + 20);
const WORKDAY: Duration = Duration::hours(10);
/// What happened on the day of the start was this long before it.
const TODAY_BEGINS: Duration = Duration::minutes(95);
const TODAY_ENDS: Duration = Duration::minutes(4);
/// Each reading of the clock is this much later than the one before.
const TICK_MICROS: i64 = 1_000;

/// A clock that is set to the time of each step.
#[derive(Clone, Debug)]
pub(super) struct HistoryClock(Arc<AtomicI64>);

impl HistoryClock {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    pub(super) fn set(&self, at: Timestamp) {
        let micros = at.unix_timestamp_nanos() / 1_000;
        self.0
            .store(i64::try_from(micros).unwrap_or_default(), Relaxed);
    }

    pub(super) fn clock(&self) -> Clock {
        let micros = self.0.clone();
        Clock::from_fn(move || {
            let micros = micros.fetch_add(TICK_MICROS, Relaxed);
            Timestamp::UNIX_EPOCH + Duration::microseconds(micros)
        })
    }
}

/// One thing to do at one time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'a> {
    Event(&'a Event),
    Write(&'a Memory),
    /// Memories that a program writes at once.
    WriteMany(&'a [Memory]),
    Decide(&'a Memory),
    Change(&'a Memory, &'a Change),
    Reply(&'a Memory, &'a Reply),
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => write!(f, "{event:?}"),
            Self::WriteMany(memories) => write!(f, "{} memories at once", memories.len()),
            Self::Write(memory)
            | Self::Decide(memory)
            | Self::Change(memory, _)
            | Self::Reply(memory, _) => write!(f, "“{}”, day {}", memory.key(), memory.day),
        }
    }
}

/// The script in the order of time, for a demo that starts at `start`.
pub(super) fn timeline(script: &Script, start: Timestamp) -> Vec<(Timestamp, Entry<'_>)> {
    let mut entries: Vec<(u16, Entry<'_>)> = script
        .events
        .iter()
        .map(|event| (event.day, Entry::Event(event)))
        .collect();
    let is_same_batch = |a: &Memory, b: &Memory| {
        a.via.is_some() && (a.day, &a.by, &a.via) == (b.day, &b.by, &b.via)
    };
    for batch in script.memories.chunk_by(is_same_batch) {
        let [memory] = batch else {
            entries.extend(
                batch
                    .first()
                    .map(|first| (first.day, Entry::WriteMany(batch))),
            );
            continue;
        };
        entries.push((memory.day, Entry::Write(memory)));
        if memory.share.is_some() && !memory.waits {
            entries.push((memory.day.saturating_sub(1), Entry::Decide(memory)));
        }
        let changes = memory.changes.iter();
        entries.extend(changes.map(|change| (change.day, Entry::Change(memory, change))));
        let replies = memory.replies.iter();
        entries.extend(replies.map(|reply| (reply.day, Entry::Reply(memory, reply))));
    }
    // Stable, so that the entries of a day keep their order.
    entries.sort_by_key(|(day, _)| std::cmp::Reverse(*day));

    let today = start.date();
    let mut times = Vec::with_capacity(entries.len());
    for of_one_date in entries.chunk_by(|(a, _), (b, _)| date_of(today, *a) == date_of(today, *b)) {
        let (begin, length) = match of_one_date.first() {
            Some((0, _)) | None => (start - TODAY_BEGINS, TODAY_BEGINS - TODAY_ENDS),
            Some((day, _)) => {
                let midnight = date_of(today, *day).with_time(Time::MIDNIGHT).assume_utc();
                (midnight + MORNING, WORKDAY)
            }
        };
        let count = i32::try_from(of_one_date.len()).unwrap_or(i32::MAX);
        for (n, (_, entry)) in (0..).zip(of_one_date) {
            times.push((begin + length * n / count + jitter(n), *entry));
        }
    }
    times
}

/// The date that many days before `today`; for a day of a weekend the Friday
/// before. The day of the start is kept.
fn date_of(today: Date, days: u16) -> Date {
    let date = today - Duration::days(days.into());
    match date.weekday() {
        _ if days == 0 => date,
        Weekday::Saturday => date - Duration::days(1),
        Weekday::Sunday => date - Duration::days(2),
        _ => date,
    }
}

/// Up to two minutes, so that times are not even.
fn jitter(n: i32) -> Duration {
    Duration::seconds((i64::from(n) * 7_919 + 31) % 120)
}
