//! The user that PostgreSQL runs as: the current user, or another one if the
//! current user is root.

use crate::error::Error;
use rustix::process::{Signal, getegid, geteuid, getpid, getppid};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Users tried in this order if the process is root: a dedicated one, the one
/// created by a PostgreSQL package, and one that always exists.
const UNPRIVILEGED: [&str; 3] = ["atrium", "postgres", "nobody"];

/// A user and group, and whether processes must switch to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    name: String,
    change: bool,
}

impl Account {
    /// The user for the data folder `data`: its owner if it exists, so that a
    /// later start does not depend on which users exist then.
    pub(crate) fn for_data(data: &Path) -> Result<Self, Error> {
        let us = geteuid().as_raw();
        let owner = fs::metadata(data)
            .ok()
            .map(|found| (found.uid(), found.gid()));
        if us != 0 {
            return match owner {
                Some((owner, _)) if owner != us => Err(Error::NotOurs {
                    path: data.to_owned(),
                    owner,
                    us,
                }),
                _ => Ok(Self {
                    uid: us,
                    gid: getegid().as_raw(),
                    name: us.to_string(),
                    change: false,
                }),
            };
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        match owner {
            Some((uid, gid)) if uid != 0 => {
                let name = passwd_entries(&passwd).find(|entry| entry.1 == uid);
                let name = name.map_or_else(|| uid.to_string(), |entry| entry.0.to_owned());
                Ok(Self {
                    uid,
                    gid,
                    name,
                    change: true,
                })
            }
            _ => find_unprivileged(&passwd).ok_or(Error::NoAccount),
        }
    }

    /// The user's name, or the numeric id, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Makes this user the owner of a file or folder.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        if self.change {
            chown(path, Some(self.uid), Some(self.gid))
                .map_err(Error::io("change the owner of", path))?;
        }
        Ok(())
    }

    /// True if this user owns the file or folder.
    pub(crate) fn owns(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|found| found.uid() == self.uid)
    }

    /// Makes the command run as this user. Because the process is root then,
    /// the standard library also drops the supplementary groups.
    pub(crate) fn apply(&self, command: &mut Command) {
        if self.change {
            command.gid(self.gid).uid(self.uid);
        }
    }

    /// Makes the command run as this user and receive `signal` when the
    /// *thread* that starts it ends.
    #[expect(
        unsafe_code,
        reason = "the parent-death signal can only be set in the child between fork and exec, \
                  after its user was changed, for which the standard library has `pre_exec` alone"
    )]
    pub(crate) fn apply_and_end_with_parent(&self, command: &mut Command, signal: Signal) {
        self.apply(command);
        let parent = getpid();
        let prepare = move || {
            rustix::process::set_parent_process_death_signal(Some(signal))?;
            // The parent may have died before the line above.
            if getppid() == Some(parent) {
                Ok(())
            } else {
                Err(io::Error::from(io::ErrorKind::BrokenPipe))
            }
        };
        // SAFETY: between fork and exec only async-signal-safe functions may be
        // called. These are plain system calls without allocation or locks:
        // prctl and getppid; the errors are made from integers.
        unsafe { command.pre_exec(prepare) };
    }

    /// The first ancestor of `path` that this user can't enter.
    pub(crate) fn closed_folder(&self, path: &Path) -> Option<PathBuf> {
        let mut folders: Vec<&Path> = path.ancestors().filter(|part| part.is_dir()).collect();
        folders.reverse();
        folders
            .into_iter()
            .find(|folder| !self.can_enter(folder))
            .map(Path::to_owned)
    }

    fn can_enter(&self, folder: &Path) -> bool {
        let Ok(found) = fs::metadata(folder) else {
            return false;
        };
        let mode = found.permissions().mode();
        let bit = if found.uid() == self.uid {
            0o100
        } else if found.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        mode & bit != 0
    }
}

/// The first ancestor of `path` that the user PostgreSQL would run as can't
/// enter. Always `None` unless the process is root.
pub fn inaccessible_folder(path: &Path) -> Option<PathBuf> {
    let account = Account::for_data(path)
        .ok()
        .filter(|account| account.change)?;
    account.closed_folder(path)
}

fn find_unprivileged(passwd: &str) -> Option<Account> {
    UNPRIVILEGED.iter().find_map(|wanted| {
        let (name, uid, gid) =
            passwd_entries(passwd).find(|(name, uid, _)| name == wanted && *uid != 0)?;
        Some(Account {
            uid,
            gid,
            name: name.to_owned(),
            change: true,
        })
    })
}

/// Name, user id and group id of each line of `/etc/passwd`.
fn passwd_entries(passwd: &str) -> impl Iterator<Item = (&str, u32, u32)> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((name, uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn dedicated_user_is_preferred_to_nobody() {
        let nobody = find_unprivileged(PASSWD).unwrap();
        assert_eq!(
            (nobody.uid, nobody.gid, nobody.name.as_str()),
            (65534, 65533, "nobody")
        );
        let more = format!("{PASSWD}postgres:x:101:104::/:/bin/sh\natrium:x:999:998::/:/bin/sh\n");
        assert_eq!(find_unprivileged(&more).unwrap().name, "atrium");
        assert_eq!(find_unprivileged("postgres:x:0:0::/:/bin/sh\n"), None);
    }

    #[test]
    fn closed_folder_is_found() {
        let account = Account {
            uid: 4242,
            gid: 4242,
            name: "x".into(),
            change: true,
        };
        let outer = tempfile::tempdir().unwrap();
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let closed = outer.path().join("closed");
        fs::create_dir_all(closed.join("inner")).unwrap();
        assert_eq!(account.closed_folder(&closed.join("inner")), None);
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(account.closed_folder(&closed.join("inner")), Some(closed));
    }
}
