//! SQL is checked at compile time and its values are bound. What is put together
//! at run time is marked by `AssertSqlSafe`, the only way for a text that is not
//! a literal, and each such place is listed here with the reason.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The file, how often it does, and from what its SQL is made.
const LISTED: &[(&str, usize, &str)] = &[
    (
        "crates/store/src/catalogue/mod.rs",
        1,
        "the rules, which are constants",
    ),
    (
        "crates/store/src/isolation.rs",
        2,
        "names from the catalogue and ids",
    ),
    (
        "crates/store/src/migrate.rs",
        1,
        "role names: constants, and a login that is quoted",
    ),
    (
        "crates/store/src/provision.rs",
        3,
        "the database and logins, quoted; for the operator's own server",
    ),
];

/// Folders whose programs serve people. The bench and tests do not.
const FOLDERS: [&str; 3] = ["app", "crates", "server"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            // `testing` is a feature that no release has.
            if !matches!(
                name.as_str(),
                "tests" | "testing" | "target" | "node_modules"
            ) {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|is| is == "rs")
            && !matches!(name.as_str(), "tests.rs" | "testing.rs")
        {
            found.push(path);
        }
    }
}

#[test]
fn every_statement_made_at_run_time_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap();
    let mut files = Vec::new();
    for folder in FOLDERS {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 100, "the sources are looked at");
    let mut found = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let uses = text.matches("AssertSqlSafe(").count();
        if uses > 0 {
            let file = file
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.insert(file, uses);
        }
    }
    let listed: BTreeMap<_, _> = LISTED
        .iter()
        .map(|(file, uses, _)| ((*file).to_owned(), *uses))
        .collect();
    assert_eq!(
        found, listed,
        "bind values instead, or list the place with its reason"
    );
}
