//! Bringing what is missing on a machine: build tools, PostgreSQL, the
//! embedding model, and what the browser journeys need.

mod journeys;
mod model;
mod tools;

use crate::command::timed;
use crate::project::Project;
use anyhow::Result;
use embedded_postgres::Binaries;
use std::path::{Path, PathBuf};

/// Programs that may come from the machine or from our cache.
pub(crate) struct Tools {
    /// cargo-nextest, to be called with `nextest` as the first argument.
    pub(crate) nextest: PathBuf,
    /// The browser.
    pub(crate) chromium: PathBuf,
}

/// What it takes to build.
pub(crate) fn for_building(project: &Project) -> Result<()> {
    tools::wasm_target(project)
}

/// The packages of npm that the browser journeys are written with.
pub(crate) fn journey_packages(project: &Project) -> Result<()> {
    journeys::packages(project)
}

/// What it takes to run every test.
pub(crate) fn for_everything(project: &Project) -> Result<Tools> {
    for_building(project)?;
    postgres(project, &project.throwaway())?;
    model(project)?;
    journey_packages(project)?;
    Ok(Tools {
        nextest: tools::nextest(project)?,
        chromium: journeys::chromium()?,
    })
}

/// The embedded PostgreSQL in the folder that it will run from.
pub(crate) fn postgres(project: &Project, folder: &Path) -> Result<()> {
    timed("embedded PostgreSQL", || {
        Binaries::ensure(folder, &project.cache)?;
        Ok(())
    })
}

/// The embedding model's files.
pub(crate) fn model(project: &Project) -> Result<()> {
    timed("embedding model", || model::ensure(project))
}
