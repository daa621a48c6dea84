//! Loaded content, and the empty and error states, each with a next step.

use domain::{AppError, Permission};
use leptos::prelude::*;

use serde::de::DeserializeOwned;
use service::{Endpoint, Part, read_input};

use super::{Glyph, Icon, PageTitle, path_text, return_to_here};
use crate::{
    api,
    start::{Page, viewer_may},
};

/// A page whose whole content depends on what `load` reads; an error takes its
/// place.
pub(crate) fn load_page<T, V>(
    load: impl Future<Output = Result<T, AppError>> + Send + 'static,
    show: impl FnOnce(T) -> V + Send + 'static,
) -> AnyView
where
    V: IntoView + 'static,
{
    loaded(load, show, true)
}

/// The page of what `E` reads for the `id` in this page's path.
pub(crate) fn load_item<E, V>(show: impl FnOnce(E::Output) -> V + Send + 'static) -> AnyView
where
    E: Endpoint,
    E::Input: DeserializeOwned + Send,
    E::Output: Send,
    V: IntoView + 'static,
{
    let id = path_text("id");
    let item = async move {
        let input = read_input(&[("id".to_owned(), Part::Text(&id))]);
        let (ctx, actor) = api::caller()?;
        // An id that can't be parsed is that of nothing.
        service::call::<E>(&ctx, &actor, input.map_err(|_| AppError::NotFound)?).await
    };
    load_page(item, show)
}

/// A page for viewers with `permission`; others see that it is missing.
pub(crate) fn page_for<V>(permission: Permission, show: impl FnOnce() -> V) -> AnyView
where
    V: IntoView + 'static,
{
    if viewer_may(permission) {
        show().into_any()
    } else {
        let error = AppError::Forbidden { permission };
        view! { <ErrorState error=error whole_page=true /> }.into_any()
    }
}

/// A part of a page that depends on what `load` reads; an error takes its
/// place.
pub(crate) fn load_part<T, V>(
    load: impl Future<Output = Result<T, AppError>> + Send + 'static,
    show: impl FnOnce(T) -> V + Send + 'static,
) -> AnyView
where
    V: IntoView + 'static,
{
    loaded(load, show, false)
}

fn loaded<T, V>(
    load: impl Future<Output = Result<T, AppError>> + Send + 'static,
    show: impl FnOnce(T) -> V + Send + 'static,
    whole_page: bool,
) -> AnyView
where
    V: IntoView + 'static,
{
    Suspend::new(async move {
        match load.await {
            Ok(data) => show(data).into_any(),
            Err(error) => view! { <ErrorState error=error whole_page=whole_page /> }.into_any(),
        }
    })
    .into_any()
}

/// Shown when there is nothing yet, or nothing that matches.
#[component]
pub(crate) fn EmptyState(
    title: &'static str,
    /// The reason, or what would be here.
    #[prop(into)]
    text: String,
    /// Links or buttons for the next step.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{text}</p>
            <div class="empty-actions">{children()}</div>
        </div>
    }
}

/// Shows an error and the next step. Sets the response's status.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(crate) fn ErrorState(
    error: AppError,
    /// The error stands alone and so has the page's heading.
    #[prop(optional)]
    whole_page: bool,
) -> impl IntoView {
    set_status(&error);
    let (title, text) = title_and_text(&error);
    let next = match &error {
        AppError::Unauthenticated => {
            let href = return_to_here();
            view! { <a class="button button-primary" href=href rel="external">"Sign in"</a> }
                .into_any()
        }
        AppError::Internal
        | AppError::Unavailable { .. }
        | AppError::TooManyRequests { .. }
        | AppError::Transport { .. } => {
            view! { <a class="button" href="" rel="external">"Try again"</a> }.into_any()
        }
        AppError::Forbidden { .. } | AppError::NotFound => {
            view! { <a class="button" href="/">"Go to the overview"</a> }.into_any()
        }
        _ => ().into_any(),
    };
    let server_fault = error.status() >= 500;
    let request_id = Page::get().request_id().filter(|_| server_fault);
    view! {
        <div class=if whole_page { "empty empty-page" } else { "empty" } role="alert">
            <Glyph icon=if matches!(error, AppError::Forbidden { .. }) { Icon::Lock } else { Icon::Warning } />
            {if whole_page {
                view! { <PageTitle text=title /> <h1>{title}</h1> }.into_any()
            } else {
                view! { <h2>{title}</h2> }.into_any()
            }}
            <p>{text}</p>
            {request_id.map(|id| {
                view! {
                    <p class="muted">
                        "If this continues, send this ID to your administrator: " <code>{id}</code>
                    </p>
                }
            })}
            <div class="empty-actions">{next}</div>
        </div>
    }
}

fn title_and_text(error: &AppError) -> (&'static str, String) {
    match error {
        AppError::Unauthenticated => (
            "You are signed out",
            "Your session has ended. Sign in to continue.".to_owned(),
        ),
        AppError::Forbidden { permission } => ("Access denied", forbidden_text(*permission)),
        AppError::NotFound => (
            "Page not found",
            "It may have been moved or deleted, or you don’t have access to it.".to_owned(),
        ),
        AppError::Conflict { message } | AppError::TooLarge { message } => {
            ("Couldn’t complete", message.clone())
        }
        AppError::Invalid { .. } => ("Couldn’t complete", error.to_string()),
        AppError::TooManyRequests { .. } => ("Too many requests", error.to_string()),
        AppError::Unavailable { message } => ("Service unavailable", message.clone()),
        AppError::Internal => ("Something went wrong", error.to_string()),
        AppError::Transport { .. } => (
            "The server could not be reached",
            "Check your connection, then try again.".to_owned(),
        ),
    }
}

/// Says which permission is missing and who can grant it.
fn forbidden_text(permission: Permission) -> String {
    format!(
        "You need the permission “{}” ({permission}). {}",
        permission.sentence().trim_end_matches('.'),
        grant_hint(permission),
    )
}

/// Says who can grant the permission.
pub(crate) const fn grant_hint(permission: Permission) -> &'static str {
    if permission.is_for_roles() {
        "Ask an owner or admin of your organisation."
    } else {
        "It can only be granted on the server's command line: atrium operator add."
    }
}

/// Sets the status of the response being rendered.
pub(crate) fn set_status(error: &AppError) {
    if let (Some(response), Ok(status)) = (
        use_context::<leptos_axum::ResponseOptions>(),
        axum::http::StatusCode::from_u16(error.status()),
    ) {
        response.set_status(status);
        if matches!(error, AppError::Unavailable { .. }) {
            use axum::http::{HeaderValue, header::RETRY_AFTER};
            response.insert_header(RETRY_AFTER, HeaderValue::from_static("5"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_text_names_the_permission_and_who_can_grant_it() {
        assert_eq!(
            forbidden_text(Permission::AuditRead),
            "You need the permission “Read the audit log” (audit.read). Ask an owner or admin of your organisation."
        );
        let text = forbidden_text(Permission::PlatformOperate);
        assert!(text.ends_with("atrium operator add."), "{text}");
    }
}
