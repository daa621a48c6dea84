//! Forms that call a server function post it without a page load: what was
//! typed is kept if the server cannot be reached, a second click does not post
//! again, and the scroll position stays.

use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, JsValue},
};
use web_sys::{
    Element, Event, FormData, Headers, HtmlElement, HtmlFormElement, RequestInit, Response,
    SubmitEvent, UrlSearchParams,
};

use crate::{CALL_FIELD, ENHANCED_HEADER, NEXT_HEADER, page};

/// Attribute of a form with text that was not sent yet.
const UNSAVED: &str = "data-unsaved";
/// Attribute of a form that is being sent.
const BUSY: &str = "aria-busy";

const UNREACHABLE: &str =
    "The server could not be reached. Nothing was lost: check your connection, then try again.";
const SIGNED_OUT: &str = "Your session has ended. Copy what you typed, then sign in again.";

/// Listens for forms.
pub(crate) fn install() {
    page::listen("submit", on_submit);
    page::listen("input", on_input);
    page::listen("beforeunload", on_leave);
    // The browser may show a page again as it was left.
    page::listen("pageshow", |_| {
        for form in all("form[aria-busy]") {
            let _ = form.remove_attribute(BUSY);
        }
    });
}

/// Posts a form that calls a server function. Other forms, such as uploads,
/// are left to the browser.
fn on_submit(event: &Event) {
    let Some(event) = event.dyn_ref::<SubmitEvent>() else {
        return;
    };
    let target = event.target().map(JsCast::dyn_into::<HtmlFormElement>);
    let (false, Some(Ok(form))) = (event.default_prevented(), target) else {
        return;
    };
    let Ok(data) = FormData::new_with_form(&form) else {
        return;
    };
    if !data.has(CALL_FIELD) || form.enctype() != "application/x-www-form-urlencoded" {
        return;
    }
    event.prevent_default();
    if form.has_attribute(BUSY) {
        return;
    }
    let button = event.submitter();
    if let Some((name, value)) = button.as_ref().and_then(named_value) {
        let _ = data.append_with_str(&name, &value);
    }
    let Ok(body) = UrlSearchParams::new_with_str_sequence_sequence(&data) else {
        return;
    };
    let _ = form.set_attribute(BUSY, "true");
    leptos::task::spawn_local(async move {
        match post(&body).await {
            Ok(response) => show_answer(&form, &response).await,
            Err(_) => show_error(&form, UNREACHABLE),
        }
    });
}

/// Name and value of the button that submitted a form.
fn named_value(button: &HtmlElement) -> Option<(String, String)> {
    let name = button
        .get_attribute("name")
        .filter(|name| !name.is_empty())?;
    Some((name, button.get_attribute("value").unwrap_or_default()))
}

async fn post(body: &UrlSearchParams) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.append(ENHANCED_HEADER, "1")?;
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_headers(&headers);
    request.set_body(body);
    page::fetch(window().fetch_with_str_and_init(&page::current_url(), &request)).await
}

/// Goes to the next page, or shows the page that answers the form: with its
/// errors, or with what is shown once.
async fn show_answer(form: &HtmlFormElement, response: &Response) {
    if let Ok(Some(next)) = response.headers().get(NEXT_HEADER) {
        let _ = form.remove_attribute(UNSAVED);
        page::follow(&next).await;
        return;
    }
    if response.status() == 401 {
        show_error(form, SIGNED_OUT);
    } else if page::is_page(response) {
        let Some(answer) = page::read_page(response).await else {
            show_error(form, UNREACHABLE);
            return;
        };
        let has_failed = !response.ok();
        page::replace(&answer, page::WHOLE_PAGE);
        focus_answer();
        for form in all("form[method=post]").iter().filter(|_| has_failed) {
            // It still holds what was typed.
            if form
                .query_selector("[aria-invalid=true]")
                .ok()
                .flatten()
                .is_some()
            {
                let _ = form.set_attribute(UNSAVED, "");
            }
        }
    } else {
        let text = page::read_text(response).await.unwrap_or_default();
        show_error(form, if text.is_empty() { UNREACHABLE } else { &text });
    }
}

/// Focuses what a person looks for after posting: the first field with an
/// error, the error of the form, or the heading of what is shown once.
fn focus_answer() {
    // A group of checkboxes is invalid as a whole.
    let selectors = [
        "[aria-invalid=true]:not(fieldset), fieldset[aria-invalid=true] input",
        ".form-error",
        "[data-answer]",
    ];
    let found = selectors
        .iter()
        .find_map(|selector| document().query_selector(selector).ok().flatten());
    if let Some(element) = found {
        page::focus(&element);
    }
}

/// Shows an error of the connection at the top of the form.
fn show_error(form: &HtmlFormElement, text: &str) {
    let _ = form.remove_attribute(BUSY);
    // A dialog covers the rest of its form.
    let dialog = form.query_selector("dialog[open]").ok().flatten();
    let place: &Element = dialog.as_ref().unwrap_or(form);
    let existing = place.query_selector(".form-error").ok().flatten();
    let Some(line) = existing.or_else(|| document().create_element("p").ok()) else {
        return;
    };
    line.set_class_name("form-error");
    let _ = line.set_attribute("role", "alert");
    let _ = line.set_attribute("tabindex", "-1");
    line.set_text_content(Some(text));
    let _ = place.prepend_with_node_1(&line);
}

/// Remembers that a form has text that was not sent.
fn on_input(event: &Event) {
    let field = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    let form = field.and_then(|field| field.closest("form.form[method=post]").ok().flatten());
    if let Some(form) = form {
        let _ = form.set_attribute(UNSAVED, "");
    }
}

/// Has the browser ask before a page with unsent text is left.
fn on_leave(event: &Event) {
    if !all("form[data-unsaved]:not([aria-busy])").is_empty() {
        event.prevent_default();
    }
}

fn all(selector: &str) -> Vec<Element> {
    document()
        .document_element()
        .map(|root| page::select(&root, selector))
        .unwrap_or_default()
}
