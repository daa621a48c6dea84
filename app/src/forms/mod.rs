//! Forms that work the same with and without JavaScript.
//!
//! A form has no `action`: it posts to its own page and names its server
//! function in a hidden field. [`with_page_posts`] calls that function; on
//! success it redirects, on an error it renders the same page again, which
//! reads the [`Outcome`] and shows the error next to the field with everything
//! that was typed. Output that is shown once ([`stay`]) reaches the page in the
//! same way. In the browser, [`PostForm`] calls the server function directly
//! and the page stays.

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
pub(crate) use post::stay;
#[cfg(feature = "ssr")]
pub use post::with_page_posts;

use crate::{start::Page, ui::grant_hint};

/// A server function that a form can call.
pub(crate) trait FormCall:
    ServerFn<Error = AppError, Protocol = Http<PostUrl, Json>, Output: Clone + Send + Sync>
    + DeserializeOwned
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The function's name, as in the hidden field.
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

/// State of one form on a page: its call, the result, and the typed values.
#[derive(Clone)]
pub(crate) struct FormState<S: FormCall> {
    pub(crate) action: ServerAction<S>,
}

// Not derived: a derived `Copy` would require `S: Copy`.
impl<S: FormCall> Copy for FormState<S> {}

impl<S: FormCall> FormState<S> {
    /// A form that was not sent yet, or that this page responds to.
    pub(crate) fn new() -> Self {
        Self {
            action: ServerAction::new(),
        }
    }

    /// The error of the last call.
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

    /// The message for the field `name`.
    pub(crate) fn field_error(self, name: &'static str) -> Signal<Option<String>> {
        let error = self.error();
        Signal::derive(move || {
            error.with(|error| error.as_ref()?.for_field(name).map(str::to_owned))
        })
    }

    /// The output of the last call, if it did not redirect.
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

    /// The ticked checkboxes `name` of the form post that this page responds
    /// to; `None` without one.
    pub(crate) fn chosen(self, name: &str) -> Option<Vec<String>> {
        if self.action.value().with_untracked(Option::is_some) {
            // Called from the browser since: the boxes are unchanged.
            return None;
        }
        Page::get().outcome.with_untracked(|outcome| {
            let outcome = outcome.as_ref().filter(|o| o.call == S::name())?;
            Some(outcome.field_all(name))
        })
    }

    /// The value of `name` in the form post that this page responds to, or
    /// `otherwise`.
    pub(crate) fn typed(self, name: &str, otherwise: &str) -> String {
        if self.action.value().with_untracked(Option::is_some) {
            // Called from the browser since: the fields still hold the typed
            // text.
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

    /// All values of `name` in the form post that this page responds to; `None`
    /// without one.
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

    /// Changes with each successful call, so that resources can depend on it.
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

/// A `<form>` for `state`'s server function. Errors without a field are shown
/// above its children.
#[component]
pub(crate) fn PostForm<S: FormCall>(
    state: FormState<S>,
    #[prop(optional)] class: &'static str,
    /// Omits conflict errors because the children show them.
    #[prop(optional)]
    tells_conflict: bool,
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
    // Focus the first invalid field.
    Effect::new(move |_| {
        let is_invalid = action
            .value()
            .with(|value| matches!(value, Some(Err(AppError::Invalid { .. }))));
        if let (true, Some(form)) = (is_invalid, form.get_untracked()) {
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

/// The error of the whole form.
#[component]
fn FormError(error: Signal<Option<AppError>>, tells_conflict: bool) -> impl IntoView {
    let is_hidden =
        move |error: &AppError| tells_conflict && matches!(error, AppError::Conflict { .. });
    move || {
        error.get().filter(|error| !is_hidden(error)).map(|error| {
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
                AppError::Forbidden { permission } => grant_hint(*permission),
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
