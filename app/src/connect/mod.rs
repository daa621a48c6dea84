//! How AI clients are connected: what to paste where.

mod api;
mod page;
mod setup;

pub(crate) use api::connect_get;
pub(crate) use page::ConnectPage;
pub(crate) use setup::Setups;
