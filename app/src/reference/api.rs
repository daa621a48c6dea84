//! Server function of the reference.

use domain::{AppError, reference::Reference};
use leptos::prelude::*;

use crate::{AppInfo, api};

/// The reference of the REST API, with this installation's URL in examples.
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
