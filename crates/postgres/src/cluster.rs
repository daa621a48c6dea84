//! The handle to a running cluster.

use crate::binaries::Binaries;
use crate::connection::Connection;
use crate::error::Error;
use crate::supervisor::{Event, Supervisor};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use tokio::sync::watch;

/// What to start and where.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) binaries: Binaries,
    pub(crate) directory: PathBuf,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) durable: bool,
}

impl Settings {
    /// A cluster in `directory`, which is created when missing and is the
    /// cluster's alone.
    pub fn new(binaries: Binaries, directory: impl Into<PathBuf>) -> Self {
        Self {
            binaries,
            directory: directory.into(),
            options: Vec::new(),
            durable: true,
        }
    }

    /// Sets an option of PostgreSQL, as in `postgresql.conf`.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// For tests: nothing is forced to disk, so it is fast and a power cut
    /// would ruin it.
    #[must_use]
    pub fn throwaway(mut self) -> Self {
        self.durable = false;
        self.option("fsync", "off")
            .option("synchronous_commit", "off")
            .option("full_page_writes", "off")
    }
}

/// Whether the cluster can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It takes connections.
    Running,
    /// It ended by itself and is being started again.
    Restarting,
    /// It was stopped.
    Stopped,
}

/// A PostgreSQL that runs as a child of this process. Dropping it stops it.
#[derive(Debug)]
pub struct Cluster {
    connection: Connection,
    state: watch::Receiver<State>,
    stopping: Arc<AtomicBool>,
    events: Sender<Event>,
    supervisor: Option<JoinHandle<()>>,
}

impl Cluster {
    /// Sets the cluster up if there is none, starts it and waits until it takes
    /// connections. Blocks, on the first start for about a second.
    ///
    /// # Errors
    ///
    /// When the folder is in use or unusable, or PostgreSQL does not come up;
    /// each message says what to do.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        let (events, receiver) = channel();
        let (started, outcome) = sync_channel(1);
        let (state_sender, state) = watch::channel(State::Restarting);
        let stopping = Arc::new(AtomicBool::new(false));
        let path = settings.directory.clone();
        let supervisor = Supervisor {
            settings,
            events: receiver,
            sender: events.clone(),
            stopping: Arc::clone(&stopping),
            state: state_sender,
        };
        let supervisor = thread::Builder::new()
            .name("postgres".into())
            .spawn(move || supervisor.run(&started))
            .map_err(Error::io("start a thread for", &path))?;
        let connection = outcome.recv().map_err(|_| Error::NotStarted {
            path,
            cause: "the thread that watches it ended".into(),
        })??;
        Ok(Self {
            connection,
            state,
            stopping,
            events,
            supervisor: Some(supervisor),
        })
    }

    /// How to connect to it. Stays the same over restarts.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether it can be reached, now and with every change.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Stops it: open transactions are rolled back, everything committed is
    /// written out. Blocks until that is done.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = self.events.send(Event::Stop);
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}
