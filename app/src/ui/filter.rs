//! Filters live in the URL: a GET form, which the browser's code sends without
//! a page load and without empty fields.

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
    query::{Query, use_query},
};

/// How long typing must rest before what was typed is looked for.
const PAUSE: Duration = Duration::from_millis(250);

/// A form whose fields are the query of `path`.
#[component]
pub(crate) fn FilterForm(
    /// The page that it narrows.
    #[prop(into)]
    path: String,
    /// Its name for screen readers.
    label: &'static str,
    /// Classes of the `<form>`.
    #[prop(optional)]
    class: &'static str,
    /// What is typed into its search field counts soon after, without the
    /// button.
    #[prop(optional)]
    as_typed: bool,
    /// The fields and the button.
    children: Children,
) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let navigate = use_navigate();
    let action = path.clone();
    // What waits for a pause in typing, and what was last asked for by typing.
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    let typed = StoredValue::new(None::<String>);
    let stop_waiting = move || {
        if let Some(handle) = waiting.try_update_value(Option::take).flatten() {
            handle.clear();
        }
    };
    on_cleanup(stop_waiting);
    let go = move |data: &web_sys::FormData, replace: bool| {
        stop_waiting();
        let Ok(params) = UrlSearchParams::new_with_str_sequence_sequence(data) else {
            return false;
        };
        let query = without_empty(&params.to_string().as_string().unwrap_or_default());
        if replace {
            typed.set_value(Some(Query::parse(&query).get("query").to_owned()));
        }
        let options = NavigateOptions {
            replace,
            scroll: !replace,
            ..NavigateOptions::default()
        };
        navigate(&format!("{path}{query}"), options);
        true
    };
    let go_as_typed = go.clone();
    let on_submit = move |event: SubmitEvent| {
        let Ok(data) = form_data_from_event(&event) else {
            return;
        };
        if go(&data, false) {
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
        stop_waiting();
        let go = go_as_typed.clone();
        let ask = move || {
            if let Some(form) = form.try_get_untracked().flatten()
                && let Ok(data) = web_sys::FormData::new_with_form(&form)
            {
                go(&data, true);
            }
        };
        waiting.set_value(set_timeout_with_handle(ask, PAUSE).ok());
    };
    // A choice narrows at once; text waits for its button or the return key.
    let on_change = move |event: web_sys::Event| {
        let chosen = event
            .target()
            .is_some_and(|target| target.has_type::<HtmlSelectElement>());
        if let (true, Some(form)) = (chosen, form.get_untracked()) {
            let _ = form.request_submit();
        }
    };
    // Going back changes the query but not what the fields hold.
    let query = use_query();
    Effect::new(move |first: Option<()>| {
        query.with(|query| {
            if first.is_some()
                && let Some(form) = form.get_untracked()
            {
                // What is being typed is ahead of what was asked for by typing.
                let by_typing = typed
                    .try_update_value(Option::take)
                    .flatten()
                    .is_some_and(|value| value == query.get("query"));
                if !by_typing {
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

/// The text that a list is searched for, as `query`, and its button.
#[component]
pub(crate) fn SearchBox(
    /// Its name for screen readers.
    label: &'static str,
    /// What to type.
    placeholder: &'static str,
    /// What stands in it at first.
    #[prop(into)]
    value: String,
    /// The most characters that it takes.
    max_chars: u16,
    /// What its button says.
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
    let kept: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.ends_with('='))
        .collect();
    if kept.is_empty() || kept == [""] {
        String::new()
    } else {
        format!("?{}", kept.join("&"))
    }
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
            // A select always offers the empty value or is one of a closed set
            // whose first value is the default.
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
    fn empty_fields_leave_no_trace_in_the_url() {
        assert_eq!(without_empty("query=&kind=fact&tag="), "?kind=fact");
        assert_eq!(without_empty("query=&kind="), "");
        assert_eq!(without_empty(""), "");
        assert_eq!(without_empty("query=a%3D"), "?query=a%3D");
    }
}
