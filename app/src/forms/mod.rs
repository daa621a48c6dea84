//! Forms that work the same with and without JavaScript.
//!
//! A form has no `action`: it posts to its own page and names its server
//! function in a hidden field. [`with_page_posts`] calls that function; on
//! success it redirects, on an error it renders the same page again, which
//! reads the [`Outcome`] and shows the error next to the field with everything
//! that was typed. Output that is shown once ([`stay`]) reaches the page in the
//! same way. With JavaScript a behaviour of the islands posts the form and puts
//! the answer into the page that is there.

mod outcome;
mod pages;
mod post;

use std::marker::PhantomData;

use domain::AppError;
use islands::CALL_FIELD;
use leptos::{
    prelude::*,
    server_fn::{
        Http, ServerFn,
        codec::{Json, PostUrl},
    },
};
use serde::de::DeserializeOwned;

pub(crate) use outcome::Outcome;
pub(crate) use post::stay;
pub use post::with_page_posts;

use crate::{start::Page, ui::grant_hint};

/// A server function that a form can call.
pub(crate) trait FormCall:
    ServerFn<Error = AppError, Protocol = Http<PostUrl, Json>> + 'static
{
    /// The function's name, as in the hidden field.
    fn name() -> &'static str {
        Self::PATH.rsplit('/').next().unwrap_or(Self::PATH)
    }
}

impl<S> FormCall for S where S: ServerFn<Error = AppError, Protocol = Http<PostUrl, Json>> + 'static {}

/// A form on a page: its result and typed values, if the page responds to it.
pub(crate) struct FormState<S: FormCall> {
    /// That of the page, which may be of another form.
    outcome: StoredValue<Option<Outcome>>,
    call: PhantomData<fn() -> S>,
}

// Not derived: a derived `Copy` would require `S: Copy`.
impl<S: FormCall> Clone for FormState<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: FormCall> Copy for FormState<S> {}

impl<S: FormCall> FormState<S> {
    pub(crate) fn new() -> Self {
        Self {
            outcome: Page::get().outcome,
            call: PhantomData,
        }
    }

    /// Reads the outcome of the form post that this page responds to; `None` if
    /// it was another form's, or none.
    fn outcome<T>(self, read: impl FnOnce(&Outcome) -> Option<T>) -> Option<T> {
        self.outcome.with_value(|outcome| {
            let outcome = outcome
                .as_ref()
                .filter(|outcome| outcome.call == S::name())?;
            read(outcome)
        })
    }

    /// The error of the call.
    pub(crate) fn error(self) -> Option<AppError> {
        self.outcome(|outcome| outcome.ended.clone().err())
    }

    /// The message for the field `name`.
    pub(crate) fn field_error(self, name: &str) -> Option<String> {
        self.error()?.for_field(name).map(str::to_owned)
    }

    /// The output of the call, if it did not redirect.
    pub(crate) fn answer(self) -> Option<S::Output>
    where
        S::Output: DeserializeOwned,
    {
        self.outcome(|outcome| serde_json::from_str(outcome.ended.as_ref().ok()?).ok())
    }

    /// The value of `name` in the form post that this page responds to, or
    /// `otherwise`.
    pub(crate) fn typed(self, name: &str, otherwise: &str) -> String {
        self.outcome(|outcome| outcome.field(name).map(str::to_owned))
            .unwrap_or_else(|| otherwise.to_owned())
    }

    /// All values of `name`, such as ticked checkboxes, in the form post that
    /// this page responds to; `None` without one.
    pub(crate) fn typed_all(self, name: &str) -> Option<Vec<String>> {
        self.outcome(|outcome| Some(outcome.field_all(name)))
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
    let is_told = |error: &AppError| tells_conflict && matches!(error, AppError::Conflict { .. });
    let error = state.error().filter(|error| !is_told(error));
    view! {
        <form method="post" class=class>
            <input type="hidden" name=CALL_FIELD value=S::name() />
            {error.map(|error| view! { <FormError error=error /> })}
            {children()}
        </form>
    }
}

/// The error of the whole form.
#[component]
fn FormError(error: AppError) -> impl IntoView {
    let text = match &error {
        AppError::Invalid { fields } if fields.len() > 1 => {
            format!("Fix {} fields.", fields.len())
        }
        other => other.to_string(),
    };
    let next = match &error {
        AppError::Forbidden { permission } => grant_hint(*permission),
        AppError::Internal => "Try again. Nothing was lost.",
        _ => "",
    };
    view! {
        <p class="form-error" role="alert" tabindex="-1">
            {text}
            {(!next.is_empty()).then(|| format!(" {next}"))}
        </p>
    }
}
