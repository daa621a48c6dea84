//! The product's own router, with the hostile issuer.

use std::{collections::BTreeMap, path::PathBuf};

use axum::Router;
use domain::access::SystemRole;
use server::{
    assets::Bundle,
    config::{Config, Oidc},
    health::Readiness,
    routes,
};

use super::{
    App, ORIGIN, ctx,
    issuer::{CLIENT_ID, CLIENT_SECRET},
};

/// A folder with the empty files of a bundle, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let unique: uuid::Uuid = store::testing::id();
        let folder = std::env::temp_dir().join(format!("atrium-site-{unique}"));
        std::fs::create_dir_all(folder.join("pkg")).unwrap();
        for file in ["a.js", "a.wasm", "a.css"] {
            std::fs::write(folder.join("pkg").join(file), "").unwrap();
        }
        let manifest = r#"{"js":"/pkg/a.js","wasm":"/pkg/a.wasm","css":"/pkg/a.css"}"#;
        std::fs::write(folder.join("manifest.json"), manifest).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The product's own router; new people become owners.
pub(crate) fn product(app: &App) -> Router {
    product_with(app, |_| {})
}

/// The same with some settings changed.
pub(crate) fn product_with(app: &App, change: impl FnOnce(&mut Config)) -> Router {
    let mut config = Config {
        public_url: Some(ORIGIN.parse().unwrap()),
        master_key: Some(
            "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="
                .to_owned()
                .into(),
        ),
        oidc: Some(Oidc {
            issuer: app.issuer.url.clone(),
            client_id: CLIENT_ID.into(),
            client_secret: Some(CLIENT_SECRET.to_owned().into()),
            scopes: None,
            default_role: Some(SystemRole::Owner),
            tenants: Vec::new(),
            graph_url: None,
            label: None,
            kind: None,
            directories: BTreeMap::new(),
        }),
        sign_in_starts_per_minute: 1_000,
        sign_in_failures_per_minute: 1_000,
        page_calls_per_minute: 100_000,
        ..Config::default()
    };
    change(&mut config);
    let folder = Folder::new();
    let bundle = Bundle::load(&folder.0).unwrap();
    let readiness = Readiness {
        store: app.db.store.clone(),
        cluster: None,
    };
    routes::router(
        &config,
        &ctx(&app.db, app.clock.clock()),
        &bundle,
        readiness,
        None,
    )
    .unwrap()
}
