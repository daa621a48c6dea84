//! Installs what is missing on a machine: build tools, PostgreSQL, the
//! embedding model, and the browser journeys' tools.

mod journeys;
mod model;
mod tools;

use crate::command::timed;
use crate::project::Project;
use anyhow::Result;
use embedded_postgres::Binaries;
use std::path::{Path, PathBuf};

/// Paths of programs, from the machine or from our cache.
pub(crate) struct Tools {
    /// cargo-nextest; its first argument must be `nextest`.
    pub(crate) nextest: PathBuf,
    pub(crate) chromium: PathBuf,
}

/// Installs what a build needs.
pub(crate) fn ensure_build_tools(project: &Project) -> Result<()> {
    tools::wasm_target(project)
}

/// Installs the browser journeys' npm packages.
pub(crate) fn journey_packages(project: &Project) -> Result<()> {
    journeys::packages(project)
}

/// Installs what the tests need.
pub(crate) fn ensure_all(project: &Project) -> Result<Tools> {
    ensure_build_tools(project)?;
    postgres(project, &project.throwaway())?;
    model(project)?;
    journey_packages(project)?;
    Ok(Tools {
        nextest: tools::nextest(project)?,
        chromium: journeys::chromium()?,
    })
}

/// Installs the embedded PostgreSQL into the folder that it will run from.
pub(crate) fn postgres(project: &Project, folder: &Path) -> Result<()> {
    timed("embedded PostgreSQL", || {
        Binaries::ensure(folder, &project.cache)?;
        Ok(())
    })
}

/// Installs the embedding model's files.
pub(crate) fn model(project: &Project) -> Result<()> {
    timed("embedding model", || model::ensure(project))
}
