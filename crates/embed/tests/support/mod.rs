//! Locates the model for tests and the bench. The including crate must have
//! `Model`, `OpenError` and `MODEL_ID` in its root.

use std::path::PathBuf;

use crate::{MODEL_ID, Model, OpenError};

/// `ATRIUM_MODEL_DIR`, or the folder where `cargo xtask` puts the model.
pub(crate) fn model_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("ATRIUM_MODEL_DIR") {
        return dir.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || std::env::home_dir().expect("a home folder").join(".cache"),
        PathBuf::from,
    );
    cache.join("atrium").join(MODEL_ID)
}

/// Opens the model; if it is missing, the panic says how to get it.
pub(crate) fn model() -> Model {
    match Model::open(&model_dir()) {
        Ok(model) => model,
        Err(error @ OpenError::Missing { .. }) => {
            panic!("run `cargo xtask test`, which fetches the model: {error}")
        }
        Err(error) => panic!("{error}"),
    }
}
