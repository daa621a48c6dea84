//! Atrium's web pages, rendered on the server only. What moves in the browser
//! is in the crate `islands`.
//!
//! One folder per feature: `page.rs` (what a route renders), `api.rs` (server
//! functions of a few lines that call the service) and `parts.rs` (shared
//! components). `ui` holds components without data access, `frame` the layout,
//! navigation and toasts; `forms` makes every form work without JavaScript too.
#![expect(
    unreachable_pub,
    reason = "the component macro writes `pub` for each component's parts"
)]

mod api;
mod api_key;
mod audit;
mod break_glass;
mod clock;
mod connect;
mod embedding_model;
mod feature;
mod features;
mod flash;
mod format;
mod forms;
mod frame;
mod group_mapping;
mod import;
mod invite;
mod isolation;
mod member;
mod memory;
mod no_access;
mod notification;
mod operator;
mod organisation;
mod overview;
mod persona;
mod preferences;
mod profile;
mod proposal;
mod reference;
mod role;
mod routes;
mod settings;
mod shell;
mod sign_in;
mod start;
mod team;
mod ui;

pub use flash::Flash;
pub use forms::with_page_posts;
pub use routes::App;
pub use shell::{Assets, shell};
pub use start::{AppInfo, LoginOption};
