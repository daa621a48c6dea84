//! Source patterns that are allowed only in listed places.

mod system_transactions;
mod unchecked_sql;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A file, the number of occurrences, and the reason.
type Listed = (&'static str, usize, &'static str);

/// Folders of production code. The bench and tests are not checked.
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

/// Fails unless exactly the `listed` files contain one of `texts`, as often as
/// listed.
fn assert_listed(texts: &[&str], listed: &[Listed], advice: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap();
    let mut files = Vec::new();
    for folder in FOLDERS {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 100, "too few sources were found");
    let mut found = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let uses: usize = texts
            .iter()
            .map(|sought| text.matches(sought).count())
            .sum();
        if uses > 0 {
            let file = file.strip_prefix(&root).unwrap();
            found.insert(file.to_str().unwrap().to_owned(), uses);
        }
    }
    let listed: BTreeMap<_, _> = listed
        .iter()
        .map(|(file, uses, _)| ((*file).to_owned(), *uses))
        .collect();
    assert_eq!(found, listed, "{advice}");
}
