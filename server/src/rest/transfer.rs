//! Upload of a file to import and download of an export. Both are streamed, so
//! they are not operations.

use axum::{
    Extension, Json,
    body::Body,
    extract::Query,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use domain::{
    Action, Actor, AppError,
    import::{ImportFormat, ImportStarted, UploadProblem},
};
use futures::StreamExt as _;
use serde::Deserialize;
use service::{Ctx, Upload, UploadError};
use utoipa::IntoParams;

use super::{
    PATH,
    input::{Authenticated, QueryParams},
    problem::ApiError,
};
use crate::download;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadParams {
    /// Its ending helps to detect the format.
    file_name: String,
    /// `json_lines`, `csv`, `markdown`, `plain_text`, `atrium`, `markdown_zip`,
    /// `chatgpt`, `claude` or `mem0`. Without it, the format is detected.
    #[serde(default)]
    format: Option<String>,
}

/// Upload a file of memories
///
/// The body is the file, up to 256 MB: UTF-8 text or a zip archive. It is stored
/// for a week, to be previewed and confirmed or discarded. Uploading the same
/// bytes again meanwhile returns the same import, so no `Idempotency-Key` is
/// needed.
#[utoipa::path(
    post, path = "/imports", tag = "Memories",
    security(("key" = ["memory.import"])),
    params(UploadParams),
    request_body(content = String, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "The new import", body = ref("#/components/schemas/ImportStarted")),
        (status = 200, description = "The import of the same bytes", body = ref("#/components/schemas/ImportStarted")),
    ),
)]
pub(super) async fn import_upload(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    params: Result<QueryParams<UploadParams>, ApiError>,
    body: Body,
) -> Result<(StatusCode, HeaderMap, Json<ImportStarted>), ApiError> {
    service::authorize(&ctx, &actor, Action::ImportStart).await?;
    let QueryParams(UploadParams { file_name, format }) = params?;
    let format = match format.as_deref() {
        None => None,
        Some(key) => Some(
            ImportFormat::from_key(key)
                .ok_or_else(|| AppError::field("format", "Unknown format."))?,
        ),
    };
    let started = store_file(&ctx, &actor, &file_name, format, body)
        .await
        .map_err(upload_error)?;
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::from_str(&format!("{PATH}/imports/{}", started.id)) {
        headers.insert(header::LOCATION, location);
    }
    let status = if started.is_duplicate {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, headers, Json(started)))
}

/// Streams the body into the database. Deletes what is stored if the file is
/// rejected.
async fn store_file(
    ctx: &Ctx,
    actor: &Actor,
    name: &str,
    format: Option<ImportFormat>,
    body: Body,
) -> Result<ImportStarted, UploadError> {
    let mut upload = Upload::begin(ctx, actor, name).await?;
    let id = upload.id();
    let mut chunks = body.into_data_stream();
    let stored = async {
        while let Some(chunk) = chunks.next().await {
            let bytes = chunk.map_err(|_| UploadProblem::Malformed)?;
            upload.write(&bytes).await?;
        }
        upload.finish(format).await
    }
    .await;
    if stored.is_err()
        && let Err(error) = Upload::abandon(ctx, actor, id).await
    {
        tracing::warn!(%error, "a rejected file stays until it is swept");
    }
    stored
}

fn upload_error(error: UploadError) -> ApiError {
    let problem = match error {
        UploadError::App(error) => return error.into(),
        UploadError::Problem(problem) => problem,
    };
    let message = problem.sentence().to_owned();
    match problem {
        UploadProblem::TooLarge => AppError::TooLarge { message },
        UploadProblem::QueueFull => AppError::Conflict { message },
        UploadProblem::UnknownFormat => {
            let message =
                "Neither the file's name nor its content tells its format: send `format`.";
            AppError::field("format", message)
        }
        _ => AppError::field("file", message),
    }
    .into()
}

/// Export memories as a file
///
/// The memories of a list with the same filter, streamed while they are read. If
/// the connection breaks, the file is incomplete.
#[utoipa::path(
    get, path = "/memories/export", tag = "Memories",
    security(("key" = ["memory.read"])),
    params(
        ("format" = String, Query, description = "`jsonl`, which has every field and can be imported, `csv`, or `markdown`, a zip archive with a file for each memory."),
    ),
    responses((
        status = 200, description = "The file", body = String,
        content_type = "application/octet-stream",
    )),
)]
pub(super) async fn memory_export(
    Extension(ctx): Extension<Ctx>,
    Authenticated(actor): Authenticated,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    Ok(download::export(&ctx, &actor, query).await?)
}
