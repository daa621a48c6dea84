//! What server functions share.

/// The use cases' context and who asks.
///
/// # Errors
/// `Unauthenticated` without a session; `Internal` when the server forgot to
/// provide the context, which its own tests would find.
#[cfg(feature = "ssr")]
pub(crate) fn caller() -> Result<(service::Ctx, domain::Actor), domain::AppError> {
    use domain::AppError;
    use leptos::prelude::use_context;

    let actor = use_context::<Option<domain::Actor>>().flatten();
    let ctx = use_context::<service::Ctx>().ok_or(AppError::Internal)?;
    Ok((ctx, actor.ok_or(AppError::Unauthenticated)?))
}

/// What links of ours begin with, e.g. `https://atrium.example.org`.
///
/// # Errors
/// `Internal` when the server forgot to provide the context.
#[cfg(feature = "ssr")]
pub(crate) fn origin() -> Result<String, domain::AppError> {
    leptos::prelude::use_context::<crate::AppInfo>()
        .map(|info| info.public_url)
        .ok_or(domain::AppError::Internal)
}

/// Sends the person on after a form was done, with and without JavaScript.
#[cfg(feature = "ssr")]
pub(crate) fn go(path: &str, flash: crate::Flash) {
    leptos_axum::redirect(&flash.at(path));
}
