//! Setup instructions for AI clients.

mod api;
mod page;
mod setup;

pub(crate) use api::connect_get;
pub(crate) use page::ConnectPage;
pub(crate) use setup::Setups;
