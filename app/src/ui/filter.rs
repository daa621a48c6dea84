//! Filters live in the URL: a GET form, which the client code submits without a
//! page load and without empty fields.

use std::time::Duration;

use leptos::{
    ev::SubmitEvent, form::form_data_from_event, html, leptos_dom::helpers::TimeoutHandle,
    prelude::*,
};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;
use web_sys::{HtmlFormElement, HtmlInputElement, HtmlSelectElement, UrlSearchParams};

use super::{
    Glyph, Icon,
    query::{Query, query_string, use_query},
};

/// Pause in typing after which the search starts.
const PAUSE: Duration = Duration::from_millis(250);

/// A form whose fields are the query of `path`.
#[component]
pub(crate) fn FilterForm(
    /// Path of the page that it filters.
    #[prop(into)]
    path: String,
    /// Label for screen readers.
    label: &'static str,
    #[prop(optional)] class: &'static str,
    /// Searches after a pause in typing into the search field, without the
    /// button.
    #[prop(optional)]
    as_typed: bool,
    children: Children,
) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let navigate = use_navigate();
    let action = path.clone();
    // The timer for a pause in typing, and the last text searched for by
    // typing.
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let last_typed = StoredValue::new(None::<String>);
    let cancel_timer = move || {
        if let Some(handle) = timer.try_update_value(Option::take).flatten() {
            handle.clear();
        }
    };
    on_cleanup(cancel_timer);
    let submit = move |data: &web_sys::FormData, replace: bool| {
        cancel_timer();
        let Ok(params) = UrlSearchParams::new_with_str_sequence_sequence(data) else {
            return false;
        };
        let query = without_empty(&params.to_string().as_string().unwrap_or_default());
        if replace {
            last_typed.set_value(Some(Query::parse(&query).get("query").to_owned()));
        }
        let options = NavigateOptions {
            replace,
            scroll: !replace,
            ..NavigateOptions::default()
        };
        navigate(&format!("{path}{query}"), options);
        true
    };
    let submit_typed = submit.clone();
    let on_submit = move |event: SubmitEvent| {
        let Ok(data) = form_data_from_event(&event) else {
            return;
        };
        if submit(&data, false) {
            event.prevent_default();
        }
    };
    let on_input = move |event: web_sys::Event| {
        let in_search = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            .is_some_and(|input| input.type_() == "search");
        if !(as_typed && in_search) {
            return;
        }
        cancel_timer();
        let submit = submit_typed.clone();
        let search = move || {
            if let Some(form) = form.try_get_untracked().flatten()
                && let Ok(data) = web_sys::FormData::new_with_form(&form)
            {
                submit(&data, true);
            }
        };
        timer.set_value(set_timeout_with_handle(search, PAUSE).ok());
    };
    // A select filters at once; text waits for its button or the return key.
    let on_change = move |event: web_sys::Event| {
        let is_select = event
            .target()
            .is_some_and(|target| target.has_type::<HtmlSelectElement>());
        if let (true, Some(form)) = (is_select, form.get_untracked()) {
            let _ = form.request_submit();
        }
    };
    // Going back changes the query but not the values of the fields.
    let query = use_query();
    Effect::new(move |first: Option<()>| {
        query.with(|query| {
            if first.is_some()
                && let Some(form) = form.get_untracked()
            {
                // The text being typed is newer than the search that it
                // started.
                let is_from_typing = last_typed
                    .try_update_value(Option::take)
                    .flatten()
                    .is_some_and(|value| value == query.get("query"));
                if !is_from_typing {
                    fill(&form, query);
                }
            }
        });
    });
    view! {
        <form
            node_ref=form
            method="get"
            action=action
            role="search"
            aria-label=label
            class=class
            on:submit=on_submit
            on:change=on_change
            on:input=on_input
        >
            {children()}
        </form>
    }
}

/// The search field `query`, and its button.
#[component]
pub(crate) fn SearchBox(
    /// Label for screen readers.
    label: &'static str,
    placeholder: &'static str,
    /// Initial value.
    #[prop(into)]
    value: String,
    max_chars: u16,
    /// Label of the button.
    act: &'static str,
) -> impl IntoView {
    view! {
        <div class="search-box">
            <Glyph icon=Icon::Search />
            <input
                type="search"
                name="query"
                id="query"
                value=value
                aria-label=label
                placeholder=placeholder
                autocomplete="off"
                maxlength=max_chars
                dir="auto"
            />
        </div>
        <button type="submit" class="button">{act}</button>
    }
}

fn without_empty(query: &str) -> String {
    query_string(&Query::parse(query).fields().collect::<Vec<_>>())
}

fn fill(form: &HtmlFormElement, query: &Query) {
    let fields = form.elements();
    for index in 0..fields.length() {
        let Some(field) = fields.item(index) else {
            continue;
        };
        if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
            let value = query.get(&input.name()).to_owned();
            input.set_value(&value);
        } else if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
            // Every select offers the empty value, or a closed set whose first
            // value is the default.
            let value = query.get(&select.name()).to_owned();
            select.set_value(&value);
            if select.selected_index() < 0 {
                select.set_selected_index(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_are_left_out_of_the_url() {
        assert_eq!(without_empty("query=&kind=fact&tag="), "?kind=fact");
        assert_eq!(without_empty("query=&kind="), "");
        assert_eq!(without_empty(""), "");
        assert_eq!(without_empty("query=a%3D"), "?query=a%3D");
    }
}
