//! Checks that every shipped crate has a licence that `deny.toml` allows.

use crate::command::{output, print_status};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};
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
    let allowed = quoted(&rules, "allow = [")
        .into_iter()
        .map(Licensee::parse)
        .collect::<Result<Vec<_>, _>>()
        .context("deny.toml has an unknown licence")?;
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

/// True if a licence expression can be satisfied by allowed licences alone.
fn is_allowed(expression: &str, allowed: &[Licensee]) -> bool {
    Expression::parse_mode(expression, ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|required| allowed.iter().any(|licence| licence.satisfies(required)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_evaluated() {
        let allowed = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]
            .map(|licence| Licensee::parse(licence).unwrap());
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
