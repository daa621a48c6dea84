//! Processor time and memory of a process and its descendants, from `/proc`.

use anyhow::{Context, Result};
use std::{fs, ops::Sub, time::Duration};

/// A process with its descendants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tree {
    root: u32,
    /// True if the descendants are a database rather than the same program.
    has_database: bool,
}

/// Processor time, user and system together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) server: Duration,
    pub(super) database: Duration,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            server: self.server.saturating_sub(earlier.server),
            database: self.database.saturating_sub(earlier.database),
        }
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.server += other.server;
        self.database += other.database;
    }
}

/// A line of `/proc/…/stat`.
struct Stat {
    pid: u32,
    parent: u32,
    /// Of the process itself, in clock ticks.
    own: u64,
    /// Of its children that have ended.
    ended: u64,
}

impl Tree {
    /// Atrium, whose child is its database.
    pub(super) fn server(root: u32) -> Self {
        let has_database = true;
        Self { root, has_database }
    }

    /// A program whose children, if any, are its workers.
    pub(super) fn program(root: u32) -> Self {
        let has_database = false;
        Self { root, has_database }
    }

    /// The processor time until now.
    pub(super) fn usage(self) -> Result<Usage> {
        let all = stats()?;
        let root = all.iter().find(|stat| stat.pid == self.root);
        let root = root.context("the measured process has ended")?;
        let mut descendants = 0;
        let mut parents = vec![self.root];
        while let Some(parent) = parents.pop() {
            for stat in all.iter().filter(|stat| stat.parent == parent) {
                descendants += stat.own + stat.ended;
                parents.push(stat.pid);
            }
        }
        let (server, database) = if self.has_database {
            (root.own, descendants)
        } else {
            (root.own + root.ended + descendants, 0)
        };
        Ok(Usage {
            server: ticks(server),
            database: ticks(database),
        })
    }

    /// Resident memory of the first process in bytes.
    pub(super) fn memory(self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.root))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kilobytes: u64 = kilobytes.context("VmRSS in kB")?.trim().parse()?;
        Ok(kilobytes * 1024)
    }
}

fn ticks(count: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_micros(count * 1_000_000 / per_second)
}

fn stats() -> Result<Vec<Stat>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may end in between.
        if let Some(stat) = stat(pid) {
            all.push(stat);
        }
    }
    Ok(all)
}

fn stat(pid: u32) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in parentheses, may have spaces.
    let (_, fields) = line.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        own: number(11)? + number(12)?,
        ended: number(13)? + number(14)?,
    })
}
