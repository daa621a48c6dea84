//! The bar that says that a page is outdated.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::ui::{Glyph, Icon};

/// Shows `text` while there is one, with a button that loads the changes. The
/// container exists from the start, because screen readers often do not
/// announce a live region that appears together with its text.
#[component]
pub(crate) fn LiveBar(
    text: Signal<Option<String>>,
    /// Loads the changes; without it there is no button.
    #[prop(optional, into)]
    show: Option<Callback<()>>,
) -> impl IntoView {
    view! {
        <div class="live" role="status">
            {move || {
                text.get()
                    .map(|text| {
                        view! {
                            <div class="live-bar">
                                <Glyph icon=Icon::Info />
                                <p>{text}</p>
                                {show.map(|show| view! { <ShowButton show=show /> })}
                            </div>
                        }
                    })
            }}
        </div>
    }
}

#[component]
fn ShowButton(show: Callback<()>) -> impl IntoView {
    let click = move |_| {
        // The button disappears, so keep the keyboard focus on the page.
        let main = document().get_element_by_id("main");
        if let Some(main) = main.and_then(|main| main.dyn_into::<HtmlElement>().ok()) {
            let _ = main.focus();
        }
        show.run(());
    };
    view! { <button type="button" class="button" on:click=click>"Show"</button> }
}
