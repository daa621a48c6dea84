//! Download of the memories that the list shows.

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::{Actor, AppError, memory::MemoryFilter};
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value};
use service::{Ctx, Export, ExportFormat, brief};

use crate::http::error_response;

/// Path of the file. Its query has the list's parameters and `format`.
pub(crate) const PATH: &str = "/memories/export/file";

/// Streams the file while it is generated.
pub(crate) async fn memory_download(
    State(ctx): State<Ctx>,
    Extension(actor): Extension<Option<Actor>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let Some(actor) = actor else {
        return Redirect::to("/sign-in?return_to=%2Fmemories%2Fexport").into_response();
    };
    let exported = export(&ctx, &actor, query).await;
    exported.unwrap_or_else(|error| error_response(&headers, &error))
}

/// Streams the memories that match the query's filter, as a file in its
/// `format`.
pub(crate) async fn export(
    ctx: &Ctx,
    actor: &Actor,
    query: Vec<(String, String)>,
) -> Result<Response, AppError> {
    let mut format = None;
    let mut filter = Map::new();
    for (name, value) in query {
        if name == "format" {
            format = ExportFormat::from_key(&value);
        } else {
            filter.insert(name, Value::from(value));
        }
    }
    let format =
        format.ok_or_else(|| AppError::field("format", "Choose jsonl, csv or markdown."))?;
    // The same parameters as in the list's URL.
    let filter: MemoryFilter = serde_json::from_value(filter.into())
        .map_err(|error| AppError::field("filter", brief(&error.to_string())))?;
    let export = service::memory_export(ctx, actor, &filter, format).await?;
    let day = ctx.clock.now().date();
    let name = format!("atrium-memories-{day}.{}", format.ending());
    let mut response = Response::new(body(export));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.media_type()),
    );
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Streams the export. Aborts the response on an error, so that a partial file
/// is not mistaken for a complete one.
fn body(export: Export) -> Body {
    let chunks = stream::unfold(export, |mut export| async {
        let chunk = export.next().await?;
        Some((chunk.map(Bytes::from), export))
    });
    // Compression polls it again after its end.
    Body::from_stream(chunks.fuse())
}
