//! What an earlier run may have left in the data folder: processes that still
//! end, and a pid file whose number now belongs to something else.

use crate::error::Error;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long processes of an earlier run may take to end. Usually that is
/// milliseconds; writing out a lot at a shutdown takes longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The lines of `postmaster.pid` that matter here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    /// The server's process.
    pub(crate) pid: u32,
    /// Where its socket is.
    pub(crate) socket_folder: Option<PathBuf>,
    /// Whether it takes connections.
    pub(crate) ready: bool,
}

impl PidFile {
    /// Reads the file of a data folder. None as well while it is being written.
    pub(crate) fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(path_in(data)).ok()?)
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

fn path_in(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// Waits until no PostgreSQL works in the data folder, then removes a pid file
/// that would refuse the start although its process is another one. The caller
/// holds the lock of the folder, so nobody starts one meanwhile.
pub(crate) fn clear(data: &Path) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let left = servers_in(data);
        let Some(first) = left.first() else {
            break;
        };
        let main = PidFile::read(data).map(|file| file.pid);
        if main.is_some_and(|main| !left.contains(&main)) {
            // The main process crashed. A busy backend does not notice and may
            // go on for hours, so it is ended as the main process would have
            // ended it; the next start recovers what was committed.
            for backend in &left {
                send(*backend, Signal::QUIT);
            }
        }
        if begun.elapsed() > PATIENCE {
            let main = main.filter(|main| left.contains(main));
            return Err(Error::LeftOver {
                path: data.to_owned(),
                pid: main.unwrap_or(*first),
            });
        }
        sleep(Duration::from_millis(10));
    }
    // PostgreSQL itself takes any live process of the same user with that
    // number for a running server. Numbers repeat soon in a container.
    if let Some(file) = PidFile::read(data).filter(|file| is_alive(file.pid)) {
        tracing::warn!(
            pid = file.pid,
            "removing the pid file of an earlier PostgreSQL: that number is another process now"
        );
        let path = path_in(data);
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

/// It may have ended meanwhile, which is all that is wanted.
fn send(pid: u32, signal: Signal) {
    if let Some(pid) = to_pid(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// PostgreSQL's processes that work in this folder: all of them change into it.
fn servers_in(data: &Path) -> Vec<u32> {
    let (Ok(data), Ok(processes)) = (fs::metadata(data), fs::read_dir("/proc")) else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| {
            let process = entry.ok()?.path();
            let pid = process.file_name()?.to_str()?.parse().ok()?;
            let cwd = fs::metadata(process.join("cwd")).ok()?;
            let here = cwd.ino() == data.ino() && cwd.dev() == data.dev();
            let name = fs::read_to_string(process.join("comm")).ok()?;
            (here && name.trim() == "postgres").then_some(pid)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_is_read_at_every_stage() {
        assert_eq!(PidFile::parse(""), None);
        let begun = PidFile::parse("71\n/data\n1700000000\n").unwrap();
        assert_eq!(
            begun,
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
    fn a_pid_file_that_names_another_live_process_is_removed() {
        let data = tempfile::tempdir().unwrap();
        let path = path_in(data.path());
        fs::write(&path, format!("{}\n", std::process::id())).unwrap();
        clear(data.path()).unwrap();
        assert!(!path.exists());
    }
}
