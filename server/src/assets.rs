//! Serves the built browser bundle: hashed names, precompressed, immutable.

use std::{
    fs,
    path::{Path, PathBuf},
};

use app::Assets;
use axum::{
    Router,
    http::{HeaderMap, HeaderValue, header::CACHE_CONTROL},
    routing::get,
};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use crate::http::Fixed;

/// The logo, a roof over an open court.
const ICON: &str = include_str!("../../style/icon.svg");

/// The folder built by `cargo xtask`: `manifest.json` and `pkg/`.
#[derive(Clone, Debug)]
pub struct Bundle {
    folder: PathBuf,
    /// URLs of the files that pages refer to.
    pub assets: Assets,
}

/// A folder without a complete bundle.
#[derive(Debug, thiserror::Error)]
#[error("The pages' files are not in {}: {cause}. Build them with `cargo xtask serve`, or set ATRIUM_SITE_DIR.", folder.display())]
pub struct BundleError {
    folder: PathBuf,
    cause: String,
}

impl Bundle {
    /// Reads the folder's manifest.
    ///
    /// # Errors
    /// If the manifest or a file that it names is missing.
    pub fn load(folder: &Path) -> Result<Self, BundleError> {
        let missing = |cause: String| BundleError {
            folder: folder.to_owned(),
            cause,
        };
        let manifest = fs::read_to_string(folder.join("manifest.json"))
            .map_err(|error| missing(format!("manifest.json: {error}")))?;
        let assets: Assets = serde_json::from_str(&manifest)
            .map_err(|error| missing(format!("manifest.json: {error}")))?;
        for file in [&assets.js, &assets.wasm, &assets.css] {
            if !folder.join(file.trim_start_matches('/')).is_file() {
                return Err(missing(format!("{file} is missing")));
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            assets,
        })
    }

    /// Serves `/pkg/…` and the icon. Names contain a hash of the content, so
    /// browsers may cache files forever.
    pub fn routes(&self) -> Router {
        let files = ServeDir::new(self.folder.join("pkg"))
            .precompressed_br()
            .precompressed_gzip();
        let cache = HeaderValue::from_static("public, max-age=31536000, immutable");
        let icon = Fixed::new(ICON, "image/svg+xml", "public, max-age=86400");
        Router::new()
            .route(
                "/favicon.ico",
                get(move |headers: HeaderMap| async move { icon.answer(&headers) }),
            )
            .nest_service("/pkg", files)
            .layer(SetResponseHeaderLayer::if_not_present(
                CACHE_CONTROL,
                move |response: &axum::response::Response| {
                    response.status().is_success().then(|| cache.clone())
                },
            ))
    }
}
