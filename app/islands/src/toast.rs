//! Flash messages: the result of the last operation, shown on the next page.

use std::time::Duration;

use domain::MemoryId;
use leptos::{html, prelude::*};
use web_sys::HtmlDivElement;

use crate::{CALL_FIELD, Glyph, Icon, page};

/// Names in the query of a page that shows a flash.
const FLASH_FIELDS: [&str; 2] = ["done", "memory"];

/// Time until a message is hidden.
const DURATION: Duration = Duration::from_secs(8);
/// Time until a message with an Undo button is hidden.
const UNDO_DURATION: Duration = Duration::from_secs(20);

/// A flash message, inside the live region of the page. It leaves by itself;
/// without scripts it stays.
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
    let duration = if undo.is_some() {
        UNDO_DURATION
    } else {
        DURATION
    };
    Effect::new(move |_| {
        forget_flash();
        hide_after(duration, toast, is_shown);
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

/// Hides the toast, but not while somebody points at it, has the focus in it or
/// looks at another tab: it then stays for the whole duration again.
fn hide_after(duration: Duration, toast: NodeRef<html::Div>, is_shown: RwSignal<bool>) {
    let hide = move || {
        let element = toast.try_get_untracked().flatten();
        // The page may have been replaced meanwhile.
        let Some(element) = element.filter(|element| element.is_connected()) else {
            return;
        };
        let is_in_use = element.matches(":hover, :focus-within");
        if is_in_use.unwrap_or_default() || document().hidden() {
            hide_after(duration, toast, is_shown);
        } else {
            is_shown.set(false);
        }
    };
    set_timeout(hide, duration);
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
