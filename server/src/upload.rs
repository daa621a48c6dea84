//! Taking a file of memories: a plain form post, with and without JavaScript.
//! What has arrived goes into the database piece by piece.

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

/// Where the form is, and where it posts to.
pub(crate) const PATH: &str = "/memories/import";

/// Bytes that the form's body may have: the file and its wrapping.
pub(crate) const MAX_BODY_BYTES: u64 = MAX_FILE_BYTES + 64 * 1024;

/// Takes the file and sends the browser to the look at it; what stands in the
/// way is shown on the form's page.
pub(crate) async fn import_upload(
    State(ctx): State<Ctx>,
    Extension(actor): Extension<Option<Actor>>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let Some(actor) = actor else {
        return Redirect::to("/sign-in?return_to=%2Fmemories%2Fimport").into_response();
    };
    let mut begun = None;
    let taken = read(&ctx, &actor, form, &mut begun).await;
    if let (Err(_), Some(id)) = (&taken, begun)
        && let Err(error) = Upload::abandon(&ctx, &actor, id).await
    {
        tracing::warn!(%error, "a file that was not taken stays for now");
    }
    match taken {
        Ok(started) => {
            let page = format!("/memories/imports/{}", started.id);
            let page = if started.is_duplicate {
                Flash::ImportKnown.at(&page)
            } else {
                page
            };
            Redirect::to(&page).into_response()
        }
        Err(UploadError::Problem(problem)) => Redirect::to(&problem.path()).into_response(),
        Err(UploadError::App(error)) => error_response(&headers, &error),
    }
}

/// Reads the form; `begun` is the import that exists from the file's first
/// byte on.
async fn read(
    ctx: &Ctx,
    actor: &Actor,
    mut form: Multipart,
    begun: &mut Option<ImportId>,
) -> Result<ImportStarted, UploadError> {
    let mut upload = None;
    let mut format = None;
    while let Some(mut field) = form.next_field().await.map_err(|error| problem(&error))? {
        match field.name() {
            Some("file") if upload.is_none() => {
                let name = field.file_name().unwrap_or_default().to_owned();
                while let Some(bytes) = field.chunk().await.map_err(|error| problem(&error))? {
                    if upload.is_none() {
                        let begins = Upload::begin(ctx, actor, &name).await?;
                        *begun = Some(begins.id());
                        upload = Some(begins);
                    }
                    if let Some(upload) = &mut upload {
                        upload.write(&bytes).await?;
                    }
                }
                // A form sent without a choice carries a file without name and bytes.
                if upload.is_none() && !name.is_empty() {
                    return Err(UploadProblem::Empty.into());
                }
            }
            Some("format") => {
                // Empty: by the file itself.
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
