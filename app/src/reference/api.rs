//! Server function of the reference.
#![cfg_attr(
    feature = "ssr",
    expect(clippy::unused_async, reason = "server functions are async")
)]

use domain::{AppError, reference::Reference};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{AppInfo, api};

/// The reference of the REST API, with this installation's URL in examples.
#[server(endpoint = "reference_get")]
pub(crate) async fn reference_get() -> Result<Reference, AppError> {
    api::caller()?;
    let info = use_context::<AppInfo>().ok_or(AppError::Internal)?;
    let mut reference = (*info.reference).clone();
    for operation in reference
        .groups
        .iter_mut()
        .flat_map(|group| &mut group.operations)
    {
        operation.example = operation.example.replace("{origin}", &info.public_url);
    }
    Ok(reference)
}
