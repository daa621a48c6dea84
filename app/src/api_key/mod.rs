//! API keys: one's own, everybody's, and those of agents and services.

mod api;
mod list;
mod new;
mod page;
mod parts;
mod services;

pub(crate) use list::KeyListPage;
pub(crate) use new::KeyNewPage;
pub(crate) use page::KeyPage;
pub(crate) use parts::{StateBadge, TimeOr};
pub(crate) use services::{ServiceNewPage, ServicesPage};
