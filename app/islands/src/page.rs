//! Replaces parts of the page by what the server renders.

use std::cell::Cell;

use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast as _, JsValue},
};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Document, DomParser, Element, Event, FocusOptions, HtmlDialogElement, HtmlElement,
    HtmlInputElement, HtmlTextAreaElement, Response, SupportedType,
};

/// Ids of the regions of which every page consists.
pub(crate) const WHOLE_PAGE: &[&str] = &["nav", "main"];

/// Dispatched on the window after regions were replaced; the loader then
/// hydrates the new islands.
pub(crate) const REPLACED: &str = "atrium:replaced";

thread_local! {
    /// Number of the last request for regions: an older one that is answered
    /// later is ignored.
    static LAST_REQUEST: Cell<u32> = const { Cell::new(0) };
}

/// Calls `on_event` for each event `name` of the page.
pub(crate) fn listen(name: &str, on_event: impl Fn(&Event) + 'static) {
    window_event_listener_untyped(name, move |event| on_event(&event));
}

/// The result of [`load`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// The regions are replaced.
    Replaced,
    /// A later request replaces them, or the browser opens another page, such
    /// as the sign-in page or one of a newer version.
    Superseded,
    /// The server could not be reached.
    Failed,
}

/// Requests `url` and replaces `regions` by those of the answer.
pub(crate) async fn load(url: &str, regions: &[&str]) -> Loaded {
    let number = LAST_REQUEST.with(|last| {
        last.set(last.get().wrapping_add(1));
        last.get()
    });
    let answer = match fetch(window().fetch_with_str(url)).await {
        Ok(response) if response.redirected() || !is_page(&response) => Err(response.url()),
        Ok(response) => match read_page(&response).await {
            Some(page) => Ok(page),
            None => return Loaded::Failed,
        },
        Err(_) => return Loaded::Failed,
    };
    if LAST_REQUEST.with(Cell::get) != number {
        return Loaded::Superseded;
    }
    let is_complete = |page: &Document| {
        let mut ids = regions.iter();
        is_same_version(page) && ids.all(|id| page.get_element_by_id(id).is_some())
    };
    match answer {
        Ok(page) if is_complete(&page) => {
            replace(&page, regions);
            Loaded::Replaced
        }
        Ok(_) => {
            open(url);
            Loaded::Superseded
        }
        Err(elsewhere) => {
            open(&elsewhere);
            Loaded::Superseded
        }
    }
}

/// Replaces the whole page by its current state; keeps the scroll position.
pub(crate) async fn reload() {
    load(&current_url(), WHOLE_PAGE).await;
}

/// Goes to `url` like a link. On the page at the same path it replaces the
/// content, so that the scroll position and the history stay as they are.
pub(crate) async fn follow(url: &str) {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    if location().pathname().as_deref() != Ok(path) {
        open(url);
        return;
    }
    match load(url, WHOLE_PAGE).await {
        Loaded::Replaced => set_url(url),
        Loaded::Superseded => {}
        Loaded::Failed => open(url),
    }
}

/// Opens `url` as a new page.
pub(crate) fn open(url: &str) {
    let _ = location().assign(url);
}

/// Path and query of this page.
pub(crate) fn current_url() -> String {
    let location = location();
    let path = location.pathname().unwrap_or_default();
    path + &location.search().unwrap_or_default()
}

/// Shows `url` in the address bar in the place of the current one.
pub(crate) fn set_url(url: &str) {
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or_default();
        let _ = history.replace_state_with_url(&state, "", Some(url));
    }
}

/// Awaits a `fetch`; the error is that of the network.
pub(crate) async fn fetch(request: js_sys::Promise) -> Result<Response, JsValue> {
    Ok(JsFuture::from(request).await?.unchecked_into())
}

/// True if the response is HTML.
pub(crate) fn is_page(response: &Response) -> bool {
    let content_type = response.headers().get("content-type").ok().flatten();
    content_type.is_some_and(|content_type| content_type.starts_with("text/html"))
}

/// The body of a response as a document that is not shown.
pub(crate) async fn read_page(response: &Response) -> Option<Document> {
    let html = read_text(response).await?;
    let parser = DomParser::new().ok()?;
    parser
        .parse_from_string(&html, SupportedType::TextHtml)
        .ok()
}

/// The body of a response.
pub(crate) async fn read_text(response: &Response) -> Option<String> {
    JsFuture::from(response.text().ok()?)
        .await
        .ok()?
        .as_string()
}

