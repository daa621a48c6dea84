//! Builds the islands for the browser: cargo, wasm-bindgen.

use super::publish::{Publisher, files_below, sha256, write};
use crate::command::{print_status, run};
use crate::project::{Project, find_program};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

/// File name before the hash.
const STEM: &str = "atrium";

/// State file: a key of the inputs, and the URLs of the resulting files.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Published {
    key: String,
    js: String,
    wasm: String,
    snippets: Vec<String>,
}

/// Compiles the islands and returns the path of the wasm file.
pub(crate) fn compile(project: &Project, release: bool) -> Result<PathBuf> {
    let profile = if release { "wasm-release" } else { "wasm-dev" };
    let target = "wasm32-unknown-unknown";
    run(&mut project.cargo([
        "rustc",
        "--package",
        "islands",
        "--lib",
        // The server links the same crate as a Rust library.
        "--crate-type",
        "cdylib",
        "--features",
        "hydrate",
        "--target",
        target,
        "--profile",
        profile,
    ]))?;
    let folder = project.target.join(target).join(profile);
    Ok(folder.join("islands.wasm"))
}

/// Publishes the wasm module and its loader and returns their URLs (JavaScript,
/// wasm). Reuses the published files if the input is unchanged.
pub(crate) fn publish(
    publisher: &mut Publisher,
    compiled: &Path,
    state: &Path,
) -> Result<(String, String)> {
    let input =
        fs::read(compiled).with_context(|| format!("cannot read {}", compiled.display()))?;
    let optimiser = find_program(&["wasm-opt"])
        .ok()
        .filter(|_| publisher.is_release());
    let key = format!(
        "{} wasm-bindgen {} optimised {}",
        sha256(&input),
        wasm_bindgen_version(),
        optimiser.is_some()
    );
    if let Some(previous) = read_state(state).filter(|previous| previous.key == key) {
        let mut files = vec![&previous.js, &previous.wasm];
        files.extend(&previous.snippets);
        if files
            .into_iter()
            .all(|address| publisher.keep_published(address))
        {
            return Ok((previous.js, previous.wasm));
        }
    }
    let work_folder = state.with_extension("work");
    let _ = fs::remove_dir_all(&work_folder);
    let current = bind(publisher, input, &work_folder, optimiser.as_deref(), key)?;
    fs::remove_dir_all(&work_folder)?;
    write(state, serde_json::to_string_pretty(&current)?.as_bytes())?;
    Ok((current.js, current.wasm))
}

fn read_state(path: &Path) -> Option<Published> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// The version pinned in this crate's manifest.
fn wasm_bindgen_version() -> &'static str {
    include_str!("../../Cargo.toml")
        .lines()
        .find_map(|line| line.strip_prefix("wasm-bindgen-cli-support = \"="))
        .map_or("", |rest| rest.trim_end_matches('"'))
}

fn bind(
    publisher: &mut Publisher,
    input: Vec<u8>,
    work_folder: &Path,
    optimiser: Option<&Path>,
    key: String,
) -> Result<Published> {
    Bindgen::new()
        .input_bytes(STEM, input)
        .web(true)?
        .typescript(false)
        // The page passes the module's URL, which contains a hash.
        .omit_default_module_path(true)
        .remove_name_section(publisher.is_release())
        .remove_producers_section(true)
        .generate(work_folder)
        .context("wasm-bindgen failed")?;
    let wasm = work_folder.join(format!("{STEM}_bg.wasm"));
    if let Some(optimiser) = optimiser {
        optimise(optimiser, &wasm)?;
    } else if publisher.is_release() {
        print_status(
            "wasm-opt is not installed: the download is larger than it could be (apt-get install binaryen)",
        );
    }
    let mut snippets = Vec::new();
    for path in files_below(&work_folder.join("snippets"))? {
        let name = path.strip_prefix(work_folder)?;
        publisher.put_beside_hashed(name, &fs::read(&path)?)?;
        snippets.push(format!("/pkg/{}", name.display()));
    }
    Ok(Published {
        key,
        js: publisher.put_hashed(
            STEM,
            "js",
            &fs::read(work_folder.join(format!("{STEM}.js")))?,
        )?,
        wasm: publisher.put_hashed(STEM, "wasm", &fs::read(wasm)?)?,
        snippets,
    })
}

/// Shrinks the module by some percent. Leaves it unchanged if an old wasm-opt
/// does not support the compiler's output.
fn optimise(program: &Path, wasm: &Path) -> Result<()> {
    let smaller = wasm.with_extension("opt.wasm");
    let mut command = Command::new(program);
    // Enables only the features that the module declares: others would change
    // the signatures of functions that JavaScript calls.
    command.arg("-Oz").arg(wasm).arg("-o").arg(&smaller);
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if output.status.success() {
        fs::rename(&smaller, wasm)?;
    } else {
        let cause = String::from_utf8_lossy(&output.stderr);
        let cause = cause.lines().next().unwrap_or("it said nothing");
        print_status(&format!(
            "wasm-opt could not make the file smaller: {cause}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wasm_bindgen_version_matches_the_browser_crate() {
        let islands = include_str!("../../../app/islands/Cargo.toml");
        let line = format!("wasm-bindgen = \"={}\"", wasm_bindgen_version());
        assert!(islands.contains(&line), "{line}");
    }
}
