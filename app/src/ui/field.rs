//! Form fields: label, control, hint, and the error next to it.

use leptos::prelude::*;

use super::title::escape_text;

/// One line of text.
#[component]
pub(crate) fn TextField(
    /// Unique on the page.
    name: &'static str,
    label: &'static str,
    /// Help text; empty for none.
    #[prop(optional)]
    hint: &'static str,
    /// Initial value.
    #[prop(into)]
    value: String,
    error: Option<String>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                type="text"
                id=name
                name=name
                value=value
                autocomplete="off"
                dir="auto"
                aria-describedby=described_by(name, hint)
                aria-invalid=error.is_some().then_some("true")
            />
            <FieldMessages name=name hint=hint error=error />
        </div>
    }
}

/// Several lines of text.
#[component]
pub(crate) fn TextArea(
    /// Unique on the page.
    name: &'static str,
    label: &'static str,
    /// Help text; empty for none.
    #[prop(optional)]
    hint: &'static str,
    /// Number of visible lines.
    rows: u8,
    /// The field may be left empty.
    #[prop(optional)]
    optional: bool,
    /// Initial value.
    #[prop(into)]
    value: String,
    error: Option<String>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <textarea
                id=name
                name=name
                rows=rows
                dir="auto"
                required=!optional
                aria-describedby=described_by(name, hint)
                aria-invalid=error.is_some().then_some("true")
                inner_html=textarea_html(value)
            ></textarea>
            <FieldMessages name=name hint=hint error=error />
        </div>
    }
}

/// The text as a textarea's inner HTML. The HTML parser drops a line break at
/// the start, so there is always one.
fn textarea_html(text: String) -> String {
    format!("\n{}", escape_text(text))
}

/// An option of a select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The submitted value.
    pub(crate) value: String,
    /// The displayed text.
    pub(crate) label: String,
}

impl Choice {
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
        }
    }
}

#[component]
pub(crate) fn SelectField(
    /// Unique on the page.
    name: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
    /// Initially selected value.
    #[prop(into)]
    value: String,
    /// Help text; empty for none.
    #[prop(optional)]
    hint: &'static str,
    #[prop(optional_no_strip)] error: Option<String>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <select
                id=name
                name=name
                autocomplete="off"
                aria-describedby=described_by(name, hint)
                aria-invalid=error.is_some().then_some("true")
            >
                {choices
                    .into_iter()
                    .map(move |choice| {
                        let selected = choice.value == value;
                        view! {
                            <option value=choice.value selected=selected>
                                {choice.label}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            <FieldMessages name=name hint=hint error=error />
        </div>
    }
}

fn described_by(name: &str, hint: &str) -> String {
    if hint.is_empty() {
        format!("{name}-error")
    } else {
        format!("{name}-error {name}-hint")
    }
}

/// The error and the hint.
#[component]
fn FieldMessages(name: &'static str, hint: &'static str, error: Option<String>) -> impl IntoView {
    view! {
        <div id=format!("{name}-error") role="alert">
            {error.map(|text| view! { <p class="field-error">{text}</p> })}
        </div>
        {(!hint.is_empty())
            .then(|| view! { <p class="field-hint" id=format!("{name}-hint")>{hint}</p> })}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_area_keeps_its_first_line_break_and_can_hold_markup() {
        let owner = Owner::new();
        owner.set();
        let html = view! {
            <TextArea name="content" label="Text" rows=4 value="\nfirst </textarea><b>&amp;" error=None />
        }
        .to_html();
        assert!(
            html.contains(">\n\nfirst &lt;/textarea>&lt;b>&amp;amp;</textarea>"),
            "{html}"
        );
    }

    #[test]
    fn an_error_is_tied_to_its_field() {
        let owner = Owner::new();
        owner.set();
        let html = view! {
            <TextField name="title" label="Title" value="x" error=Some("Too long.".to_owned()) />
        }
        .to_html();
        assert!(html.contains(r#"aria-invalid="true""#), "{html}");
        assert!(html.contains(r#"aria-describedby="title-error""#), "{html}");
        assert!(
            html.contains(r#"<div id="title-error" role="alert"><p class="field-error">Too long."#),
            "{html}"
        );
    }
}
