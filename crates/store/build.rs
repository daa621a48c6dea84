//! Lists the files of `schema/` for `schema.rs`, and rebuilds the crate when
//! they or the migrations change.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=../../migrations");
    println!("cargo::rerun-if-changed=../../schema");

    let root = Path::new("../../schema").canonicalize()?;
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    let mut entries: Vec<String> = files
        .iter()
        .filter_map(|file| {
            let path = file.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/");
            let file = file.to_str()?;
            // The whole schema, generated.
            (path != "current.sql")
                .then(|| format!("SchemaFile {{ path: {path:?}, sql: include_str!({file:?}) }},\n"))
        })
        .collect();
    entries.sort();
    let list = format!("&[\n{}]\n", entries.concat());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("schema_files.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    Ok(())
}
