//! Filters live in the URL: GET forms, which work without scripts. These
//! behaviours keep empty fields out of the URL, filter when a choice is made,
//! and search as one types.

use std::{cell::RefCell, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, wasm_bindgen::JsCast as _};
use web_sys::{
    Element, Event, FormData, HtmlFormElement, HtmlInputElement, HtmlSelectElement, UrlSearchParams,
};

use crate::page::{self, Loaded};

/// Pause in typing after which the search starts.
const PAUSE: Duration = Duration::from_millis(250);

/// Key in `sessionStorage` of the id of the field that had the focus.
const STORAGE_KEY: &str = "atrium.filter";

thread_local! {
    static TIMER: RefCell<Option<TimeoutHandle>> = const { RefCell::new(None) };
}

/// Listens for filter forms.
pub(crate) fn install() {
    page::listen("formdata", leave_out_empty);
    page::listen("change", on_change);
    page::listen("input", on_input);
    page::listen("submit", on_submit);
    restore_focus();
}

/// The filter form that an event belongs to.
fn filter_form(event: &Event) -> Option<HtmlFormElement> {
    let field: Element = event.target()?.dyn_into().ok()?;
    let form = field.closest("form[role=search]").ok()??;
    form.dyn_into().ok()
}

/// Removes empty fields from a form's data, also from data that this module
/// collects.
fn leave_out_empty(event: &Event) {
    let data = js_sys::Reflect::get(event, &"formData".into()).ok();
    let data = data.and_then(|data| data.dyn_into::<FormData>().ok());
    let (Some(form), Some(data)) = (filter_form(event), data) else {
        return;
    };
    for field in page::select(&form, "input[name], select[name]") {
        let name = field.get_attribute("name").unwrap_or_default();
        let value = data.get(&name).as_string();
        if value.is_some_and(|value| value.is_empty()) {
            data.delete(&name);
        }
    }
}

/// A select filters at once; text waits for its button or the return key.
fn on_change(event: &Event) {
    let Some(form) = filter_form(event) else {
        return;
    };
    let select = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
    if select.is_some() {
        let _ = form.request_submit();
    }
}

/// Remembers the field that has the focus, for the page with the results.
fn on_submit(event: &Event) {
    stop_timer();
    let is_filter = event
        .target()
        .and_then(|form| form.dyn_into::<Element>().ok())
        .is_some_and(|form| form.matches("form[role=search]").unwrap_or_default());
    if let (true, Some(field), Ok(Some(storage))) = (
        is_filter,
        document().active_element(),
        window().session_storage(),
    ) {
        let _ = storage.set_item(STORAGE_KEY, &field.id());
    }
}

/// Returns the focus to the field with which the previous page was filtered.
fn restore_focus() {
    let Ok(Some(storage)) = window().session_storage() else {
        return;
    };
    let Ok(Some(id)) = storage.get_item(STORAGE_KEY) else {
        return;
    };
    let _ = storage.remove_item(STORAGE_KEY);
    if let Some(field) = document().get_element_by_id(&id) {
        page::focus(&field);
        if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
            let end = u32::try_from(input.value().encode_utf16().count()).unwrap_or(u32::MAX);
            let _ = input.set_selection_range(end, end);
        }
    }
}

/// Searches after a pause in typing, in forms that name the regions with the
/// results.
fn on_input(event: &Event) {
    let input = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
    let (Some(form), Some(input)) = (filter_form(event), input) else {
        return;
    };
    let Some(regions) = form.get_attribute("data-results") else {
        return;
    };
    if input.type_() != "search" {
        return;
    }
    stop_timer();
    let search = move || leptos::task::spawn_local(search(form, regions));
    let timer = set_timeout_with_handle(search, PAUSE).ok();
    TIMER.with(|current| *current.borrow_mut() = timer);
}

fn stop_timer() {
    if let Some(timer) = TIMER.with(|timer| timer.borrow_mut().take()) {
        timer.clear();
    }
}

/// Shows the results of the form's fields, and their address.
async fn search(form: HtmlFormElement, regions: String) {
    let Ok(data) = FormData::new_with_form(&form) else {
        return;
    };
    let Ok(query) = UrlSearchParams::new_with_str_sequence_sequence(&data) else {
        return;
    };
    let query = String::from(query.to_string());
    let path = page::current_url();
    let path = path.split('?').next().unwrap_or_default();
    let url = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    let regions: Vec<_> = regions.split(' ').collect();
    if page::load(&url, &regions).await == Loaded::Replaced {
        page::set_url(&url);
    }
}
