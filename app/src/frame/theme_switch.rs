//! The switch between the light, dark and system theme.

use domain::preferences::Theme;
use leptos::prelude::*;

use crate::{
    forms::{FormState, PostForm},
    preferences::ThemeSet,
    start::Page,
    ui::{Glyph, Icon},
};

/// Three buttons of one form.
#[component]
pub(crate) fn ThemeSwitch() -> impl IntoView {
    let page = Page::get();
    let current = page.theme;
    let state = FormState::<ThemeSet>::new();
    Effect::new(move |_| {
        if let Some(Ok(theme)) = state.action.value().get() {
            page.show_theme(theme);
        }
    });
    view! {
        <PostForm state=state class="theme-switch">
            {Theme::ALL
                .iter()
                .map(|&theme| {
                    let icon = match theme {
                        Theme::System => Icon::Monitor,
                        Theme::Light => Icon::Sun,
                        Theme::Dark => Icon::Moon,
                    };
                    let label = format!("Colours: {}", theme.label().to_lowercase());
                    view! {
                        <button
                            type="submit"
                            name="theme"
                            value=theme.key()
                            class="icon-button"
                            title=label.clone()
                            aria-label=label
                            aria-pressed=move || if current.get() == theme { "true" } else { "false" }
                        >
                            <Glyph icon=icon />
                        </button>
                    }
                })
                .collect_view()}
        </PostForm>
    }
}
