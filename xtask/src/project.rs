//! Where things are.

use crate::command;
use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use std::env;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder for data when the checkout is closed to PostgreSQL's user.
const SYSTEM_DATA: &str = "/var/lib/atrium";

/// The folders that the commands work with.
#[derive(Debug)]
pub(crate) struct Project {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever the environment or configuration puts it.
    pub(crate) target: PathBuf,
    /// Downloads, shared by all checkouts.
    pub(crate) cache: PathBuf,
}

impl Project {
    /// Finds them. The checkout is the one in which cargo runs this program,
    /// which another checkout with the same target folder may have built.
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

    /// A command for cargo in the checkout. SQL is checked against the committed
    /// query data, whatever database a developer's own `.env` names.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.command(cargo(), arguments);
        command.env("SQLX_OFFLINE", "true");
        command
    }

    /// A command for any program in the checkout.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).args(arguments);
        command
    }

    /// Where cargo puts the result of a build.
    pub(crate) fn built(&self, release: bool) -> PathBuf {
        self.target.join(if release { "release" } else { "debug" })
    }

    /// The folder with the embedding model's files.
    pub(crate) fn model(&self) -> PathBuf {
        self.cache.join("all-MiniLM-L6-v2")
    }

    /// The data of `serve` and `db`: `ATRIUM_DATA_DIR`, else `data` in the checkout.
    pub(crate) fn data(&self) -> PathBuf {
        match env::var_os("ATRIUM_DATA_DIR").filter(|named| !named.is_empty()) {
            Some(named) => self.root.join(named),
            None => open_to_postgres(self.root.join("data"), Path::new(SYSTEM_DATA)),
        }
    }

    /// Where clusters of tests live.
    pub(crate) fn throwaway(&self) -> PathBuf {
        let mut hash = DefaultHasher::new();
        self.target.hash(&mut hash);
        let elsewhere = Path::new(SYSTEM_DATA).join(format!("tests-{:016x}", hash.finish()));
        open_to_postgres(self.target.join("postgres"), &elsewhere)
    }
}

/// When root works in a folder of its own, such as /root, the user that
/// PostgreSQL runs as can't reach it.
fn open_to_postgres(preferred: PathBuf, otherwise: &Path) -> PathBuf {
    match embedded_postgres::folder_closed_to_postgres(&preferred) {
        None => preferred,
        Some(_) => otherwise.to_owned(),
    }
}

/// The cargo that runs us, so that the toolchain is the same.
pub(crate) fn cargo() -> std::ffi::OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The first of these programs that is on the search path.
pub(crate) fn find_program(names: &[&str]) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    names
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|program| program.is_file())
        .ok_or_else(|| anyhow!("{} is not installed", names.join(" or ")))
}
