//! Flash messages, in a live region that exists from page load.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::{
    flash::Flash,
    forms::{FormState, PostForm},
    memory::MemoryRestore,
    ui::{Glyph, Icon, Query, query_string, use_query},
};

/// Shows the flash in the page's query.
#[component]
pub(crate) fn Toasts() -> impl IntoView {
    let query = use_query();
    let flash = Memo::new(move |_| query.with(Flash::from_query));
    let dismissed = RwSignal::new(false);
    let location = use_location();
    // The next page, or the same operation once more, shows it again. The
    // address bar drops it, so that a reload or a shared link does not repeat
    // it.
    Effect::new(move |_| {
        location.search.track();
        dismissed.set(false);
        if flash.with(Option::is_some) {
            forget_flash(
                &location.pathname.get_untracked(),
                &location.search.get_untracked(),
            );
        }
    });
    view! {
        <div class="toasts" role="status" aria-live="polite">
            {move || {
                flash.get().filter(|_| !dismissed.get()).map(|flash| {
                    let undo = flash.deleted_memory().map(|id| view! { <Undo id=id.to_string() /> });
                    view! {
                        <div class="toast">
                            <Glyph icon=if flash == Flash::IMPORT_DUPLICATE { Icon::Info } else { Icon::Success } />
                            <p>{flash.sentence()}</p>
                            {undo}
                            <button
                                type="button"
                                class="icon-button needs-script"
                                aria-label="Dismiss"
                                on:click=move |_| dismissed.set(true)
                            >
                                <Glyph icon=Icon::Close />
                            </button>
                        </div>
                    }
                })
            }}
        </div>
    }
}

#[component]
fn Undo(id: String) -> impl IntoView {
    let restore = FormState::<MemoryRestore>::new();
    view! {
        <PostForm state=restore class="inline-form">
            <input type="hidden" name="id" value=id />
            <button type="submit" class="button button-quiet">
                <Glyph icon=Icon::Undo />
                "Undo"
            </button>
        </PostForm>
    }
}

fn forget_flash(path: &str, search: &str) {
    let query = Query::parse(search);
    let remaining: Vec<_> = query
        .fields()
        .filter(|(name, _)| !matches!(*name, "done" | "memory"))
        .collect();
    let url = format!("{path}{}", query_string(&remaining));
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or_default();
        let _ = history.replace_state_with_url(&state, "", Some(&url));
    }
}
