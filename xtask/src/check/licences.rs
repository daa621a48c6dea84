//! Checks that every shipped crate has a licence that `deny.toml` allows.

use crate::command::{output, print_status};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

/// Checks the licences that the crates declare.
pub(crate) fn check(project: &Project) -> Result<()> {
    let rules =
        fs::read_to_string(project.root.join("deny.toml")).context("cannot read deny.toml")?;
    let allowed = quoted(&rules, "allow = [");
    if allowed.is_empty() {
        bail!("deny.toml has no list of allowed licences");
    }
    let mut cargo = project.cargo(["metadata", "--format-version=1", "--filter-platform"]);
    let text = output(cargo.arg("x86_64-unknown-linux-gnu"))?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("cargo metadata printed something else")?;
    let bad: Vec<String> = metadata
        .packages
        .iter()
        .filter(|package| package.source.is_some())
        .filter(|package| {
            !package
                .license
                .as_deref()
                .is_some_and(|text| is_allowed(text, &allowed))
        })
        .map(
            |Package {
                 name,
                 version,
                 license,
                 ..
             }| {
                format!(
                    "{name} {version}: {}",
                    license.as_deref().unwrap_or("no licence declared")
                )
            },
        )
        .collect();
    if !bad.is_empty() {
        bail!(
            "these licences are not in the list of deny.toml:\n  {}",
            bad.join("\n  ")
        );
    }
    print_status(&format!(
        "{} crates have allowed licences",
        metadata.packages.len()
    ));
    Ok(())
}

/// The quoted strings of the list that begins with `start`, without comments.
fn quoted<'a>(rules: &'a str, start: &str) -> BTreeSet<&'a str> {
    let list = rules
        .split_once(start)
        .and_then(|(_, rest)| rest.split_once(']'));
    let list = list.map_or("", |(list, _)| list);
    list.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .collect()
}

/// Evaluates an SPDX licence expression.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    // Old crates write a slash for OR.
    let text = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words: Vec<&str> = text.split_whitespace().rev().collect();
    alternatives(&mut words, allowed) && words.is_empty()
}

/// Parses `OR`. `words` holds the unread tokens, the next one last.
fn alternatives(words: &mut Vec<&str>, allowed: &BTreeSet<&str>) -> bool {
    let mut holds = conjunction(words, allowed);
    while words.last() == Some(&"OR") {
        words.pop();
        holds |= conjunction(words, allowed);
    }
    holds
}

fn conjunction(words: &mut Vec<&str>, allowed: &BTreeSet<&str>) -> bool {
    let mut holds = term(words, allowed);
    while words.last() == Some(&"AND") {
        words.pop();
        holds &= term(words, allowed);
    }
    holds
}

fn term(words: &mut Vec<&str>, allowed: &BTreeSet<&str>) -> bool {
    match words.pop() {
        Some("(") => {
            let holds = alternatives(words, allowed);
            words.pop() == Some(")") && holds
        }
        Some(name) if words.last() == Some(&"WITH") => {
            words.pop();
            let exception = words.pop().unwrap_or_default();
            allowed.contains(format!("{name} WITH {exception}").as_str())
        }
        Some(name) => allowed.contains(name),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_evaluated() {
        let allowed = BTreeSet::from(["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]);
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "(GPL-3.0 OR MIT) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "Apache-2.0",
            "(MIT",
            "MIT GPL-3.0",
            "",
        ] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn comments_in_the_list_are_ignored() {
        let rules =
            "[licenses]\nallow = [\n  \"MIT\", # not \"this\"\n  \"ISC\",\n]\nother = [\"X\"]\n";
        assert_eq!(quoted(rules, "allow = ["), BTreeSet::from(["MIT", "ISC"]));
    }
}
