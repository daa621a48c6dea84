//! `cargo xtask test`: runs all tests.

use crate::build;
use crate::cluster::Throwaway;
use crate::command::{print_status, run, succeeds};
use crate::project::Project;
use crate::setup::{self, Tools};
use anyhow::Result;
use std::env;
use std::fs;
use std::process::{Command, ExitCode};

/// Packages built together for the tests. The browser crate compiles only to
/// wasm. xtask is tested as already built, so that its large dependencies are
/// not rebuilt with other features.
const WORKSPACE: [&str; 5] = ["--workspace", "--exclude", "web", "--exclude", "xtask"];

/// Runs all tests, even if some fail, and prints the results at the end.
pub(crate) fn test(project: &Project, filter: Option<&str>) -> Result<ExitCode> {
    let tools = setup::ensure_all(project)?;
    let site = build::site(project, false)?;
    // A single build, so that the binary used by the browser journeys has the
    // same features as the tests.
    run(project
        .cargo(["build"])
        .args(WORKSPACE)
        .args(["--bins", "--tests", "--examples"]))?;
    let cluster = Throwaway::start(project)?;
    let url = cluster.url()?;
    let succeeds_with_database = |command: &mut Command| {
        command
            .env("ATRIUM_TEST_DATABASE_URL", &url)
            .env("SQLX_OFFLINE", "true")
            .env("ATRIUM_MODEL_DIR", project.model());
        succeeds(command)
    };

    let mut results = Vec::new();
    let nextest = |selection: &[&str]| {
        let mut command = project.command(&tools.nextest, ["nextest", "run", "--no-fail-fast"]);
        command
            .args(selection)
            .args(["--no-tests", if filter.is_some() { "pass" } else { "fail" }]);
        succeeds_with_database(command.args(filter))
    };
    results.push(("tests of xtask", nextest(&["--package", "xtask"])?));
    results.push(("tests", nextest(&WORKSPACE)?));
    let mut doc = project.cargo(["test", "--doc", "--quiet"]);
    doc.args(WORKSPACE).args(filter);
    results.push(("examples in the docs", succeeds_with_database(&mut doc)?));
    drop(cluster);

    let data = project.throwaway().join("journeys");
    if data.exists() {
        // Left over from a run that was killed.
        fs::remove_dir_all(&data)?;
    }
    let mut journeys = journeys(project, &tools, filter);
    journeys
        .env("ATRIUM_TEST_DATA_DIR", data)
        .env("ATRIUM_SITE_DIR", site)
        .env("ATRIUM_MODEL_DIR", project.model());
    results.push(("browser journeys", succeeds(&mut journeys)?));

    for (name, passed) in &results {
        print_status(&format!(
            "{name}: {}",
            if *passed { "passed" } else { "FAILED" }
        ));
    }
    let all_passed = results.iter().all(|(_, passed)| *passed);
    Ok(if all_passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
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
