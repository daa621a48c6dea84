//! `cargo xtask prepare`: updates the data with which `query!` is checked
//! without a database.

use crate::cluster::Throwaway;
use crate::command::{output, print_status, run};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

/// The only crate with SQL.
const CRATE: &str = "crates/store";

/// Compiles the store against a database with the whole schema and updates the
/// committed query data. With `check`, only compares.
pub(crate) fn prepare(project: &Project, check: bool) -> Result<ExitCode> {
    let committed = project.root.join(CRATE).join(".sqlx");
    let fresh = project.target.join("xtask/sqlx");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh)?;
    describe_queries(project, &fresh)?;

    let difference = Difference::between(&read(&committed)?, &read(&fresh)?);
    if difference.is_none() {
        print_status("query data is current");
        return Ok(ExitCode::SUCCESS);
    }
    if check {
        bail!(
            "crates/store/.sqlx is not current ({difference}): run `cargo xtask prepare` and commit it"
        );
    }
    fs::create_dir_all(&committed)?;
    for name in &difference.removed {
        fs::remove_file(committed.join(name))?;
    }
    for name in difference.added.iter().chain(&difference.changed) {
        fs::copy(fresh.join(name), committed.join(name))?;
    }
    print_status(&format!("query data renewed: {difference}"));
    Ok(ExitCode::SUCCESS)
}

fn describe_queries(project: &Project, target: &Path) -> Result<()> {
    let cluster = Throwaway::start(project)?;
    let url = cluster.url()?;
    let mut psql = Command::new(cluster.binaries.program("psql"));
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", &url]);
    for migration in migrations(&project.root)? {
        psql.arg("--file").arg(migration);
    }
    output(&mut psql).context("the migrations could not be applied")?;
    let mut psql = Command::new(cluster.binaries.program("psql"));
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--single-transaction",
        &url,
    ]);
    for file in schema_files(&project.root)? {
        psql.arg("--file").arg(file);
    }
    output(&mut psql).context("the schema files could not be applied")?;

    // The macros write query data only on expansion, so force a compilation.
    touch(&project.root.join(CRATE).join("src/lib.rs"))?;
    run(project
        .cargo(["check", "--quiet", "--package", "store", "--all-targets"])
        .env("DATABASE_URL", &url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", target))
}

fn migrations(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join("migrations");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.to_string_lossy().ends_with(".up.sql"))
        .collect();
    files.sort();
    Ok(files)
}

/// The files of `schema/` in the order in which the store applies them.
fn schema_files(root: &Path) -> Result<Vec<PathBuf>> {
    let root = root.join("schema");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql")
                && path != root.join("current.sql")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a file's modification time is the real time"
)]
fn touch(file: &Path) -> Result<()> {
    File::options()
        .append(true)
        .open(file)
        .and_then(|file| file.set_modified(SystemTime::now()))
        .with_context(|| format!("cannot touch {}", file.display()))
}

type Files = BTreeMap<String, Vec<u8>>;

fn read(folder: &Path) -> Result<Files> {
    if !folder.exists() {
        return Ok(Files::new());
    }
    fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            Ok((
                entry.file_name().to_string_lossy().into_owned(),
                fs::read(entry.path())?,
            ))
        })
        .filter(|file| {
            file.as_ref()
                .map_or(true, |(name, _)| name.starts_with("query-"))
        })
        .collect()
}

/// File names that differ in the committed data.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

impl Difference {
    fn between(committed: &Files, fresh: &Files) -> Self {
        let mut difference = Self::default();
        for (name, content) in fresh {
            match committed.get(name) {
                None => difference.added.push(name.clone()),
                Some(old) if old != content => difference.changed.push(name.clone()),
                Some(_) => {}
            }
        }
        let removed_names = committed.keys().filter(|name| !fresh.contains_key(*name));
        difference.removed.extend(removed_names.cloned());
        difference
    }

    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            added,
            changed,
            removed,
        } = self;
        write!(
            f,
            "{} new, {} changed, {} gone",
            added.len(),
            changed.len(),
            removed.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(entries: &[(&str, &str)]) -> Files {
        entries
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn difference_counts_new_changed_and_removed_queries() {
        let committed = files(&[("query-a", "1"), ("query-b", "1"), ("query-c", "1")]);
        let fresh = files(&[("query-a", "1"), ("query-b", "2"), ("query-d", "1")]);
        let difference = Difference::between(&committed, &fresh);
        assert_eq!(difference.to_string(), "1 new, 1 changed, 1 gone");
        assert_eq!(difference.removed, ["query-c"]);
        assert!(Difference::between(&fresh, &fresh).is_none());
    }

    #[test]
    fn only_up_migrations_are_applied_in_order() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("migrations")).unwrap();
        for name in [
            "0002_b.up.sql",
            "0001_a.down.sql",
            "0001_a.up.sql",
            "README.md",
        ] {
            fs::write(root.path().join("migrations").join(name), "").unwrap();
        }
        let names = migrations(root.path()).unwrap();
        let names: Vec<_> = names
            .iter()
            .filter_map(|path| path.file_name()?.to_str())
            .collect();
        assert_eq!(names, ["0001_a.up.sql", "0002_b.up.sql"]);
    }

    #[test]
    fn schema_files_are_applied_by_path_without_the_generated_one() {
        let root = tempfile::tempdir().unwrap();
        let schema = root.path().join("schema");
        for folder in ["functions", "policies"] {
            fs::create_dir_all(schema.join(folder)).unwrap();
        }
        for name in [
            "README.md",
            "clear.sql",
            "current.sql",
            "functions/_helpers.sql",
            "functions/note.sql",
            "policies/note.sql",
            "prune.sql",
        ] {
            fs::write(schema.join(name), "").unwrap();
        }
        let files = schema_files(root.path()).unwrap();
        let names: Vec<_> = files
            .iter()
            .filter_map(|path| path.strip_prefix(&schema).ok()?.to_str())
            .collect();
        assert_eq!(
            names,
            [
                "clear.sql",
                "functions/_helpers.sql",
                "functions/note.sql",
                "policies/note.sql",
                "prune.sql"
            ]
        );
    }
}
