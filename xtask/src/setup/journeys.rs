//! What the browser journeys need: Node, their packages, and Chromium.

use crate::command::{output, run, say};
use crate::project::{Project, find_program};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const OLDEST_NODE: u32 = 20;

/// Names under which distributions install it.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// npm's packages as the lockfile names them.
pub(crate) fn packages(project: &Project) -> Result<()> {
    let folder = project.root.join("end2end");
    let lock = fs::read_to_string(folder.join("package-lock.json"))
        .context("cannot read end2end/package-lock.json")?;
    // Written after a complete installation only.
    let stamp = folder.join("node_modules/.installed-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    check_node()?;
    let mut npm = project.command("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"]);
    npm.current_dir(&folder)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    run(&mut npm)?;
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))
}

fn check_node() -> Result<()> {
    let hint = format!("install Node {OLDEST_NODE} or newer with npm, for example from nodejs.org");
    let version = output(Command::new("node").arg("--version")).context(hint.clone())?;
    match major(&version) {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => bail!("Node {} is too old: {hint}", version.trim()),
    }
}

fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// The browser: the one that the variable `CHROMIUM` names, else an installed
/// one, else installed now when we may.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        if named.is_file() {
            return Ok(named);
        }
        bail!("CHROMIUM names {}, which is not there", named.display());
    }
    if let Ok(found) = find_program(&CHROMIUM) {
        return Ok(found);
    }
    let command = "apt-get install --yes --no-install-recommends chromium fonts-liberation";
    let is_root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root || find_program(&["apt-get"]).is_err() {
        bail!(
            "the browser journeys need Chromium: run `{command}` as root, or name one in CHROMIUM"
        );
    }
    say("Chromium is not installed: installing it");
    let mut apt = Command::new("apt-get");
    run(apt.args(["update", "--quiet"]))?;
    let mut apt = Command::new("apt-get");
    apt.args(command.split(' ').skip(1))
        .arg("--quiet")
        .env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut apt).with_context(|| format!("run `{command}` yourself"))?;
    find_program(&CHROMIUM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_node_is_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("node"), None);
    }
}
