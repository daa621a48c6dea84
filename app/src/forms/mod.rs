//! Forms that work the same with and without JavaScript.
//!
//! A form has no `action`: it posts to the page on which it stands and names
//! its server function in a hidden field. [`with_page_posts`] calls that
//! function; on success it redirects, on an error it answers with the same
//! page, which finds the [`Outcome`] and shows the error next to the field
//! with everything that was typed. An answer that is shown once ([`stay`])
//! reaches the page in the same way. In the browser, [`PostForm`] calls the
//! server function directly and the page stays.

mod outcome;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod post;

use domain::AppError;
use leptos::{
    ev::SubmitEvent,
    form::FromFormData,
    html,
    prelude::*,
    server_fn::{
        Http, ServerFn,
        codec::{Json, PostUrl},
        error::FromServerFnError,
    },
};
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

pub(crate) use outcome::{CALL_FIELD, Outcome};
#[cfg(feature = "ssr")]
pub(crate) use pages::PageForms;
#[cfg(feature = "ssr")]
pub(crate) use post::stay;
#[cfg(feature = "ssr")]
pub use post::with_page_posts;

use crate::{start::Page, ui::granted_by};

/// A server function that a form can call.
pub(crate) trait FormCall:
    ServerFn<Error = AppError, Protocol = Http<PostUrl, Json>, Output: Clone + Send + Sync>
    + DeserializeOwned
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The function's name, as the hidden field carries it.
    fn name() -> &'static str {
        Self::PATH.rsplit('/').next().unwrap_or(Self::PATH)
    }
}

impl<S> FormCall for S where
    S: ServerFn<Error = AppError, Protocol = Http<PostUrl, Json>, Output: Clone + Send + Sync>
        + DeserializeOwned
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// One form on a page: its call, what came of it, and what was typed.
#[derive(Clone)]
pub(crate) struct FormState<S: FormCall> {
    /// The call.
    pub(crate) action: ServerAction<S>,
}

// By hand: a derived `Copy` would ask the call itself to be `Copy`.
impl<S: FormCall> Copy for FormState<S> {}

impl<S: FormCall> FormState<S> {
    /// A form that was not sent yet, or the one that this page answers.
    pub(crate) fn new() -> Self {
        Self {
            action: ServerAction::new(),
        }
    }

    /// Why the last call failed.
    pub(crate) fn error(self) -> Signal<Option<AppError>> {
        let outcome = Page::get().outcome;
        let value = self.action.value();
        Signal::derive(move || match value.get() {
            Some(result) => result.err(),
            None => outcome.with(|outcome| {
                outcome
                    .as_ref()
                    .filter(|o| o.call == S::name())
                    .and_then(|o| o.ended.clone().err())
            }),
        })
    }

    /// What is wrong with the field `name`.
    pub(crate) fn field_error(self, name: &'static str) -> Signal<Option<String>> {
        let error = self.error();
        Signal::derive(move || {
            error.with(|error| error.as_ref()?.for_field(name).map(str::to_owned))
        })
    }

    /// What the last call answered, where it did not lead elsewhere.
    pub(crate) fn answer(self) -> Memo<Option<S::Output>>
    where
        S::Output: DeserializeOwned + PartialEq,
    {
        let outcome = Page::get().outcome;
        let value = self.action.value();
        Memo::new(move |_| match value.get() {
            Some(result) => result.ok(),
            None => outcome.with(|outcome| {
                let outcome = outcome.as_ref().filter(|o| o.call == S::name())?;
                serde_json::from_str(outcome.ended.as_ref().ok()?).ok()
            }),
        })
    }

    /// What was chosen among the checkboxes `name` before the page came back;
    /// `None` where it did not.
    pub(crate) fn chosen(self, name: &str) -> Option<Vec<String>> {
        if self.action.value().with_untracked(Option::is_some) {
            // Called from the browser since: the boxes are as they were left.
            return None;
        }
        Page::get().outcome.with_untracked(|outcome| {
            let outcome = outcome.as_ref().filter(|o| o.call == S::name())?;
            Some(outcome.field_all(name))
        })
    }

