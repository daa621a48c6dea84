//! The browser's half: wakes the page that the server rendered.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called once by the page's module script, when everything is loaded.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
    app::mark_hydrated();
}
