//! Cleans up after an earlier run: processes that are still ending, and a pid
//! file whose pid now belongs to another process.

use crate::error::Error;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time limit for processes of an earlier run to end. Usually they take
/// milliseconds; a shutdown that writes a lot takes longer.
const END_TIMEOUT: Duration = Duration::from_secs(15);

/// The relevant lines of `postmaster.pid`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: u32,
    pub(crate) socket_folder: Option<PathBuf>,
    /// True if the server accepts connections.
    pub(crate) ready: bool,
}

impl PidFile {
    /// Reads the file of a data folder. `None` also while it is being written.
    pub(crate) fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(pid_file_path(data)).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            socket_folder: lines
                .get(4)
                .filter(|line| !line.is_empty())
                .map(PathBuf::from),
            ready: lines.get(7).is_some_and(|status| *status == "ready"),
        })
    }
}

fn pid_file_path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// Waits until no PostgreSQL uses the data folder, then removes a stale pid
/// file that would prevent the start. The caller holds the folder's lock, so
/// no server starts meanwhile.
pub(crate) fn clear(data: &Path) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        let servers = servers_in(data);
        let Some(first) = servers.first() else {
            break;
        };
        let main_pid = PidFile::read(data).map(|file| file.pid);
        if main_pid.is_some_and(|main_pid| !servers.contains(&main_pid)) {
            // The main process crashed. A busy backend does not notice and may
            // run on for hours, so signal it as the main process would have;
            // the next start recovers everything committed.
            for backend in &servers {
                send(*backend, Signal::QUIT);
            }
        }
        if started.elapsed() > END_TIMEOUT {
            let main_pid = main_pid.filter(|main_pid| servers.contains(main_pid));
            return Err(Error::LeftOver {
                path: data.to_owned(),
                pid: main_pid.unwrap_or(*first),
            });
        }
        sleep(Duration::from_millis(10));
    }
    // PostgreSQL mistakes any live process of the same user with that pid for
    // a running server. In a container, pids soon repeat.
    if let Some(file) = PidFile::read(data).filter(|file| is_alive(file.pid)) {
        tracing::warn!(
            pid = file.pid,
            "removing the pid file of an earlier PostgreSQL: that number is another process now"
        );
        let path = pid_file_path(data);
        fs::remove_file(&path).map_err(Error::io("remove", &path))?;
    }
    Ok(())
}

fn to_pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

fn is_alive(pid: u32) -> bool {
    to_pid(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// Ignores errors: the process may have ended meanwhile.
fn send(pid: u32, signal: Signal) {
    if let Some(pid) = to_pid(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// Pids of PostgreSQL processes whose working directory is this folder.
fn servers_in(data: &Path) -> Vec<u32> {
    let (Ok(data), Ok(processes)) = (fs::metadata(data), fs::read_dir("/proc")) else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| {
            let process = entry.ok()?.path();
            let pid = process.file_name()?.to_str()?.parse().ok()?;
            let cwd = fs::metadata(process.join("cwd")).ok()?;
            let is_here = cwd.ino() == data.ino() && cwd.dev() == data.dev();
            let name = fs::read_to_string(process.join("comm")).ok()?;
            (is_here && name.trim() == "postgres").then_some(pid)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pid_file_is_parsed_in_every_state() {
        assert_eq!(PidFile::parse(""), None);
        let started = PidFile::parse("71\n/data\n1700000000\n").unwrap();
        assert_eq!(
            started,
            PidFile {
                pid: 71,
                socket_folder: None,
                ready: false
            }
        );
        let text = "71\n/data\n1700000000\n5432\n/run/x\n\n  5432001  65537\nready   \n";
        let ready = PidFile::parse(text).unwrap();
        assert_eq!(
            ready,
            PidFile {
                pid: 71,
                socket_folder: Some("/run/x".into()),
                ready: true
            }
        );
        assert!(
            !PidFile::parse(&text.replace("ready", "starting"))
                .unwrap()
                .ready
        );
    }

    #[test]
    fn stale_pid_file_of_another_process_is_removed() {
        let data = tempfile::tempdir().unwrap();
        let path = pid_file_path(data.path());
        fs::write(&path, format!("{}\n", std::process::id())).unwrap();
        clear(data.path()).unwrap();
        assert!(!path.exists());
    }
}