/// Replaces `regions` of this page by those of `page`, and hydrates the islands
/// in them. Folds stay open, and the focus stays on the element with the same
/// id.
pub(crate) fn replace(page: &Document, regions: &[&str]) {
    let document = document();
    document.set_title(&page.title());
    copy_theme(page, &document);
    let focused = document
        .active_element()
        .filter(|element| element.tag_name() != "BODY")
        .map(|element| element.id());
    for id in regions {
        let (Some(old), Some(new)) = (document.get_element_by_id(id), page.get_element_by_id(id))
        else {
            continue;
        };
        if old.get_attribute("role").as_deref() == Some("status") {
            // The text is read out only if the element stays.
            old.set_text_content(new.text_content().as_deref());
        } else {
            keep_folds_open(&old, &new);
            keep_unsent_text(&old, &new);
            let _ = old.replace_with_with_node_1(&new);
        }
    }
    if is_same_version(page)
        && let Ok(replaced) = Event::new(REPLACED)
    {
        let _ = window().dispatch_event(&replaced);
    }
    let has_lost_focus = document
        .active_element()
        .is_none_or(|element| element.tag_name() == "BODY");
    if has_lost_focus && focused.is_some() {
        let same = focused.filter(|id| !id.is_empty());
        let same = same.and_then(|id| document.get_element_by_id(&id));
        if let Some(element) = same.or_else(|| document.get_element_by_id("main")) {
            focus(&element);
        }
    }
    make_dialogs_modal();
}

/// Makes the dialogs modal that the server opened, because the page asks
/// something.
pub(crate) fn make_dialogs_modal() {
    let root = document().document_element();
    for dialog in root
        .iter()
        .flat_map(|root| select(root, "dialog[open]:not(:modal)"))
    {
        if let Some(dialog) = dialog.dyn_ref::<HtmlDialogElement>() {
            dialog.close();
            let _ = dialog.show_modal();
        }
    }
}

/// A form may have changed the theme.
fn copy_theme(page: &Document, document: &Document) {
    let roots = (page.document_element(), document.document_element());
    if let (Some(from), Some(to)) = roots
        && let Some(theme) = from.get_attribute("data-theme")
    {
        let _ = to.set_attribute("data-theme", &theme);
    }
}

/// Focuses an element if it can have the focus; scrolls only to what is not in
/// view.
pub(crate) fn focus(element: &Element) {
    let Some(element) = element.dyn_ref::<HtmlElement>() else {
        return;
    };
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    let _ = element.focus_with_options(&options);
    let area = element.get_bounding_client_rect();
    let height = window()
        .inner_height()
        .ok()
        .and_then(|height| height.as_f64());
    let is_in_view = area.top() >= 0.0 && height.is_some_and(|height| area.top() < height);
    if !is_in_view && area.height() < height.unwrap_or_default() {
        element.scroll_into_view();
    }
}

/// Elements below `root` that match `selector`.
pub(crate) fn select(root: &Element, selector: &str) -> Vec<Element> {
    let Ok(found) = root.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|index| found.item(index)?.dyn_into().ok())
        .collect()
}

/// Opens the folds of `new` that are open in `old`, as long as it has the same
/// folds.
fn keep_folds_open(old: &Element, new: &Element) {
    let (old, new) = (select(old, "details"), select(new, "details"));
    if old.len() != new.len() {
        return;
    }
    for (old, new) in old.iter().zip(&new) {
        if old.has_attribute("open") {
            let _ = new.set_attribute("open", "");
        }
    }
}

/// Copies what was typed into forms of `old` that were not sent into the same
/// forms of `new`.
fn keep_unsent_text(old: &Element, new: &Element) {
    let call = |form: &Element| {
        let field = form.query_selector("input[name=call]").ok()??;
        field.get_attribute("value")
    };
    let forms = select(new, "form[method=post]");
    for form in select(old, "form[data-unsaved]:not([aria-busy])") {
        let mut same = forms.iter().filter(|other| call(other) == call(&form));
        // The forms of several rows can't be told apart.
        let (Some(other), None) = (same.next(), same.next()) else {
            continue;
        };
        for (from, to) in select(&form, FIELDS).iter().zip(select(other, FIELDS)) {
            set_value(&to, &value(from));
        }
        let _ = other.set_attribute("data-unsaved", "");
    }
}

/// Fields with text.
const FIELDS: &str = "input:is([type=text], [type=date], :not([type])), textarea";

fn value(field: &Element) -> String {
    match (
        field.dyn_ref::<HtmlInputElement>(),
        field.dyn_ref::<HtmlTextAreaElement>(),
    ) {
        (Some(input), _) => input.value(),
        (_, Some(area)) => area.value(),
        _ => String::new(),
    }
}

fn set_value(field: &Element, value: &str) {
    if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
        input.set_value(value);
    } else if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
        area.set_value(value);
    }
}

/// False if the server was updated since this page was loaded: its islands
/// may need code that this page does not have.
fn is_same_version(page: &Document) -> bool {
    let version = |document: &Document| document.document_element()?.get_attribute("data-build");
    version(page) == version(&document())
}
