//! Importing memories from a file.

mod api;
mod page;
mod parts;
mod preview;
mod upload;

use domain::Permission;
use leptos::server_fn::ServerFn as _;
use leptos_router::path;

use crate::{
    feature::{Feature, page},
    flash::flashes,
    frame::NavItem,
    ui::Icon,
};

pub(crate) use parts::ImportTable;

pub(crate) const NAV: NavItem = NavItem {
    path: "/memories/import",
    name: "Import",
    icon: Icon::Upload,
    needs: Some(Permission::MemoryImport),
    key: 'i',
};

pub(crate) const FEATURE: Feature = Feature {
    pages: || {
        vec![
            page(path!("/memories/import"), upload::UploadPage),
            page(path!("/memories/imports/:id"), page::ImportPage),
        ]
    },
    forms: &[(
        "/memories/imports/:id",
        &[
            api::ImportConfirm::PATH,
            api::ImportDiscard::PATH,
            api::ImportCancel::PATH,
            api::ImportRetry::PATH,
        ],
    )],
    flashes: FLASHES,
};

flashes! {
    /// The same file was imported before; that import is shown instead.
    IMPORT_DUPLICATE = "import_duplicate", "You’ve already imported this file. This is its import.";
    /// The previewed file is being imported.
    IMPORT_STARTED = "import_started", "Import started.";
    /// The previewed file was discarded without importing it.
    IMPORT_DISCARDED = "import_discarded", "File discarded. Nothing was imported.";
    IMPORT_CANCELLED = "import_cancelled", "Import cancelled. Memories imported so far are kept.";
    IMPORT_RETRIED = "import_retried", "Import restarted.";
}
