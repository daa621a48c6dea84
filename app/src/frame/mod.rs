//! The parts around every page: layout, navigation, palette, shortcuts and
//! flash messages.

mod layout;
mod nav;
mod palette;
mod shortcuts;
mod theme_switch;
mod toast;

pub(crate) use layout::{DemoBanner, Layout};
pub(crate) use nav::{Group, NavItem};
