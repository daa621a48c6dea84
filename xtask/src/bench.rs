//! `cargo xtask bench`: figures of one part.

use crate::command::run;
use crate::project::Project;
use crate::setup;
use anyhow::Result;
use std::process::ExitCode;

/// Runs the bench of one crate with the model in place.
pub(crate) fn bench(project: &Project, part: &str, arguments: &[String]) -> Result<ExitCode> {
    setup::model(project)?;
    let mut cargo = project.cargo(["bench", "--package", part, "--"]);
    run(cargo
        .args(arguments)
        .env("ATRIUM_MODEL_DIR", project.model()))?;
    Ok(ExitCode::SUCCESS)
}
