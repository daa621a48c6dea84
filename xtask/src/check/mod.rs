//! `cargo xtask check`: all checks other than tests.

mod boundaries;
mod licences;
mod unused;

use crate::command::run;
use crate::project::{Project, find_program};
use crate::steps::Steps;
use crate::{build, prepare, setup};
use anyhow::Result;
use std::process::ExitCode;

/// Packages checked together. xtask is checked as built, so that nothing is
/// compiled twice with other features.
const WORKSPACE: [&str; 3] = ["--workspace", "--exclude", "xtask"];

type Step = (&'static str, fn(&Project) -> Result<()>);

/// The checks, fastest first.
const STEPS: [Step; 12] = [
    ("format", format),
    ("boundary of the browser build", boundaries::browser_tree),
    (
        "pages without browser code",
        boundaries::pages_have_no_browser_code,
    ),
    ("users of the store", boundaries::store_users),
    (
        "one version where two would not fit",
        boundaries::single_versions,
    ),
    ("licences", licences),
    ("unused dependencies", unused::dependencies),
    ("types of the browser journeys", journey_types),
    ("lints", lints),
    ("lints of the browser build", browser_lints),
    ("docs", docs),
    ("query data", query_data),
];

/// Runs all checks, even if some fail, and prints their results and times.
pub(crate) fn check(project: &Project) -> Result<ExitCode> {
    let mut steps = Steps::start();
    steps.require("set-up", || setup::ensure_build_tools(project))?;
    // Most of it is one thread that links, in a target folder of its own.
    steps.attempt_beside(
        "size of the browser build",
        || size(project),
        |steps| {
            for (name, step) in STEPS {
                steps.attempt(name, || step(project).map(|()| true));
            }
        },
    );
    Ok(steps.finish())
}

fn format(project: &Project) -> Result<()> {
    run(&mut project.cargo(["fmt", "--all", "--check"]))
}

fn lints(project: &Project) -> Result<()> {
    let mut all = project.cargo(["clippy", "--quiet", "--keep-going"]);
    run(all
        .args(WORKSPACE)
        .args(["--all-targets", "--", "--deny", "warnings"]))?;
    let mut own = project.cargo(["clippy", "--quiet", "--package", "xtask"]);
    run(own.args(["--all-targets", "--", "--deny", "warnings"]))
}

fn browser_lints(project: &Project) -> Result<()> {
    let mut cargo = project.cargo(["clippy", "--quiet", "--package", "islands"]);
    cargo.args(["--target", boundaries::BROWSER, "--features", "hydrate"]);
    run(cargo.args(["--", "--deny", "warnings"]))
}

fn docs(project: &Project) -> Result<()> {
    let mut cargo = project.cargo(["doc", "--quiet", "--no-deps", "--document-private-items"]);
    // Sets flags only for rustdoc: others would rebuild everything.
    run(cargo
        .args(WORKSPACE)
        .env("RUSTDOCFLAGS", "--deny warnings --cfg erase_components"))
}

/// Runs cargo-deny if installed, which takes minutes to build; otherwise checks
/// only licences, with the same list.
fn licences(project: &Project) -> Result<()> {
    if find_program(&["cargo-deny"]).is_ok() {
        let offline = ["deny", "check", "bans", "licenses", "sources"];
        return run(&mut project.cargo(offline));
    }
    licences::check(project)
}

fn journey_types(project: &Project) -> Result<()> {
    setup::journey_packages(project)?;
    let mut tsc = project.command("npx", ["--no-install", "tsc"]);
    run(tsc.current_dir(project.root.join("end2end")))
}

fn query_data(project: &Project) -> Result<()> {
    prepare::prepare(project, true).map(|_| ())
}

fn size(project: &Project) -> Result<()> {
    build::check_sizes(&build::site(project, true)?)
}
