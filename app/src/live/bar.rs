//! What tells that a page is not the newest any more.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::ui::{Glyph, Icon};

/// A quiet bar with `text` while there is one, and the button that shows what
/// is new. Its place is there from the start, because what appears with its
/// text is often not read out.
#[component]
pub(crate) fn LiveBar(
    /// What there is to say.
    text: Signal<Option<String>>,
    /// Shows what is new; without it there is nothing to be done.
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
                                {show.map(|show| view! { <Show show=show /> })}
                            </div>
                        }
                    })
            }}
        </div>
    }
}

#[component]
fn Show(show: Callback<()>) -> impl IntoView {
    let click = move |_| {
        // The button goes; who used the keyboard stays on the page.
        let main = document().get_element_by_id("main");
        if let Some(main) = main.and_then(|main| main.dyn_into::<HtmlElement>().ok()) {
            let _ = main.focus();
        }
        show.run(());
    };
    view! { <button type="button" class="button" on:click=click>"Show"</button> }
}
