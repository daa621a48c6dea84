//! The folder of a cluster: its data, its password, its lock and its socket.

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

/// The system takes socket paths up to 107 bytes; the name in the folder and
/// the name of its lock take 18 of them.
const LONGEST_SOCKET_FOLDER: usize = 85;

/// How long a lock that another process holds is asked for.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// A cluster's folder that this process has locked until this is dropped.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    account: Account,
    _lock: File,
}

impl Directory {
    /// Creates the folder where needed and locks it.
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

    /// What PostgreSQL calls its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        data_in(&self.path)
    }

    /// Where a data directory is set up until it is complete.
    pub(crate) fn unfinished_data(&self) -> PathBuf {
        self.path.join("data.unfinished")
    }

    pub(crate) fn password_file(&self) -> PathBuf {
        password_file_in(&self.path)
    }

    /// Writes a new random password. It belongs to the user PostgreSQL runs
    /// as, because initdb has to read it.
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

    /// The folder for the socket: in this one, or where that makes too long a
    /// path a private one with a short name.
    pub(crate) fn socket_folder(&self) -> Result<PathBuf, Error> {
        let inside = self.path.join("run");
        let folder = if inside.as_os_str().len() <= LONGEST_SOCKET_FOLDER {
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
        // Made by hand, perhaps by root: it has to belong to PostgreSQL's user.
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

/// A name that is the same for every start on one cluster.
fn short_folder(cluster: &Path) -> PathBuf {
    let base = env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|base| base.is_dir() && base.as_os_str().len() <= 50)
        .filter(|_| !rustix::process::geteuid().is_root())
        .unwrap_or_else(|| PathBuf::from("/tmp"));
    // FNV-1a: only has to keep apart the few clusters of one machine.
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
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            // A process that is just ending lets go in a moment.
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => {
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
    // The number is for the message above and for people.
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(Error::io("write", &path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opening_names_the_process_that_holds_the_folder() {
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
    fn a_long_path_gets_a_short_and_stable_socket_folder() {
        let outer = tempfile::tempdir().unwrap();
        let long = outer.path().join("x".repeat(120));
        let directory = Directory::open(&long).unwrap();
        let folder = directory.socket_folder().unwrap();
        assert!(
            folder.as_os_str().len() <= LONGEST_SOCKET_FOLDER,
            "{}",
            folder.display()
        );
        assert_eq!(directory.socket_folder().unwrap(), folder);
        fs::remove_dir(folder).unwrap();
    }

    #[test]
    fn an_open_socket_folder_is_not_trusted() {
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
