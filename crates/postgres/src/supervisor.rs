//! The thread that starts the server, restarts it after a crash, and stops it.

use crate::cluster::{Settings, State};
use crate::connection::Connection;
use crate::directory::Directory;
use crate::error::Error;
use crate::initialise::ensure_data;
use crate::leftover;
use crate::postmaster::Postmaster;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::thread;
use std::time::Duration;
use tokio::sync::watch;

const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Message to the supervisor thread.
pub(crate) enum Event {
    /// The server process exited without being stopped.
    Ended,
    /// The owner stops the cluster.
    Stop,
}

/// State of the supervisor thread.
pub(crate) struct Supervisor {
    pub(crate) settings: Settings,
    pub(crate) events: Receiver<Event>,
    pub(crate) sender: Sender<Event>,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) state: watch::Sender<State>,
}

impl Supervisor {
    /// Body of the thread. Returns only when the server has ended, because the
    /// server process is bound to this thread.
    pub(crate) fn run(self, started: &SyncSender<Result<Connection, Error>>) {
        let (directory, connection, mut server) = match self.first_start() {
            Ok(all) => all,
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        self.state.send_replace(State::Running);
        let _ = started.send(Ok(connection));
        loop {
            self.notify_on_exit(&server);
            if let Ok(Event::Ended) = self.events.recv() {
                self.state.send_replace(State::Restarting);
                let ended = server.has_ended();
                tracing::error!(
                    ended,
                    last_lines = server.last_lines(),
                    "PostgreSQL ended by itself"
                );
                match self.restart(&directory) {
                    Some(restarted) => server = restarted,
                    None => break,
                }
                self.state.send_replace(State::Running);
                tracing::info!("PostgreSQL runs again");
            } else {
                server.stop();
                break;
            }
        }
        self.state.send_replace(State::Stopped);
    }

    fn first_start(&self) -> Result<(Directory, Connection, Postmaster), Error> {
        let Settings {
            binaries,
            directory,
            durable,
            ..
        } = &self.settings;
        let directory = Directory::open(directory)?;
        ensure_data(&directory, binaries, *durable)?;
        let connection = Connection::new(directory.socket_folder()?, directory.path())?;
        let server = self.start(&directory)?;
        Ok((directory, connection, server))
    }

    fn start(&self, directory: &Directory) -> Result<Postmaster, Error> {
        leftover::clear(&directory.data())?;
        let Settings {
            binaries, options, ..
        } = &self.settings;
        let mut server = Postmaster::spawn(directory, binaries, options)?;
        server.wait_until_ready(directory, || self.is_stopping())?;
        Ok(server)
    }

    /// Retries until it succeeds or the owner stops the cluster, because most
    /// causes are temporary: a full disk, a backend that is still ending.
    fn restart(&self, directory: &Directory) -> Option<Postmaster> {
        let mut backoff = MIN_BACKOFF;
        while !self.is_stopping() {
            match self.start(directory) {
                Ok(server) => return Some(server),
                Err(error) => {
                    tracing::error!(%error, "PostgreSQL could not be restarted, trying again");
                }
            }
            thread::sleep(backoff);
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
        None
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Sends an event when the process ends. Does not reap it; its owner does.
    fn notify_on_exit(&self, server: &Postmaster) {
        let Some(pid) = server.pid() else {
            return;
        };
        let sender = self.sender.clone();
        thread::spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(
                waitid(WaitId::Pid(pid), options),
                Err(rustix::io::Errno::INTR)
            ) {}
            let _ = sender.send(Event::Ended);
        });
    }
}
