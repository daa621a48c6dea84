//! One run of the server process.

use crate::binaries::Binaries;
use crate::connection::PORT;
use crate::directory::Directory;
use crate::error::Error;
use crate::leftover::PidFile;
use crate::output::Output;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Recovery after a crash can take minutes, during which the process is alive.
const START_LIMIT: Duration = Duration::from_mins(10);

/// Time limit for a fast shutdown, which writes everything to disk. After that
/// the server is killed: no data is lost, but the next start must recover.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A running server process.
#[derive(Debug)]
pub(crate) struct Postmaster {
    child: Child,
    output: Output,
}

impl Postmaster {
    /// Starts the process. It ends when the calling *thread* ends.
    pub(crate) fn spawn(
        directory: &Directory,
        binaries: &Binaries,
        options: &[(String, String)],
    ) -> Result<Self, Error> {
        let mut command = binaries.command("postgres");
        command.arg("-D").arg(directory.data());
        for (name, value) in fixed_options(directory)? {
            command.arg("-c").arg(setting(name, value));
        }
        for (name, value) in options {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
            .current_dir(directory.path())
            // A separate process group: Ctrl-C must not reach the server.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        directory
            .account()
            .apply_and_end_with_parent(&mut command, Signal::INT);
        let mut child = command.spawn().map_err(|error| Error::Run {
            program: binaries.program("postgres"),
            cause: error.to_string(),
        })?;
        let output = child.stderr.take().map(Output::follow).unwrap_or_default();
        Ok(Self { child, output })
    }

    /// Waits until the server accepts connections, polling `give_up`.
    pub(crate) fn wait_until_ready(
        &mut self,
        directory: &Directory,
        give_up: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let started = Instant::now();
        let failed = |cause: String| Error::NotStarted {
            path: directory.data(),
            cause,
        };
        loop {
            let ready = PidFile::read(&directory.data())
                .is_some_and(|file| file.ready && file.pid == self.child.id());
            if ready {
                return Ok(());
            }
            if self.has_ended() {
                // Its last output may still be in the pipe.
                sleep(Duration::from_millis(50));
                return Err(failed(self.output.last_lines()));
            }
            if give_up() || started.elapsed() > START_LIMIT {
                self.stop();
                return Err(failed("it took too long".into()));
            }
            sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// True if the process has ended; reaps it in that case.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The last lines of its output.
    pub(crate) fn last_lines(&self) -> String {
        self.output.last_lines()
    }

    /// Fast shutdown: rolls back open transactions and writes everything
    /// committed to disk. Escalates to harder signals on a timeout.
    pub(crate) fn stop(&mut self) {
        for (signal, limit) in [
            (Signal::INT, STOP_LIMIT),
            (Signal::QUIT, Duration::from_secs(5)),
            (Signal::KILL, Duration::from_secs(5)),
        ] {
            // The pid can't be reused before the process is reaped.
            if let Some(pid) = self.pid().filter(|_| !self.has_ended()) {
                let _ = kill_process(pid, signal);
            }
            let started = Instant::now();
            while started.elapsed() < limit {
                if self.has_ended() {
                    return;
                }
                sleep(Duration::from_millis(2));
            }
            tracing::warn!("PostgreSQL did not end in {limit:?} after {signal:?}");
        }
    }
}

/// Options that must keep these values. Statements can hold personal data, so
/// errors are logged only in terse form.
fn fixed_options(directory: &Directory) -> Result<[(&'static str, OsString); 8], Error> {
    let socket_folder: PathBuf = directory.socket_folder()?;
    Ok([
        ("listen_addresses", OsString::new()),
        ("port", PORT.to_string().into()),
        ("unix_socket_directories", socket_folder.into()),
        ("unix_socket_permissions", "0700".into()),
        ("log_line_prefix", OsString::new()),
        ("log_error_verbosity", "terse".into()),
        ("log_min_error_statement", "panic".into()),
        ("timezone", "UTC".into()),
    ])
}

fn setting(name: &str, value: OsString) -> OsString {
    let mut setting = OsString::from(format!("{name}="));
    setting.push(value);
    setting
}
