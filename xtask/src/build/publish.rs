//! The folder of static files: hashed names, compressed copies, and a manifest
//! of the current files.

use super::compress::{brotli, gzip, is_compressible, sibling};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "manifest.json";

/// Folder, also in URLs, of files with hashed and therefore immutable names.
const HASHED: &str = "pkg";

/// URLs that a page refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// JavaScript module that starts the application.
    pub(crate) js: String,
    pub(crate) wasm: String,
    pub(crate) css: String,
}

impl Manifest {
    /// Reads the manifest of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(serde_json::from_str(&text)?)
    }
}

/// Writes files and finally removes all others.
pub(crate) struct Publisher {
    folder: PathBuf,
    release: bool,
    current: BTreeSet<PathBuf>,
}

impl Publisher {
    pub(crate) fn new(folder: &Path, release: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            release,
            current: BTreeSet::new(),
        }
    }

    /// True if files are to be as small as possible.
    pub(crate) fn is_release(&self) -> bool {
        self.release
    }

    /// Writes a file under a name with its content's hash; returns its URL.
    pub(crate) fn put_hashed(
        &mut self,
        stem: &str,
        extension: &str,
        content: &[u8],
    ) -> Result<String> {
        let name = format!("{HASHED}/{}", hashed_name(stem, extension, content));
        self.put(Path::new(&name), content)?;
        Ok(format!("/{name}"))
    }

    /// Writes a file that hashed files import by a relative path.
    pub(crate) fn put_beside_hashed(&mut self, name: &Path, content: &[u8]) -> Result<()> {
        self.put(&Path::new(HASHED).join(name), content)
    }

    /// Writes a file and its compressed copies unless they are up to date.
    pub(crate) fn put(&mut self, name: &Path, content: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let siblings: &[&str] = if is_compressible(&path) {
            &["br", "gz"]
        } else {
            &[]
        };
        let is_current = fs::read(&path).is_ok_and(|old| old == content)
            && siblings
                .iter()
                .all(|ending| sibling(&path, ending).is_file());
        if !is_current {
            for ending in siblings {
                let packed = match *ending {
                    "br" => brotli(content, self.release)?,
                    _ => gzip(content, self.release)?,
                };
                write(&sibling(&path, ending), &packed)?;
            }
            // Last, so that the original never exists without its copies.
            write(&path, content)?;
        }
        self.keep(&path);
        Ok(())
    }

    /// Keeps a file of an earlier run. False if it or a copy is missing.
    pub(crate) fn keep_published(&mut self, address: &str) -> bool {
        let path = self.folder.join(address.trim_start_matches('/'));
        let complete = path.is_file()
            && (!is_compressible(&path)
                || ["br", "gz"]
                    .iter()
                    .all(|ending| sibling(&path, ending).is_file()));
        if complete {
            self.keep(&path);
        }
        complete
    }

    fn keep(&mut self, path: &Path) {
        self.current.insert(path.to_owned());
        self.current
            .extend(["br", "gz"].map(|ending| sibling(path, ending)));
    }

    /// Writes the manifest and removes files that are no longer current.
    pub(crate) fn finish(self, manifest: &Manifest) -> Result<()> {
        let path = self.folder.join(MANIFEST);
        write(&path, serde_json::to_string_pretty(manifest)?.as_bytes())?;
        for old in files_below(&self.folder)? {
            if old != path && !self.current.contains(&old) {
                fs::remove_file(&old)
                    .with_context(|| format!("cannot remove {}", old.display()))?;
            }
        }
        Ok(())
    }
}

/// A name such as `atrium-0123456789abcdef.js`.
fn hashed_name(stem: &str, extension: &str, content: &[u8]) -> String {
    format!("{stem}-{}.{extension}", &sha256(content)[..16])
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256(content: &[u8]) -> String {
    format!("{:x}", Sha256::digest(content))
}

/// All files below a folder, sorted; empty if the folder doesn't exist.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a file, creating missing folders.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, content))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(css: &str) -> Manifest {
        Manifest {
            js: "/pkg/a.js".into(),
            wasm: "/pkg/a.wasm".into(),
            css: css.into(),
        }
    }

    #[test]
    fn hashed_name_depends_on_content() {
        assert_eq!(
            hashed_name("atrium", "css", b"abc"),
            "atrium-ba7816bf8f01cfea.css"
        );
        assert_ne!(
            hashed_name("atrium", "css", b"abd"),
            "atrium-ba7816bf8f01cfea.css"
        );
    }

    #[test]
    fn old_files_are_removed_and_current_ones_not_rewritten() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Publisher::new(folder.path(), false);
        let old = first.put_hashed("atrium", "css", b"a{}").unwrap();
        first.put(Path::new("icons/icon.svg"), b"<svg/>").unwrap();
        first.finish(&manifest(&old)).unwrap();
        let icon = folder.path().join("icons/icon.svg");
        let written = fs::metadata(&icon).unwrap().modified().unwrap();

        let mut second = Publisher::new(folder.path(), false);
        let new = second.put_hashed("atrium", "css", b"b{}").unwrap();
        second.put(Path::new("icons/icon.svg"), b"<svg/>").unwrap();
        second.finish(&manifest(&new)).unwrap();

        let files = files_below(folder.path()).unwrap();
        let names: Vec<_> = files
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap())
            .collect();
        let css = new.trim_start_matches('/');
        assert_eq!(
            names,
            [
                "icons/icon.svg",
                "icons/icon.svg.br",
                "icons/icon.svg.gz",
                "manifest.json",
                css,
                &format!("{css}.br"),
                &format!("{css}.gz"),
            ]
        );
        assert_eq!(fs::metadata(&icon).unwrap().modified().unwrap(), written);
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest(&new));
    }

    #[test]
    fn published_file_without_its_copies_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut publisher = Publisher::new(folder.path(), false);
        let address = publisher.put_hashed("atrium", "js", b"1").unwrap();
        assert!(publisher.keep_published(&address));
        fs::remove_file(folder.path().join(format!("{}.br", &address[1..]))).unwrap();
        assert!(!publisher.keep_published(&address));
    }
}
