//! What cargo and rustup bring.

use crate::command::{output, run, say};
use crate::project::{Project, find_program};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

const WASM: &str = "wasm32-unknown-unknown";

/// The version that is built when the machine has none.
const NEXTEST: &str = "0.9.143";

/// The standard library for the browser.
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

/// The test runner: the machine's own, else one built into the cache, which
/// takes some minutes once.
pub(crate) fn nextest(project: &Project) -> Result<PathBuf> {
    if let Ok(program) = find_program(&["cargo-nextest"]) {
        return Ok(program);
    }
    let tools = project.cache.join("tools");
    let program = tools.join("bin/cargo-nextest");
    if !program.exists() {
        say("cargo-nextest is not installed: building it into the cache, once");
        run(project
            .cargo(["install", "cargo-nextest", "--version", NEXTEST, "--locked", "--root"])
            .arg(&tools)
            // Not into the project's own target folder and not with its flags.
            .current_dir(&project.cache)
            .env("CARGO_TARGET_DIR", tools.join("target")))
        .context("install it yourself with `cargo install cargo-nextest --locked`")?;
    }
    Ok(program)
}
