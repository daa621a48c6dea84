//! The built browser bundle: hashed names, precompressed, cached for good.

use std::{
    fs,
    path::{Path, PathBuf},
};

use app::Assets;
use axum::{
    Router,
    http::HeaderValue,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    routing::get,
};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

/// The mark: a roof over an open court.
const ICON: &str = include_str!("../../style/icon.svg");

/// The folder that `cargo xtask` builds: `manifest.json` and `pkg/`.
#[derive(Clone, Debug)]
pub struct Bundle {
    folder: PathBuf,
    /// Where the page's own files are.
    pub assets: Assets,
}

/// A folder that holds no bundle.
#[derive(Debug, thiserror::Error)]
#[error("The pages' files are not in {}: {cause}. Build them with `cargo xtask serve`, or set ATRIUM_SITE_DIR.", folder.display())]
pub struct NoBundle {
    folder: PathBuf,
    cause: String,
}

impl Bundle {
    /// Reads the folder's manifest.
    ///
    /// # Errors
    /// When it isn't there or names files that aren't.
    pub fn load(folder: &Path) -> Result<Self, NoBundle> {
        let missing = |cause: String| NoBundle {
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

    /// Serves `/pkg/…`. A name holds its file's hash, so a browser that has
    /// it never asks again.
    pub fn routes(&self) -> Router {
        let files = ServeDir::new(self.folder.join("pkg"))
            .precompressed_br()
            .precompressed_gzip();
        let cache = HeaderValue::from_static("public, max-age=31536000, immutable");
        let icon_headers = [
            (CONTENT_TYPE, "image/svg+xml"),
            (CACHE_CONTROL, "public, max-age=86400"),
        ];
        Router::new()
            .route(
                "/favicon.ico",
                get(move || async move { (icon_headers, ICON) }),
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
