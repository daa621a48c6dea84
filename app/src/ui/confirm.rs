//! Asks before a form is sent that takes something away.

use leptos::prelude::*;

/// A button that opens a modal dialog; the dialog's button submits the form
/// around both. The browser itself opens and closes it, without scripts.
#[component]
pub(crate) fn Confirm(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    /// Text of the button that asks.
    #[prop(into)]
    label: String,
    /// Name of that button for screen readers, where its text is not enough.
    #[prop(optional, into)]
    name: Option<String>,
    /// Classes of that button beside `button`.
    #[prop(default = "button-danger")]
    class: &'static str,
    /// The question, which names what is hit.
    #[prop(into)]
    title: String,
    /// Text of the button that submits the form.
    #[prop(into)]
    act: String,
    /// Name and value that this button sends.
    #[prop(optional)]
    value: Option<(&'static str, String)>,
    /// Nothing is taken away: the form's fields are in the dialog.
    #[prop(optional)]
    is_form: bool,
    /// Shown at once, because a field in it is invalid.
    #[prop(optional)]
    is_open: bool,
    /// The consequences, or the form's fields.
    children: Children,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class=format!("button {class}")
            aria-label=name
            commandfor=id.clone()
            command="show-modal"
        >
            {label}
        </button>
        <ConfirmDialog id=id title=title act=act value=value is_form=is_form is_open=is_open>
            {children()}
        </ConfirmDialog>
    }
}

/// A dialog whose button submits the form around it.
#[component]
pub(crate) fn ConfirmDialog(
    /// Unique on the page.
    id: String,
    /// The question, which names what is hit.
    title: String,
    /// Text of the button that submits the form.
    act: String,
    /// Name and value that this button sends.
    #[prop(optional_no_strip)]
    value: Option<(&'static str, String)>,
    /// Nothing is taken away: the form's fields are in the dialog.
    #[prop(optional)]
    is_form: bool,
    /// Shown at once: the page answers a form by this question.
    is_open: bool,
    /// The consequences, or the form's fields.
    children: Children,
) -> impl IntoView {
    let title_id = format!("{id}-title");
    let labelled_by = title_id.clone();
    let close = id.clone();
    let (name, value) = value.unzip();
    view! {
        <dialog
            id=id
            class="confirm"
            role=if is_form { "dialog" } else { "alertdialog" }
            aria-labelledby=labelled_by
            open=is_open
        >
            <h2 id=title_id dir="auto">{title}</h2>
            {children()}
            <div class="confirm-actions">
                <button
                    type="button"
                    class="button"
                    autofocus=!is_form
                    commandfor=close
                    command="close"
                >
                    "Cancel"
                </button>
                <button
                    type="submit"
                    class=if is_form { "button button-primary" } else { "button button-destructive" }
                    name=name
                    value=value
                >
                    {act}
                </button>
            </div>
        </dialog>
    }
}
