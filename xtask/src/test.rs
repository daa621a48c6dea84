//! `cargo xtask test`: every test there is.

use crate::build;
use crate::cluster::Throwaway;
use crate::command::{run, say, succeeds};
use crate::project::Project;
use crate::setup::{self, Tools};
use anyhow::Result;
use std::env;
use std::fs;
use std::process::{Command, ExitCode};

/// What the tests of the workspace are run on. The browser crate only compiles
/// to wasm; xtask is tested as it was built, so as not to build its large
/// dependencies a second time with other features.
const WORKSPACE: [&str; 5] = ["--workspace", "--exclude", "web", "--exclude", "xtask"];

/// Runs all of them, even when some fail, and says at the end which did.
pub(crate) fn test(project: &Project, filter: Option<&str>) -> Result<ExitCode> {
    let tools = setup::for_everything(project)?;
    let site = build::site(project, false)?;
    // One build for all: the binary that the browser journeys start comes out
    // of the same features as the tests.
    run(project
        .cargo(["build"])
        .args(WORKSPACE)
        .args(["--bins", "--tests", "--examples"]))?;
    let cluster = Throwaway::start(project)?;
    let url = cluster.url()?;
    let prepared = |command: &mut Command| {
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
        prepared(command.args(filter))
    };
    results.push(("tests of xtask", nextest(&["--package", "xtask"])?));
    results.push(("tests", nextest(&WORKSPACE)?));
    let mut doc = project.cargo(["test", "--doc", "--quiet"]);
    doc.args(WORKSPACE).args(filter);
    results.push(("examples in the docs", prepared(&mut doc)?));
    drop(cluster);

    let data = project.throwaway().join("journeys");
    if data.exists() {
        // Left by a run that was killed.
        fs::remove_dir_all(&data)?;
    }
    let mut journeys = journeys(project, &tools, filter);
    journeys
        .env("ATRIUM_TEST_DATA_DIR", data)
        .env("ATRIUM_SITE_DIR", site)
        .env("ATRIUM_MODEL_DIR", project.model());
    results.push(("browser journeys", succeeds(&mut journeys)?));

    for (what, passed) in &results {
        say(&format!(
            "{what}: {}",
            if *passed { "passed" } else { "FAILED" }
        ));
    }
    let all = results.iter().all(|(_, passed)| *passed);
    Ok(if all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Playwright on the installed Chromium. Its configuration starts the server
/// and is told by these variables what to start it with.
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
