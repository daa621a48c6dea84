//! The parts around every page: layout, navigation, commands and shortcuts.

mod commands;
mod layout;
mod nav;

pub(crate) use layout::{DemoBanner, Layout};
pub(crate) use nav::{Group, NavItem};
