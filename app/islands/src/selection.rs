//! Selection of rows: a checkbox for all of them, and their number.

use leptos::wasm_bindgen::JsCast as _;
use web_sys::{Element, Event, HtmlInputElement};

use crate::page;

/// Listens for checkboxes in forms of lists.
pub(crate) fn install() {
    page::listen("change", on_change);
}

fn on_change(event: &Event) {
    let changed = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
    let Some(changed) = changed else {
        return;
    };
    let Ok(Some(form)) = changed.closest("form.bulk") else {
        return;
    };
    let rows = checkboxes(&form, "input[name=ids]");
    let all = checkboxes(&form, "input[data-select-all]");
    if changed.has_attribute("data-select-all") {
        for row in &rows {
            row.set_checked(changed.checked());
        }
    }
    let count = rows.iter().filter(|row| row.checked()).count();
    for all in all {
        all.set_checked(count == rows.len());
        all.set_indeterminate(count > 0 && count < rows.len());
    }
    if let Ok(Some(status)) = form.query_selector("[data-selected-count]") {
        let text = match count {
            0 => "None selected".to_owned(),
            _ => format!("{count} selected"),
        };
        status.set_text_content(Some(&text));
    }
}

fn checkboxes(form: &Element, selector: &str) -> Vec<HtmlInputElement> {
    let found = page::select(form, selector).into_iter();
    found
        .filter_map(|element| element.dyn_into().ok())
        .collect()
}