    /// What was typed into `name` before the page came back, or `otherwise`.
    pub(crate) fn typed(self, name: &str, otherwise: &str) -> String {
        if self.action.value().with_untracked(Option::is_some) {
            // Called from the browser since: the fields hold what was typed.
            return otherwise.to_owned();
        }
        Page::get().outcome.with_untracked(|outcome| {
            outcome
                .as_ref()
                .filter(|outcome| outcome.call == S::name())
                .and_then(|outcome| outcome.field(name))
                .unwrap_or(otherwise)
                .to_owned()
        })
    }

    /// All values that were typed into or ticked under `name` before the page
    /// came back; `None` when it did not.
    pub(crate) fn typed_all(self, name: &str) -> Option<Vec<String>> {
        if self.action.value().with_untracked(Option::is_some) {
            return None;
        }
        Page::get().outcome.with_untracked(|outcome| {
            let outcome = outcome.as_ref().filter(|o| o.call == S::name())?;
            let values = outcome.fields.iter().filter(|(field, _)| field == name);
            Some(values.map(|(_, value)| value.clone()).collect())
        })
    }

    /// Goes up with each call that ended well, so that resources can follow.
    pub(crate) fn done(self) -> Signal<usize> {
        let (version, value) = (self.action.version(), self.action.value());
        Signal::derive(move || {
            let version = version.get();
            if value.with(|value| matches!(value, Some(Ok(_)))) {
                version
            } else {
                0
            }
        })
    }
}

/// A `<form>` for `state`'s server function. Errors that belong to no field
/// stand above its children.
#[component]
pub(crate) fn PostForm<S: FormCall>(
    /// The form's state.
    state: FormState<S>,
    /// Classes of the `<form>`.
    #[prop(optional)]
    class: &'static str,
    /// The children say themselves what a conflict is about.
    #[prop(optional)]
    tells_conflict: bool,
    /// The fields and buttons.
    children: Children,
) -> impl IntoView {
    let action = state.action;
    let pending = action.pending();
    let on_submit = move |event: SubmitEvent| {
        if event.default_prevented() {
            return;
        }
        event.prevent_default();
        if pending.get_untracked() {
            return;
        }
        match S::from_event(&event) {
            Ok(call) => {
                action.dispatch(call);
            }
            Err(error) => action.value().set(Some(Err(AppError::from_server_fn_error(
                leptos::server_fn::error::ServerFnErrorErr::Serialization(error.to_string()),
            )))),
        }
    };
    let form = NodeRef::<html::Form>::new();
    // The reader is taken to the first field that needs another look.
    Effect::new(move |_| {
        let faulty = action
            .value()
            .with(|value| matches!(value, Some(Err(AppError::Invalid { .. }))));
        if let (true, Some(form)) = (faulty, form.get_untracked()) {
            request_animation_frame(move || {
                let field = form.query_selector("[aria-invalid=true]").ok().flatten();
                if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
                    let _ = field.focus();
                }
            });
        }
    });
    view! {
        <form node_ref=form method="post" class=class on:submit=on_submit aria-busy=move || pending.get().then_some("true")>
            <input type="hidden" name=CALL_FIELD value=S::name() />
            <FormError error=state.error() tells_conflict=tells_conflict />
            {children()}
        </form>
    }
}

/// What stands in the way of the whole form.
#[component]
fn FormError(error: Signal<Option<AppError>>, tells_conflict: bool) -> impl IntoView {
    let told = move |error: &AppError| tells_conflict && matches!(error, AppError::Conflict { .. });
    move || {
        error.get().filter(|error| !told(error)).map(|error| {
            let text = match &error {
                AppError::Invalid { fields } if fields.len() > 1 => {
                    format!("{} fields need another look.", fields.len())
                }
                AppError::Unauthenticated => {
                    "Your session has ended. Copy what you typed, then sign in again.".to_owned()
                }
                other => other.to_string(),
            };
            let next = match &error {
                AppError::Forbidden { permission } => granted_by(*permission),
                AppError::Internal => "Try again. What you typed is still here.",
                _ => "",
            };
            view! {
                <p class="form-error" role="alert">
                    {text}
                    {(!next.is_empty()).then(|| format!(" {next}"))}
                </p>
            }
        })
    }
}
