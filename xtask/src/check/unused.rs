//! Finds declared dependencies that no source file mentions.

use crate::command::{output, print_status};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Package and dependency pairs declared only to enable features, which cargo
/// unifies over the whole build.
const FOR_FEATURES: [(&str, &str); 0] = [];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    rename: Option<String>,
}

/// Fails if a dependency's name occurs nowhere in the crate that declares it.
pub(crate) fn dependencies(project: &Project) -> Result<()> {
    let text = output(&mut project.cargo(["metadata", "--no-deps", "--format-version=1"]))?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("cargo metadata printed something else")?;
    let mut unused = Vec::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().unwrap_or(Path::new("."));
        let source = source_of(folder)?;
        for dependency in &package.dependencies {
            let name = dependency.rename.as_ref().unwrap_or(&dependency.name);
            let is_for_features = FOR_FEATURES.contains(&(package.name.as_str(), name.as_str()));
            if !is_for_features
                && *name != package.name
                && !mentions(&source, &name.replace('-', "_"))
            {
                unused.push(format!("{name} in {}", package.name));
            }
        }
    }
    if !unused.is_empty() {
        bail!(
            "no source file mentions these dependencies:\n  {}",
            unused.join("\n  ")
        );
    }
    print_status("every dependency is used");
    Ok(())
}

/// Concatenates all Rust code of a package, without nested packages.
fn source_of(folder: &Path) -> Result<String> {
    let mut text = String::new();
    let mut folders: Vec<PathBuf> = ["src", "tests", "benches", "examples"]
        .iter()
        .map(|name| folder.join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text += &fs::read_to_string(&path)?;
            }
        }
    }
    Ok(text)
}

/// True if `word` occurs as a whole word.
fn mentions(source: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    source.match_indices(word).any(|(at, _)| {
        !source[..at].ends_with(is_part) && !source[at + word.len()..].starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_count() {
        assert!(mentions("use http::Request;", "http"));
        assert!(!mentions("use tower_http::trace;", "http"));
        assert!(!mentions("let https = 1;", "http"));
    }
}
