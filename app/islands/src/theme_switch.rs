//! The switch between the light, dark and system theme.

use domain::preferences::Theme;
use leptos::prelude::*;
use web_sys::{Headers, MouseEvent, RequestInit, UrlSearchParams};

use crate::{CALL_FIELD, ENHANCED_HEADER, Glyph, Icon, page};

/// Three buttons of one form. The theme changes at once; the server stores it.
#[island]
pub fn ThemeSwitch(
    current: Theme,
    /// Name of the server function that stores the theme.
    call: String,
) -> impl IntoView {
    let current = RwSignal::new(current);
    let call = StoredValue::new(call);
    let choose = move |event: MouseEvent, theme: Theme| {
        event.prevent_default();
        current.set(theme);
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-theme", theme.key());
        }
        leptos::task::spawn_local(store(call.get_value(), theme));
    };
    view! {
        <form method="post" class="theme-switch">
            <input type="hidden" name=CALL_FIELD value=call.get_value() />
            {Theme::ALL
                .iter()
                .map(|&theme| {
                    let icon = match theme {
                        Theme::System => Icon::Monitor,
                        Theme::Light => Icon::Sun,
                        Theme::Dark => Icon::Moon,
                    };
                    let label = format!("Theme: {}", theme.label().to_lowercase());
                    view! {
                        <button
                            type="submit"
                            name="theme"
                            value=theme.key()
                            class="icon-button"
                            title=label.clone()
                            aria-label=label
                            aria-pressed=move || if current.get() == theme { "true" } else { "false" }
                            on:click=move |event| choose(event, theme)
                        >
                            <Glyph icon=icon />
                        </button>
                    }
                })
                .collect_view()}
        </form>
    }
}

/// Posts the choice to this page. Without a connection it lasts until the next
/// page.
async fn store(call: String, theme: Theme) {
    let (Ok(headers), Ok(fields)) = (Headers::new(), UrlSearchParams::new()) else {
        return;
    };
    let _ = headers.append(ENHANCED_HEADER, "1");
    fields.append(CALL_FIELD, &call);
    fields.append("theme", theme.key());
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_headers(&headers);
    request.set_body(&fields);
    // Also if the page is left at once.
    let _ = js_sys::Reflect::set(&request, &"keepalive".into(), &true.into());
    let _ = page::fetch(window().fetch_with_str_and_init(&page::current_url(), &request)).await;
}
