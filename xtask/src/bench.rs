//! `cargo xtask bench`: benchmarks.

use crate::command::run;
use crate::project::Project;
use crate::setup;
use anyhow::Result;
use std::process::ExitCode;

/// Runs one benchmark with the model installed: that of the crate `part`, or
/// one in the crate `bench`, which measures several crates together.
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
    // Import is measured by the benchmark of the crate `service`.
    let package = if part == "import" { "service" } else { part };
    let mut cargo = project.cargo(["bench", "--package", package, "--"]);
    run(cargo
        .args(arguments)
        .env("ATRIUM_MODEL_DIR", project.model()))?;
    Ok(ExitCode::SUCCESS)
}
