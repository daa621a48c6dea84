//! `cargo xtask bench`: benchmarks.

use crate::command::run;
use crate::project::Project;
use crate::{build, setup};
use anyhow::Result;
use std::process::ExitCode;

/// Runs one benchmark with the model installed: that of the crate `part`, or
/// one in the crate `bench`, which measures several crates together.
pub(crate) fn bench(project: &Project, part: &str, arguments: &[String]) -> Result<ExitCode> {
    setup::model(project)?;
    match part {
        "pages" => pages(project, arguments)?,
        "search" => {
            let mut cargo = project.cargo(["run", "--package", "bench", "--", part]);
            run(cargo
                .args(arguments)
                .env("ATRIUM_BENCH_DIR", project.throwaway().join("bench"))
                .env("ATRIUM_MODEL_DIR", project.model()))?;
        }
        _ => {
            // Import is measured by the benchmark of the crate `service`.
            let package = if part == "import" { "service" } else { part };
            let mut cargo = project.cargo(["bench", "--package", package, "--"]);
            run(cargo
                .args(arguments)
                .env("ATRIUM_MODEL_DIR", project.model()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures the released server; the load comes from another program without
/// the server's crates.
fn pages(project: &Project, arguments: &[String]) -> Result<()> {
    setup::ensure_build_tools(project)?;
    let site = build::build(project, true)?;
    let mut cargo = project.cargo(["run", "--profile", "bench", "--package", "bench"]);
    run(cargo
        .args(["--no-default-features", "--", "pages"])
        .args(arguments)
        .env("ATRIUM_BENCH_DIR", project.throwaway().join("bench"))
        .env("ATRIUM_BENCH_BINARY", project.built(true).join("atrium"))
        .env("ATRIUM_BENCH_SITE", site)
        .env("ATRIUM_MODEL_DIR", project.model()))
}
