//! Taking a file of memories: a plain form post, with and without JavaScript.

use app::Flash;
use axum::{
    Extension,
    extract::{Multipart, State, multipart::MultipartError},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Actor,
    import::{ImportFormat, MAX_FILE_BYTES, UploadProblem},
};
use service::{Ctx, ImportFile};

use crate::http::refuse;

/// Where the form is, and where it posts to.
pub(crate) const PATH: &str = "/memories/import";

/// Bytes that the form's body may have: the file and its wrapping.
pub(crate) const MAX_BODY_BYTES: u64 = MAX_FILE_BYTES as u64 + 64 * 1024;

/// Starts the import and sends the browser to its progress; what stands in
/// the way is shown on the form's page.
pub(crate) async fn import_upload(
    State(ctx): State<Ctx>,
    Extension(actor): Extension<Option<Actor>>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let Some(actor) = actor else {
        return Redirect::to("/sign-in?return_to=%2Fmemories%2Fimport").into_response();
    };
    let file = match read(form).await {
        Ok(file) => file,
        Err(problem) => return Redirect::to(&problem.path()).into_response(),
    };
    match service::import_start(&ctx, &actor, &file).await {
        Ok(started) => {
            let page = format!("/memories/imports/{}", started.id);
            let page = if started.already_given {
                Flash::ImportKnown.at(&page)
            } else {
                page
            };
            Redirect::to(&page).into_response()
        }
        Err(error) => refuse(&headers, &error),
    }
}

async fn read(mut form: Multipart) -> Result<ImportFile, UploadProblem> {
    let mut file = None;
    let mut format = None;
    while let Some(field) = form.next_field().await.map_err(|error| problem(&error))? {
        match field.name() {
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let content = field.bytes().await.map_err(|error| problem(&error))?;
                file = Some((name, content.to_vec()));
            }
            Some("format") => {
                // Empty: by the file's name.
                let key = field.text().await.map_err(|error| problem(&error))?;
                format = ImportFormat::from_key(&key);
            }
            _ => {}
        }
    }
    match file {
        // A form sent without a choice carries a file without name and bytes.
        Some((name, content)) if !name.is_empty() || !content.is_empty() => {
            ImportFile::parse(&name, format, content)
        }
        _ => Err(UploadProblem::NoFile),
    }
}

fn problem(error: &MultipartError) -> UploadProblem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        UploadProblem::TooLarge
    } else {
        UploadProblem::Malformed
    }
}
