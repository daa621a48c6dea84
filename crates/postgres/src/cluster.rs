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

/// Binaries, folder and options of a cluster.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) binaries: Binaries,
    pub(crate) directory: PathBuf,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) durable: bool,
}

impl Settings {
    /// A cluster in `directory`, which is created if missing and must not be
    /// shared with anything else.
    pub fn new(binaries: Binaries, directory: impl Into<PathBuf>) -> Self {
        Self {
            binaries,
            directory: directory.into(),
            options: Vec::new(),
            durable: true,
        }
    }

    /// Sets a PostgreSQL option, as in `postgresql.conf`.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// For tests: nothing is synced to disk, which is fast, but a power failure
    /// would corrupt the data.
    #[must_use]
    pub fn throwaway(mut self) -> Self {
        self.durable = false;
        self.option("fsync", "off")
            .option("synchronous_commit", "off")
            .option("full_page_writes", "off")
    }
}

/// Availability of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Accepts connections.
    Running,
    /// Crashed and is being restarted.
    Restarting,
    Stopped,
}

/// A PostgreSQL server that runs as a child of this process. Stops on drop.
#[derive(Debug)]
pub struct Cluster {
    connection: Connection,
    state: watch::Receiver<State>,
    stopping: Arc<AtomicBool>,
    events: Sender<Event>,
    supervisor: Option<JoinHandle<()>>,
}

impl Cluster {
    /// Initialises the cluster if necessary, starts it and waits until it
    /// accepts connections. Blocks, on the first start for about a second.
    ///
    /// # Errors
    ///
    /// If the folder is in use or unusable, or PostgreSQL does not start; each
    /// message says what to do.
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

    /// Connection parameters; unchanged by restarts.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Watches the availability.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Stops the server: rolls back open transactions and writes everything
    /// committed to disk. Blocks until that is done.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = self.events.send(Event::Stop);
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.shut_down();
    }
}
