//! Builds the server and the browser's files.

mod compress;
mod css;
mod publish;
mod web;

use crate::command::{print_status, run, timed};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use publish::Publisher;
pub(crate) use publish::files_below;
use std::fs;
use std::path::{Path, PathBuf};

/// Builds both and returns the folder with the browser's files.
pub(crate) fn build(project: &Project, release: bool) -> Result<PathBuf> {
    let site = site(project, release)?;
    let mut cargo = project.cargo(["build", "--package", "server", "--bin", "atrium"]);
    if release {
        cargo.args(["--release", "--features", "jemalloc"]);
    }
    run(&mut cargo)?;
    Ok(site)
}

/// Builds only the browser's files: application, styles, fonts and icons. Debug
/// and release use different folders, because mixing them breaks hydration.
pub(crate) fn site(project: &Project, release: bool) -> Result<PathBuf> {
    let folder = project
        .target
        .join(if release { "site-release" } else { "site" });
    let mut publisher = Publisher::new(&folder, release);
    let compiled = web::compile(project, release)?;
    let (js, wasm) = timed("browser application", || {
        web::publish(&mut publisher, &compiled, &state_file(project, release))
    })?;
    let css = css::bundle(&project.root.join("style/main.css"))?;
    let css = publisher.put_hashed("atrium", "css", css.as_bytes())?;
    copy_assets(&mut publisher, &project.root.join("style/assets"))?;
    publisher.finish(&publish::Manifest { js, wasm, css })?;
    Ok(folder)
}

/// Budgets of what a first visit downloads, in bytes of brotli; they only fall.
const WASM_BUDGET: u64 = 180_000;
const JS_BUDGET: u64 = 15_000;
const CSS_BUDGET: u64 = 12_000;

/// Prints the sizes of the files that a first visit loads, and fails if one is
/// over its budget.
pub(crate) fn check_sizes(folder: &Path) -> Result<()> {
    let manifest = publish::Manifest::read(folder)?;
    let files = [
        (&manifest.wasm, WASM_BUDGET),
        (&manifest.js, JS_BUDGET),
        (&manifest.css, CSS_BUDGET),
    ];
    let mut over = Vec::new();
    for (url, budget) in files {
        let path = folder.join(url.trim_start_matches('/'));
        let size = |path: &Path| {
            fs::metadata(path)
                .map(|found| found.len())
                .with_context(|| format!("cannot read {}", path.display()))
        };
        let (raw, brotli) = (size(&path)?, size(&compress::sibling(&path, "br"))?);
        print_status(&format!(
            "{url}: {raw} bytes, {brotli} in brotli, budget {budget}"
        ));
        if brotli > budget {
            over.push(url.as_str());
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    bail!("over budget: {}", over.join(", "))
}

/// File that records the inputs of the published application.
fn state_file(project: &Project, release: bool) -> PathBuf {
    let name = if release {
        "site-release.json"
    } else {
        "site.json"
    };
    project.target.join("xtask").join(name)
}

/// Publishes fonts and icons under their own names.
fn copy_assets(publisher: &mut Publisher, folder: &Path) -> Result<()> {
    for path in publish::files_below(folder)? {
        let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(folder)?.to_owned();
        publisher.put(&name, &content)?;
    }
    Ok(())
}
