//! Setup for the browser journeys: Node, npm packages, and Chromium.

use crate::command::{output, print_status, run};
use crate::project::{Project, find_program};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const MIN_NODE: u32 = 20;

/// Chromium without a window's parts, which opens pages in two thirds of the time.
const SHELL: [&str; 2] = ["chromium-headless-shell", "chrome-headless-shell"];

/// Program names of the whole browser.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// Installs the npm packages of the lockfile.
pub(crate) fn packages(project: &Project) -> Result<()> {
    let folder = project.root.join("end2end");
    let lock = fs::read_to_string(folder.join("package-lock.json"))
        .context("cannot read end2end/package-lock.json")?;
    // Written only after a complete installation.
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
    let hint = format!("install Node {MIN_NODE} or newer with npm, for example from nodejs.org");
    let version = output(Command::new("node").arg("--version")).context(hint.clone())?;
    match major_version(&version) {
        Some(major_version) if major_version >= MIN_NODE => Ok(()),
        _ => bail!("Node {} is too old: {hint}", version.trim()),
    }
}

fn major_version(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Path of the browser: from the variable `CHROMIUM`, else the headless shell,
/// which is installed now if running as root, else any Chromium.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if path.is_file() {
            return Ok(path);
        }
        bail!("CHROMIUM names {}, which is not there", path.display());
    }
    if let Ok(program) = find_program(&SHELL) {
        return Ok(program);
    }
    let is_root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let can_install = is_root && find_program(&["apt-get"]).is_ok();
    if can_install && install(SHELL[0]).is_ok() {
        return find_program(&SHELL);
    }
    if let Ok(program) = find_program(&CHROMIUM) {
        return Ok(program);
    }
    let by_hand =
        "install the package chromium-headless-shell or chromium, or name a browser in CHROMIUM";
    if !can_install {
        bail!("the browser journeys need Chromium: {by_hand}");
    }
    install(CHROMIUM[0]).context(by_hand)?;
    find_program(&CHROMIUM)
}

/// Installs a browser's package and the fonts that pages are laid out with.
fn install(package: &str) -> Result<()> {
    print_status(&format!("{package} is not installed: installing it"));
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        run(apt
            .arg("--quiet")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update"])?;
    apt(&[
        "install",
        "--yes",
        "--no-install-recommends",
        package,
        "fonts-liberation",
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_version_is_parsed() {
        assert_eq!(major_version("v20.20.2\n"), Some(20));
        assert_eq!(major_version("node"), None);
    }
}
