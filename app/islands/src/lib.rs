//! The parts of pages that move: the only code that is compiled for the browser.
//!
//! A page is rendered by the server and works without scripts. Two kinds of
//! code add to it:
//!
//! - **Islands**: components with state of their own, such as the palette. The
//!   server renders them into the page together with their props, and
//!   the page's loader hydrates each where it stands.
//! - **Behaviours** ([`start`]): listeners on the whole page for what every page
//!   has, such as forms and relative times. They find their elements by
//!   attributes, so they also work for what a later answer of the server put
//!   into the page.

#![expect(
    unreachable_pub,
    reason = "the component macro writes `pub` for the parts of an island"
)]

mod clock;
mod copy;
mod filter;
mod form;
mod icon;
mod live;
mod page;
mod palette;
mod selection;
mod shortcuts;
mod theme_switch;
mod toast;

use wasm_bindgen::prelude::wasm_bindgen;

pub use clock::relative_text;
pub use copy::CopyButton;
pub use icon::{Glyph, Icon};
pub use live::{LiveNotice, Refresh, Watched};
pub use palette::{Command, Palette, Shortcut};
pub use theme_switch::ThemeSwitch;
pub use toast::Toast;

/// Form field that names the server function that the form calls.
pub const CALL_FIELD: &str = "call";

/// Request header of a form that a behaviour posts: the answer is to name the
/// address of the next page in [`NEXT_HEADER`] instead of redirecting to it.
pub const ENHANCED_HEADER: &str = "x-atrium-enhanced";

/// Response header with the address of the page that follows a form.
pub const NEXT_HEADER: &str = "x-atrium-next";

/// Prepares the page for its islands and installs the behaviours. The page's
/// loader calls it once, before it hydrates the islands.
#[wasm_bindgen]
pub fn start() {
    console_error_panic_hook::set_once();
    #[cfg(feature = "hydrate")]
    leptos::mount::hydrate_islands();
    form::install();
    filter::install();
    clock::install();
    live::install();
    selection::install();
    page::make_dialogs_modal();
}
