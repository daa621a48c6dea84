//! The title of the browser tab.

use leptos::prelude::*;

/// Sets the title of the browser tab: the page, then the product. Every page's
/// title goes through here. `leptos_meta` (0.8.7) puts its text into the
/// `<title>` unescaped, where `</title>` would end the element and the rest would
/// be markup.
#[component]
pub(crate) fn PageTitle(#[prop(into)] mut text: String) -> impl IntoView {
    text.push_str(" · Atrium");
    text = escape_text(text);
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place, with the text escaped"
    )]
    let title = view! { <leptos_meta::Title text=text /> };
    title
}

/// Escapes text for the inner HTML of an element with escapable raw text,
/// `<title>` and `<textarea>` (HTML standard, 13.1.2): only `&` and `<` have a
/// meaning in it.
pub(super) fn escape_text(text: String) -> String {
    if text.contains(['&', '<']) {
        text.replace('&', "&amp;").replace('<', "&lt;")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::escape_text;

    #[test]
    fn nothing_in_a_title_is_markup() {
        let html = |text: &str| escape_text(text.to_owned());
        assert_eq!(html("Tea at 4 \"sharp\""), "Tea at 4 \"sharp\"");
        assert_eq!(html("</title><form>&amp;"), "&lt;/title>&lt;form>&amp;amp;");
    }
}
