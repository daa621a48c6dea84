//! `cargo xtask bench`: figures of one part.

use crate::command::run;
use crate::project::Project;
use crate::setup;
use anyhow::Result;
use std::process::ExitCode;

/// Runs one bench: of the crate of that name with the model in place, or one
/// of those in `bench`, which measure several parts together.
pub(crate) fn bench(project: &Project, part: &str, arguments: &[String]) -> Result<ExitCode> {
    setup::model(project)?;
    if part == "search" {
        let mut cargo = project.cargo(["run", "--package", "bench", "--", part]);
        run(cargo
            .args(arguments)
            .env("ATRIUM_BENCH_DIR", project.throwaway().join("bench"))
            .env("ATRIUM_MODEL_DIR", project.model()))?;
        return Ok(ExitCode::SUCCESS);
    }
    // The import's figures are those of the use cases.
    let package = if part == "import" { "service" } else { part };
    let mut cargo = project.cargo(["bench", "--package", package, "--"]);
    run(cargo
        .args(arguments)
        .env("ATRIUM_MODEL_DIR", project.model()))?;
    Ok(ExitCode::SUCCESS)
}
