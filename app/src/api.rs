//! Helpers that server functions share.

/// The service context and the actor of the current request.
///
/// # Errors
/// `Unauthenticated` without a session; `Internal` if the server did not
/// provide the context.
pub(crate) fn caller() -> Result<(service::Ctx, domain::Actor), domain::AppError> {
    use domain::AppError;
    use leptos::prelude::use_context;

    let actor = use_context::<Option<domain::Actor>>().flatten();
    let ctx = use_context::<service::Ctx>().ok_or(AppError::Internal)?;
    Ok((ctx, actor.ok_or(AppError::Unauthenticated)?))
}

/// The public base URL without a trailing slash, e.g.
/// `https://atrium.example.org`.
pub(crate) fn origin() -> Result<String, domain::AppError> {
    leptos::prelude::use_context::<crate::AppInfo>()
        .map(|info| info.public_url)
        .ok_or(domain::AppError::Internal)
}

/// Redirects to `path` with `flash`, with and without JavaScript.
pub(crate) fn redirect_with_flash(path: &str, flash: crate::Flash) {
    leptos_axum::redirect(&flash.at(path));
}
