//! Temporary clusters for tests and for checking SQL.

use crate::command::print_status;
use crate::project::Project;
use anyhow::{Context, Result};
use embedded_postgres::{Binaries, Cluster, Settings};
use std::fs;
use std::path::{Path, PathBuf};

const PREFIX: &str = "throwaway-";

/// A running cluster; drop stops it and removes its folder.
pub(crate) struct Throwaway {
    cluster: Option<Cluster>,
    folder: PathBuf,
    pub(crate) binaries: Binaries,
}

impl Throwaway {
    pub(crate) fn start(project: &Project) -> Result<Self> {
        let home = project.scratch();
        fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
        remove_abandoned(&home);
        let binaries = Binaries::ensure(&project.throwaway(), &project.cache)?;
        let folder = home.join(format!("{PREFIX}{}", std::process::id()));
        let settings = Settings::new(binaries.clone(), &folder)
            .throwaway()
            // Each test has its own database, and each database its own pools.
            .option("max_connections", "300")
            // The log takes space that may be memory.
            .option("max_wal_size", "256MB");
        let cluster = Some(Cluster::start(settings)?);
        Ok(Self {
            cluster,
            folder,
            binaries,
        })
    }

    /// The superuser's connection URL.
    pub(crate) fn url(&self) -> Result<String> {
        let cluster = self.cluster.as_ref().context("the cluster was stopped")?;
        Ok(cluster.connection().url("postgres"))
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        drop(self.cluster.take());
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            print_status(&format!(
                "could not remove {}: {error}",
                self.folder.display()
            ));
        }
    }
}

/// Removes folders left by commands that were killed.
fn remove_abandoned(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_ended_processes_are_removed() {
        let home = tempfile::tempdir().unwrap();
        let running = home.path().join(format!("{PREFIX}{}", std::process::id()));
        // Above the maximum pid.
        let ended = home.path().join(format!("{PREFIX}4999999"));
        let other = home.path().join("postgres-16.14");
        for folder in [&running, &ended, &other] {
            fs::create_dir(folder).unwrap();
        }
        remove_abandoned(home.path());
        assert!(running.exists() && other.exists() && !ended.exists());
    }
}
