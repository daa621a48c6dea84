//! Paths and commands of the project.

use crate::command;
use anyhow::{Context, Result, anyhow};
use rustix::fs::StatVfsMountFlags;
use serde::Deserialize;
use std::env;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Data folder if PostgreSQL's user can't access the checkout.
const SYSTEM_DATA: &str = "/var/lib/atrium";

/// File system in memory.
const MEMORY: &str = "/dev/shm";

/// More than the databases of all tests that run at once.
const MEMORY_BYTES: u64 = 3 << 30;

#[derive(Debug)]
pub(crate) struct Project {
    /// Root folder of the checkout.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, as configured.
    pub(crate) target: PathBuf,
    /// Folder for downloads, shared by all checkouts.
    pub(crate) cache: PathBuf,
}

impl Project {
    /// Locates the checkout in which cargo runs this program. The program may
    /// have been built by another checkout with the same target folder.
    pub(crate) fn find() -> Result<Self> {
        #[derive(Deserialize)]
        struct Metadata {
            workspace_root: PathBuf,
            target_directory: PathBuf,
        }
        let package = env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
        let manifest = Path::new(&package).join("Cargo.toml");
        let mut cargo = Command::new(cargo());
        cargo.args([
            "metadata",
            "--no-deps",
            "--format-version=1",
            "--manifest-path",
        ]);
        let text = command::output(cargo.arg(manifest))?;
        let Metadata {
            workspace_root,
            target_directory,
        } = serde_json::from_str(&text).context("cargo metadata printed something else")?;
        Ok(Self {
            root: workspace_root,
            target: target_directory,
            cache: embedded_postgres::default_cache()?,
        })
    }

    /// A cargo command in the checkout. SQL is checked against the committed
    /// query data, even if a developer's `.env` names a database.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.command(cargo(), arguments);
        command.env("SQLX_OFFLINE", "true");
        command
    }

    /// A command that runs in the checkout, without what cargo tells this
    /// program of its own package. Build scripts that watch those variables
    /// would otherwise run anew whenever cargo is called by hand in between.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).args(arguments);
        for (name, _) in env::vars_os().filter(|(name, _)| is_of_package(name)) {
            command.env_remove(name);
        }
        command
    }

    /// Cargo's output folder of a build.
    pub(crate) fn built(&self, release: bool) -> PathBuf {
        self.target.join(if release { "release" } else { "debug" })
    }

    /// Folder of the embedding model's files.
    pub(crate) fn model(&self) -> PathBuf {
        self.cache.join("all-MiniLM-L6-v2")
    }

    /// Data folder of `serve` and `db`: `ATRIUM_DATA_DIR`, else `data` in the
    /// checkout.
    pub(crate) fn data(&self) -> PathBuf {
        match env::var_os("ATRIUM_DATA_DIR").filter(|path| !path.is_empty()) {
            Some(path) => self.root.join(path),
            None => accessible_to_postgres(self.root.join("data"), Path::new(SYSTEM_DATA)),
        }
    }

    /// Folder of the test clusters' programs.
    pub(crate) fn throwaway(&self) -> PathBuf {
        let fallback = Path::new(SYSTEM_DATA).join(self.tests_folder());
        accessible_to_postgres(self.target.join("postgres"), &fallback)
    }

    /// Folder of the test clusters' data: in memory where there is room, since
    /// creating a database there takes a fifth of the time.
    pub(crate) fn scratch(&self) -> PathBuf {
        let memory = Path::new(MEMORY);
        if has_room(memory, MEMORY_BYTES) {
            memory.join("atrium").join(self.tests_folder())
        } else {
            self.throwaway()
        }
    }

    /// Name of a folder that no other checkout's tests use.
    fn tests_folder(&self) -> String {
        let mut hash = DefaultHasher::new();
        self.target.hash(&mut hash);
        format!("tests-{:016x}", hash.finish())
    }
}

/// True for variables that cargo sets for a package that it runs.
fn is_of_package(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// True if `folder` takes that many bytes, and programs may run from it.
fn has_room(folder: &Path, bytes: u64) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|found| {
        found.f_bavail.saturating_mul(found.f_frsize) >= bytes
            && !found
                .f_flag
                .intersects(StatVfsMountFlags::NOEXEC | StatVfsMountFlags::RDONLY)
    })
}

/// Returns `fallback` if the user PostgreSQL runs as can't access `preferred`,
/// e.g. below /root.
fn accessible_to_postgres(preferred: PathBuf, fallback: &Path) -> PathBuf {
    match embedded_postgres::inaccessible_folder(&preferred) {
        None => preferred,
        Some(_) => fallback.to_owned(),
    }
}

/// The cargo that runs this program, so that the toolchain is the same.
pub(crate) fn cargo() -> std::ffi::OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The first of these programs found in `PATH`.
pub(crate) fn find_program(names: &[&str]) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    names
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|program| program.is_file())
        .ok_or_else(|| anyhow!("{} is not installed", names.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_has_room_up_to_its_file_systems_size() {
        let folder = tempfile::tempdir().unwrap();
        assert!(has_room(folder.path(), 1));
        assert!(!has_room(folder.path(), u64::MAX));
        assert!(!has_room(&folder.path().join("missing"), 1));
    }

    #[test]
    fn command_inherits_nothing_about_this_package() {
        let project = Project {
            root: "/".into(),
            target: "/".into(),
            cache: "/".into(),
        };
        let command = project.command("cargo", ["build"]);
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name)
            .collect();
        assert!(removed.contains(&OsStr::new("CARGO_MANIFEST_DIR")));
        assert!(removed.contains(&OsStr::new("CARGO_PKG_NAME")));
        assert!(!is_of_package(OsStr::new("CARGO_TARGET_DIR")));
    }
}
