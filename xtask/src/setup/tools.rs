//! Tools installed with cargo and rustup.

use crate::command::{output, print_status, run};
use crate::project::{Project, find_program};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

const WASM: &str = "wasm32-unknown-unknown";

/// Version to build if none is installed.
const NEXTEST: &str = "0.9.143";

/// Installs the standard library for the browser.
pub(crate) fn wasm_target(project: &Project) -> Result<()> {
    let sysroot = output(&mut project.command("rustc", ["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib").join(WASM);
    if library.exists() {
        return Ok(());
    }
    if find_program(&["rustup"]).is_err() {
        bail!(
            "Rust cannot build for the browser: install rustup, or the {WASM} target of your Rust"
        );
    }
    run(&mut project.command("rustup", ["target", "add", WASM]))
}

/// Path of the test runner: the installed one, else one built into the cache,
/// which takes some minutes once.
pub(crate) fn nextest(project: &Project) -> Result<PathBuf> {
    if let Ok(program) = find_program(&["cargo-nextest"]) {
        return Ok(program);
    }
    let tools = project.cache.join("tools");
    let program = tools.join("bin/cargo-nextest");
    if !program.exists() {
        print_status("cargo-nextest is not installed: building it into the cache, once");
        run(project
            .cargo(["install", "cargo-nextest", "--version", NEXTEST, "--locked", "--root"])
            .arg(&tools)
            // Avoids the project's target folder and its flags.
            .current_dir(&project.cache)
            .env("CARGO_TARGET_DIR", tools.join("target")))
        .context("install it yourself with `cargo install cargo-nextest --locked`")?;
    }
    Ok(program)
}
