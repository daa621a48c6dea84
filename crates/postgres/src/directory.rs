//! A cluster's folder: data, password, lock and socket.

use crate::account::Account;

use crate::error::Error;
use crate::wheel::create_readable_folder;
use rustix::rand::{GetRandomFlags, getrandom};
use std::env;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Maximum length in bytes. Socket paths have at most 107 bytes, of which the
/// socket's file name and its lock file's suffix take 18.
const MAX_SOCKET_FOLDER: usize = 85;

/// Time to wait for a lock that another process holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// A cluster's folder, locked by this process until dropped.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    account: Account,
    _lock: File,
}

impl Directory {
    /// Creates the folder if necessary and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let parent = path.parent().unwrap_or(Path::new("/"));
        create_readable_folder(parent)?;
        let account = Account::for_data(path)?;
        create_private(path, &account)?;
        let path = path.canonicalize().map_err(Error::io("open", path))?;
        let lock = lock(&path)?;
        Ok(Self {
            path,
            account,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// PostgreSQL's data directory.
    pub(crate) fn data(&self) -> PathBuf {
        data_in(&self.path)
    }

    /// Temporary data directory, renamed to [`Self::data`] when complete.
    pub(crate) fn unfinished_data(&self) -> PathBuf {
        self.path.join("data.unfinished")
    }

    pub(crate) fn password_file(&self) -> PathBuf {
        password_file_in(&self.path)
    }

    /// Writes a new random password to a file owned by the user PostgreSQL runs
    /// as, because initdb must read it.
    pub(crate) fn write_new_password(&self) -> Result<(), Error> {
        let path = self.password_file();
        let mut bytes = [0_u8; 24];
        getrandom(&mut bytes, GetRandomFlags::empty())
            .map_err(|error| Error::io("draw random bytes for", &path)(error.into()))?;
        let password = bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(password.as_bytes()))
            .map_err(Error::io("write", &path))?;
        self.account.own(&path)
    }

    /// The folder for the socket: inside this one, or a private folder with a
    /// short name if that path is too long.
    pub(crate) fn socket_folder(&self) -> Result<PathBuf, Error> {
        let inside = self.path.join("run");
        let folder = if inside.as_os_str().len() <= MAX_SOCKET_FOLDER {
            inside
        } else {
            short_folder(&self.path)
        };
        create_private(&folder, &self.account)?;
        let is_private = fs::symlink_metadata(&folder)
            .is_ok_and(|found| found.is_dir() && found.permissions().mode() & 0o777 == 0o700);
        if is_private && self.account.owns(&folder) {
            return Ok(folder);
        }
        Err(Error::Io {
            action: "trust",
            source: std::io::Error::other(
                "it must be a folder that only the database's user can enter",
            ),
            path: folder,
        })
    }
}

pub(crate) fn data_in(directory: &Path) -> PathBuf {
    directory.join("data")
}

pub(crate) fn password_file_in(directory: &Path) -> PathBuf {
    directory.join("password")
}

fn create_private(folder: &Path, account: &Account) -> Result<(), Error> {
    if folder.is_dir() {
        // An empty folder may have been created by root: change its owner.
        let empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        if !empty {
            return Ok(());
        }
    } else {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(folder)
            .map_err(Error::io("create", folder))?;
    }
    fs::set_permissions(folder, Permissions::from_mode(0o700))
        .map_err(Error::io("protect", folder))?;
    account.own(folder)
}

/// A short path that is the same for every start of one cluster.
fn short_folder(cluster: &Path) -> PathBuf {
    let base = env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|base| base.is_dir() && base.as_os_str().len() <= 50)
        .filter(|_| !rustix::process::geteuid().is_root())
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    // FNV-1a suffices to distinguish the few clusters of one machine.
    let hash = cluster
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    base.join(format!("atrium-postgres-{hash:016x}"))
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(Error::io("open", &path))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            // The holder may be about to exit.
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_TIMEOUT => {
                sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                let holder = text.trim().parse().ok();
                return Err(Error::Busy {
                    path: directory.to_owned(),
                    holder,
                });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        }
    }
    // The pid appears in the error above and helps people.
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(Error::io("write", &path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_folder_error_names_the_holder() {
        let outer = tempfile::tempdir().unwrap();
        let first = Directory::open(&outer.path().join("cluster")).unwrap();
        let message = Directory::open(&outer.path().join("cluster"))
            .unwrap_err()
            .to_string();
        let us = format!("is in use by process {}", std::process::id());
        assert!(message.contains(&us), "{message}");
        drop(first);
        Directory::open(&outer.path().join("cluster")).unwrap();
    }

    #[test]
    fn long_path_gets_a_short_and_stable_socket_folder() {
        let outer = tempfile::tempdir().unwrap();
        let long = outer.path().join("x".repeat(120));
        let directory = Directory::open(&long).unwrap();
        let folder = directory.socket_folder().unwrap();
        assert!(
            folder.as_os_str().len() <= MAX_SOCKET_FOLDER,
            "{}",
            folder.display()
        );
        assert_eq!(directory.socket_folder().unwrap(), folder);
        fs::remove_dir(folder).unwrap();
    }

    #[test]
    fn world_accessible_socket_folder_is_rejected() {
        let outer = tempfile::tempdir().unwrap();
        let directory = Directory::open(&outer.path().join("cluster")).unwrap();
        let folder = directory.socket_folder().unwrap();
        fs::write(folder.join("anything"), "").unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        assert!(
            directory
                .socket_folder()
                .unwrap_err()
                .to_string()
                .contains("cannot trust")
        );
    }
}
