//! Checks of crate boundaries and duplicate versions.

use crate::build::files_below;
use crate::command::{output, print_status};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;

/// Target triple of the browser build.
pub(crate) const BROWSER: &str = "wasm32-unknown-unknown";

/// Crates that the browser build must not contain.
const SERVER_ONLY: [&str; 14] = [
    "app",
    "axum",
    "embed",
    "embedded-postgres",
    "hyper",
    "lettre",
    "leptos_axum",
    "openidconnect",
    "reqwest",
    "service",
    "sqlx",
    "store",
    "tokio",
    "tower-http",
];

/// Crates whose types cross our crates' boundaries, so that two versions would
/// be incompatible.
const SINGLE: [&str; 4] = ["axum", "leptos", "sqlx", "wasm-bindgen"];

/// The store and the crates that may depend on it.
const STORE_USERS: [&str; 3] = ["bench", "service", "store"];

/// Fails if the browser build depends on a server crate.
pub(crate) fn browser_tree(project: &Project) -> Result<()> {
    let mut cargo = project.cargo(["tree", "--package", "islands", "--features", "hydrate"]);
    cargo.args(["--target", BROWSER, "--edges", "normal", "--prefix", "none"]);
    cargo.args(["--format", "{p}"]);
    let tree = output(&mut cargo)?;
    let found = server_crates_in(&tree);
    if !found.is_empty() {
        bail!("the browser build contains {}", found.join(", "));
    }
    print_status("the browser build has nothing of the server in it");
    Ok(())
}

fn server_crates_in(tree: &str) -> Vec<&'static str> {
    let names = names_in(tree);
    SERVER_ONLY
        .into_iter()
        .filter(|name| names.contains(name))
        .collect()
}

/// The crates in the output of `cargo tree`.
fn names_in(tree: &str) -> BTreeSet<&str> {
    tree.lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Code that runs in the browser, as written in sources.
const BROWSER_CODE: [&str; 8] = [
    " on:",
    "bind:",
    "prop:",
    "node_ref=",
    "Effect::",
    "Action::new",
    "Signal::new",
    "#[island]",
];

/// Fails if a page has code for the browser: only islands are hydrated, so it
/// would do nothing.
pub(crate) fn pages_have_no_browser_code(project: &Project) -> Result<()> {
    let mut found = Vec::new();
    for path in files_below(&project.root.join("app/src"))? {
        let source =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for (number, line) in browser_code_in(&source) {
            found.push(format!("{}:{number}: {line}", path.display()));
        }
    }
    if !found.is_empty() {
        bail!(
            "code for the browser belongs in app/islands:\n{}",
            found.join("\n")
        );
    }
    print_status("pages have no code for the browser");
    Ok(())
}

/// Numbers and texts of the lines with code for the browser.
fn browser_code_in(source: &str) -> Vec<(usize, &str)> {
    source
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter(|(_, line)| BROWSER_CODE.iter().any(|code| line.contains(code)))
        .map(|(index, line)| (index + 1, line.trim()))
        .collect()
}

/// Fails if a crate uses the store that is not for it: pages, REST and MCP reach
/// data through the service alone.
pub(crate) fn store_users(project: &Project) -> Result<()> {
    let mut cargo = project.cargo(["tree", "--workspace", "--invert", "store"]);
    cargo.args(["--depth", "1", "--edges", "normal"]);
    let tree = output(cargo.args(["--prefix", "none", "--format", "{p}"]))?;
    let users = names_in(&tree);
    if users != BTreeSet::from(STORE_USERS) {
        bail!("the store is used by {users:?}, expected {STORE_USERS:?}");
    }
    print_status("only the service and the bench use the store");
    Ok(())
}

/// Fails unless the lockfile has exactly one version of each of [`SINGLE`].
pub(crate) fn single_versions(project: &Project) -> Result<()> {
    let lock =
        fs::read_to_string(project.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    for name in SINGLE {
        let versions = versions_of(&lock, name);
        if versions.len() != 1 {
            bail!(
                "Cargo.lock has {} versions of {name}: {}",
                versions.len(),
                versions.join(", ")
            );
        }
    }
    Ok(())
}

fn versions_of<'a>(lock: &'a str, name: &str) -> Vec<&'a str> {
    let wanted = format!("name = \"{name}\"");
    let lines: Vec<&str> = lock.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == wanted)
        .filter_map(|pair| pair[1].strip_prefix("version = \"")?.strip_suffix('"'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_crates_are_matched_by_whole_name() {
        let tree = "islands v0.1.0 (/x)\nserver_fn v0.8.1\ntokio-stream v0.1.0\ntokio v1.54.1\ntokio v1.54.1 (*)\n";
        assert_eq!(server_crates_in(tree), ["tokio"]);
    }

    #[test]
    fn handlers_and_effects_are_found_but_not_in_comments() {
        let source = "// Effect::new\n<button on:click=f>\nlet x = 1;\nEffect::new(f);";
        let found = browser_code_in(source);
        assert_eq!(found, [(2, "<button on:click=f>"), (4, "Effect::new(f);")]);
    }

    #[test]
    fn all_versions_in_the_lockfile_are_found() {
        let lock = "[[package]]\nname = \"sqlx\"\nversion = \"0.8.0\"\n\n[[package]]\n\
            name = \"sqlx-core\"\nversion = \"0.9.0\"\n\n[[package]]\nname = \"sqlx\"\nversion = \"0.9.0\"\n";
        assert_eq!(versions_of(lock, "sqlx"), ["0.8.0", "0.9.0"]);
    }
}
