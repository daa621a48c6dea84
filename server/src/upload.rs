//! Upload of a file of memories by a plain form post, with and without
//! JavaScript. The file is streamed into the database.

use app::Flash;
use axum::{
    Extension,
    extract::{Multipart, State, multipart::MultipartError},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Actor, ImportId,
    import::{ImportFormat, ImportStarted, MAX_FILE_BYTES, UploadProblem},
};
use service::{Ctx, Upload, UploadError};

use crate::http::error_response;

/// Path of the form and of its post.
pub(crate) const PATH: &str = "/memories/import";

/// Maximum size of the form's body in bytes: the file and its multipart
/// framing.
pub(crate) const MAX_BODY_BYTES: u64 = MAX_FILE_BYTES + 64 * 1024;

/// Stores the file and redirects to its preview, or back to the form with the
/// problem.
pub(crate) async fn import_upload(
    State(ctx): State<Ctx>,
    Extension(actor): Extension<Option<Actor>>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let Some(actor) = actor else {
        return Redirect::to("/sign-in?return_to=%2Fmemories%2Fimport").into_response();
    };
    let mut import_id = None;
    let result = read(&ctx, &actor, form, &mut import_id).await;
    if let (Err(_), Some(id)) = (&result, import_id)
        && let Err(error) = Upload::abandon(&ctx, &actor, id).await
    {
        tracing::warn!(%error, "a rejected file stays until it is swept");
    }
    match result {
        Ok(started) => {
            let page = format!("/memories/imports/{}", started.id);
            let page = if started.is_duplicate {
                Flash::IMPORT_DUPLICATE.at(&page)
            } else {
                page
            };
            Redirect::to(&page).into_response()
        }
        Err(UploadError::Problem(problem)) => Redirect::to(&problem.path()).into_response(),
        Err(UploadError::App(error)) => error_response(&headers, &error),
    }
}

/// Reads the form. Sets `import_id` as soon as the import exists, at the file's
/// first byte.
async fn read(
    ctx: &Ctx,
    actor: &Actor,
    mut form: Multipart,
    import_id: &mut Option<ImportId>,
) -> Result<ImportStarted, UploadError> {
    let mut upload = None;
    let mut format = None;
    while let Some(mut field) = form.next_field().await.map_err(|error| problem(&error))? {
        match field.name() {
            Some("file") if upload.is_none() => {
                let name = field.file_name().unwrap_or_default().to_owned();
                while let Some(bytes) = field.chunk().await.map_err(|error| problem(&error))? {
                    if upload.is_none() {
                        let new_upload = Upload::begin(ctx, actor, &name).await?;
                        *import_id = Some(new_upload.id());
                        upload = Some(new_upload);
                    }
                    if let Some(upload) = &mut upload {
                        upload.write(&bytes).await?;
                    }
                }
                // A form without a selected file has a part without name and
                // bytes.
                if upload.is_none() && !name.is_empty() {
                    return Err(UploadProblem::Empty.into());
                }
            }
            Some("format") => {
                // Empty means detection by content.
                let key = field.text().await.map_err(|error| problem(&error))?;
                format = ImportFormat::from_key(&key);
            }
            _ => {}
        }
    }
    match upload {
        Some(upload) => upload.finish(format).await,
        None => Err(UploadProblem::NoFile.into()),
    }
}

fn problem(error: &MultipartError) -> UploadProblem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        UploadProblem::TooLarge
    } else {
        UploadProblem::Malformed
    }
}
