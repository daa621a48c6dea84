//! The thread that starts the server, restarts it when it crashes, and stops it.

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

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the thread waits for.
pub(crate) enum Event {
    /// The server process ended by itself.
    Ended,
    /// The owner wants it stopped.
    Stop,
}

/// Both ends of what the thread needs.
pub(crate) struct Supervisor {
    pub(crate) settings: Settings,
    pub(crate) events: Receiver<Event>,
    pub(crate) sender: Sender<Event>,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) state: watch::Sender<State>,
}

impl Supervisor {
    /// The thread's body. The server process is bound to this thread, so it
    /// returns only when the server has ended.
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
            self.announce_end_of(&server);
            if let Ok(Event::Ended) = self.events.recv() {
                self.state.send_replace(State::Restarting);
                let ended = server.has_ended();
                tracing::error!(
                    ended,
                    last_lines = server.last_lines(),
                    "PostgreSQL ended by itself"
                );
                match self.restart(&directory) {
                    Some(again) => server = again,
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

    /// Tries until it works or the owner wants to stop: whatever is in the way
    /// (a full disk, a backend that still ends) may go away.
    fn restart(&self, directory: &Directory) -> Option<Postmaster> {
        let mut pause = FIRST_PAUSE;
        while !self.is_stopping() {
            match self.start(directory) {
                Ok(server) => return Some(server),
                Err(error) => {
                    tracing::error!(%error, "PostgreSQL could not be restarted, trying again");
                }
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        None
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Sends an event when the process ends, without clearing the system's
    /// record of it: that is left to the owner of the process.
    fn announce_end_of(&self, server: &Postmaster) {
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
