//! The application for the browser: cargo, wasm-bindgen, wasm-opt.

use super::publish::{Publisher, files_below, sha256, write};
use crate::command::{run, say};
use crate::project::{Project, find_program};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

/// The name of the files before the hash.
const STEM: &str = "atrium";

/// What the published files were made from, and which they are.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Published {
    key: String,
    js: String,
    wasm: String,
    snippets: Vec<String>,
}

/// Compiles the crate and returns the file that cargo made.
pub(crate) fn compile(project: &Project, release: bool) -> Result<PathBuf> {
    let profile = if release { "wasm-release" } else { "wasm-dev" };
    let target = "wasm32-unknown-unknown";
    run(&mut project.cargo([
        "build",
        "--package",
        "web",
        "--target",
        target,
        "--profile",
        profile,
    ]))?;
    Ok(project.target.join(target).join(profile).join("web.wasm"))
}

/// Makes the module and its loader out of the compiled file and returns their
/// addresses. Does nothing when they were made from the same file before.
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
    if let Some(before) = read_state(state).filter(|before| before.key == key) {
        let mut files = vec![&before.js, &before.wasm];
        files.extend(&before.snippets);
        if files
            .into_iter()
            .all(|address| publisher.keep_published(address))
        {
            return Ok((before.js, before.wasm));
        }
    }
    let work = state.with_extension("work");
    let _ = fs::remove_dir_all(&work);
    let made = bind(publisher, input, &work, optimiser.as_deref(), key)?;
    fs::remove_dir_all(&work)?;
    write(state, serde_json::to_string_pretty(&made)?.as_bytes())?;
    Ok((made.js, made.wasm))
}

fn read_state(path: &Path) -> Option<Published> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// The version is pinned exactly, for both sides of it.
fn wasm_bindgen_version() -> &'static str {
    include_str!("../../Cargo.toml")
        .lines()
        .find_map(|line| line.strip_prefix("wasm-bindgen-cli-support = \"="))
        .map_or("", |rest| rest.trim_end_matches('"'))
}

fn bind(
    publisher: &mut Publisher,
    input: Vec<u8>,
    work: &Path,
    optimiser: Option<&Path>,
    key: String,
) -> Result<Published> {
    Bindgen::new()
        .input_bytes(STEM, input)
        .web(true)?
        .typescript(false)
        // The page names the module's address itself, with its hash.
        .omit_default_module_path(true)
        .remove_name_section(publisher.is_release())
        .remove_producers_section(true)
        .generate(work)
        .context("wasm-bindgen failed")?;
    let wasm = work.join(format!("{STEM}_bg.wasm"));
    if let Some(optimiser) = optimiser {
        optimise(optimiser, &wasm)?;
    } else if publisher.is_release() {
        say(
            "wasm-opt is not installed: the download is larger than it could be (apt-get install binaryen)",
        );
    }
    let mut snippets = Vec::new();
    for path in files_below(&work.join("snippets"))? {
        let name = path.strip_prefix(work)?;
        publisher.put_beside_hashed(name, &fs::read(&path)?)?;
        snippets.push(format!("/pkg/{}", name.display()));
    }
    Ok(Published {
        key,
        js: publisher.put_hashed(STEM, "js", &fs::read(work.join(format!("{STEM}.js")))?)?,
        wasm: publisher.put_hashed(STEM, "wasm", &fs::read(wasm)?)?,
        snippets,
    })
}

/// Smaller by some percent. An old wasm-opt may not know what the compiler
/// makes today: then the file stays as it is.
fn optimise(program: &Path, wasm: &Path) -> Result<()> {
    let smaller = wasm.with_extension("opt.wasm");
    let mut command = Command::new(program);
    // Only with the features that the module declares: with more of them it
    // would change the signatures of functions that JavaScript calls.
    command.arg("-Oz").arg(wasm).arg("-o").arg(&smaller);
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if output.status.success() {
        fs::rename(&smaller, wasm)?;
    } else {
        let cause = String::from_utf8_lossy(&output.stderr);
        let cause = cause.lines().next().unwrap_or("it said nothing");
        say(&format!(
            "wasm-opt could not make the file smaller: {cause}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_wasm_bindgen_is_that_of_the_browser_crate() {
        let web = include_str!("../../../app/web/Cargo.toml");
        let line = format!("wasm-bindgen = \"={}\"", wasm_bindgen_version());
        assert!(web.contains(&line), "{line}");
    }
}
