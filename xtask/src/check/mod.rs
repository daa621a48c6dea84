//! `cargo xtask check`: everything that is to hold besides the tests.

mod boundaries;
mod licences;
mod unused;

use crate::command::{run, say};
use crate::project::{Project, find_program};
use crate::{build, prepare, setup};
use anyhow::Result;
use std::process::ExitCode;

/// The browser crate is checked on its own, for its own target, and xtask as it
/// is built, so that nothing is compiled twice with other features.
const WORKSPACE: [&str; 5] = ["--workspace", "--exclude", "web", "--exclude", "xtask"];

type Step = (&'static str, fn(&Project) -> Result<()>);

/// Quick ones first.
const STEPS: [Step; 11] = [
    ("format", format),
    ("boundary of the browser build", boundaries::browser_tree),
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
    ("size of the browser build", size),
];

/// Goes through all of them, even when some fail, and says at the end which did.
pub(crate) fn check(project: &Project) -> Result<ExitCode> {
    setup::for_building(project)?;
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        if let Err(error) = step(project) {
            say(&format!("{name}: FAILED\n{error:#}"));
            failed.push(name);
        }
    }
    if failed.is_empty() {
        say("all checks passed");
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("failed: {}", failed.join(", ")));
    Ok(ExitCode::FAILURE)
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
    let mut cargo = project.cargo(["clippy", "--quiet", "--package", "web", "--package", "app"]);
    cargo.args(["--target", boundaries::BROWSER, "--features", "app/hydrate"]);
    run(cargo.args(["--", "--deny", "warnings"]))
}

fn docs(project: &Project) -> Result<()> {
    let mut cargo = project.cargo(["doc", "--quiet", "--no-deps", "--document-private-items"]);
    // Only for rustdoc: other flags for the compiler would rebuild everything.
    run(cargo
        .args(WORKSPACE)
        .env("RUSTDOCFLAGS", "--deny warnings --cfg erase_components"))
}

/// cargo-deny where it is installed; it takes minutes to build. Otherwise the
/// part of it that matters most, from the same list.
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
    build::say_sizes(&build::site(project, true)?)
}
