//! `cargo xtask test`: runs all tests.

use crate::build;
use crate::cluster::Throwaway;
use crate::command::{run, succeeds};
use crate::project::Project;
use crate::setup::{self, Tools};
use crate::steps::Steps;
use anyhow::Result;
use std::env;
use std::fs;
use std::process::{Command, ExitCode};

/// Packages built together for the tests. xtask is tested as already built, so that its large dependencies are
/// not rebuilt with other features.
const WORKSPACE: [&str; 3] = ["--workspace", "--exclude", "xtask"];

/// Runs all tests, even if some fail, and prints their results and times.
pub(crate) fn test(project: &Project, filter: Option<&str>) -> Result<ExitCode> {
    let mut steps = Steps::start();
    let tools = steps.require("set-up", || setup::ensure_all(project))?;
    // Two target folders, so that neither build waits for the other.
    let (site, built) = steps.attempt_beside(
        "build of the browser's part",
        || build::site(project, false),
        |steps| steps.require("build of the tests", || build_tests(project)),
    );
    built?;
    let Some(site) = site else {
        return Ok(steps.finish());
    };
    let cluster = Throwaway::start(project)?;
    let url = cluster.url()?;
    let succeeds_with_database = |command: &mut Command| {
        command
            .env("ATRIUM_TEST_DATABASE_URL", &url)
            .env("SQLX_OFFLINE", "true")
            .env("ATRIUM_MODEL_DIR", project.model());
        succeeds(command)
    };

    let nextest = |selection: &[&str]| {
        let mut command = project.command(&tools.nextest, ["nextest", "run", "--no-fail-fast"]);
        command
            .args(selection)
            .args(["--no-tests", if filter.is_some() { "pass" } else { "fail" }]);
        succeeds_with_database(command.args(filter))
    };
    steps.attempt("tests of xtask", || nextest(&["--package", "xtask"]));
    steps.attempt("tests", || nextest(&WORKSPACE));
    steps.attempt("examples in the docs", || {
        let mut doc = project.cargo(["test", "--doc", "--quiet"]);
        succeeds_with_database(doc.args(WORKSPACE).args(filter))
    });
    drop(cluster);

    steps.attempt("browser journeys", || {
        let data = project.scratch().join("journeys");
        if data.exists() {
            // Left over from a run that was killed.
            fs::remove_dir_all(&data)?;
        }
        let mut journeys = journeys(project, &tools, filter);
        journeys
            .env("ATRIUM_TEST_DATA_DIR", data)
            .env("ATRIUM_SITE_DIR", site)
            .env("ATRIUM_MODEL_DIR", project.model());
        succeeds(&mut journeys)
    });
    Ok(steps.finish())
}

/// Builds all at once, so that the server of the journeys has the same features
/// as that of the tests. Optimising the benchmarks takes longer than most
/// crates, and no test runs them.
fn build_tests(project: &Project) -> Result<()> {
    run(project
        .cargo(["build"])
        .args(WORKSPACE)
        .args(["--bin", "atrium", "--tests", "--examples"]))
}

/// Playwright with the installed Chromium. Its configuration starts the server
/// as given by these environment variables.
fn journeys(project: &Project, tools: &Tools, filter: Option<&str>) -> Command {
    let mut command = project.command("npx", ["--no-install", "playwright", "test"]);
    command
        .current_dir(project.root.join("end2end"))
        .env("ATRIUM_BINARY", project.built(false).join("atrium"))
        .env("CHROMIUM", &tools.chromium)
        .env("CI", env::var_os("CI").unwrap_or_else(|| "1".into()));
    if let Some(filter) = filter {
        command.args(["--pass-with-no-tests", "--grep", filter]);
    }
    command
}
