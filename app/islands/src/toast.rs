//! Flash messages: the result of the last operation, shown on the next page.

use std::time::Duration;

use domain::MemoryId;
use leptos::{html, prelude::*};
use web_sys::HtmlDivElement;

use crate::{CALL_FIELD, Glyph, Icon, page};

/// Names in the query of a page that shows a flash.
const FLASH_FIELDS: [&str; 2] = ["done", "memory"];

/// A flash message, inside the live region of the page.
#[island]
pub fn Toast(
    text: String,
    is_notice: bool,
    /// The memory whose deletion can be undone, and the server function that
    /// does it.
    undo: Option<(MemoryId, String)>,
) -> impl IntoView {
    let is_shown = RwSignal::new(true);
    let toast = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        forget_flash();
        set_timeout(
            move || announce(toast.get_untracked()),
            Duration::from_millis(100),
        );
    });
    let icon = if is_notice { Icon::Info } else { Icon::Success };
    view! {
        <div class="toast" node_ref=toast hidden=move || !is_shown.get()>
            <Glyph icon=icon />
            <p>{text}</p>
            {undo.map(|(id, call)| view! {
                <form method="post" class="inline-form">
                    <input type="hidden" name=CALL_FIELD value=call />
                    <input type="hidden" name="id" value=id.to_string() />
                    <button type="submit" class="button button-quiet">
                        <Glyph icon=Icon::Undo />
                        "Undo"
                    </button>
                </form>
            })}
            <button
                type="button"
                class="icon-button needs-script"
                aria-label="Dismiss"
                on:click=move |_| is_shown.set(false)
            >
                <Glyph icon=Icon::Close />
            </button>
        </div>
    }
}

/// Inserts the toast again: a live region is read out when something is added
/// to it after page load.
fn announce(toast: Option<HtmlDivElement>) {
    if let Some(toast) = toast
        && let Some(region) = toast.parent_node()
    {
        let _ = region.append_child(&toast);
    }
}

/// Removes the flash from the address bar, so that a reload or a shared link
/// does not repeat it.
fn forget_flash() {
    let url = page::current_url();
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let kept: Vec<_> = query
        .split('&')
        .filter(|field| {
            let name = field.split('=').next().unwrap_or_default();
            !field.is_empty() && !FLASH_FIELDS.contains(&name)
        })
        .collect();
    if kept.is_empty() {
        page::set_url(path);
    } else {
        page::set_url(&format!("{path}?{}", kept.join("&")));
    }
}
