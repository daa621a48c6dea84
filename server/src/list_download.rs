//! Download of what a list shows, as CSV or JSON.

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use domain::{Actor, AppError};
use serde::Serialize;
use serde_json::{Map, Value};
use service::{Ctx, Endpoint, Part, read_input};

use crate::http::error_response;

/// Path of the files: the list's name and its format. The query is that of the
/// list's page.
pub(crate) const PATH: &str = "/export/{file}";

/// Maximum number of rows in a file, which is collected in memory.
const MAX_ROWS: usize = 50_000;

type Row = Map<String, Value>;

pub(crate) async fn list_download(
    State(ctx): State<Ctx>,
    Extension(actor): Extension<Option<Actor>>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(actor) = actor else {
        return Redirect::to("/sign-in").into_response();
    };
    let query = query.unwrap_or_default();
    let exported = export(&ctx, &actor, &file, &query).await;
    exported.unwrap_or_else(|error| error_response(&headers, &error))
}

async fn export(ctx: &Ctx, actor: &Actor, file: &str, query: &str) -> Result<Response, AppError> {
    let (list, format) = file.split_once('.').ok_or(AppError::NotFound)?;
    let media_type = match format {
        "csv" => "text/csv; charset=utf-8; header=present",
        "json" => "application/json",
        _ => return Err(AppError::NotFound),
    };
    let rows = match list {
        "all-keys" => rows::<service::OrganisationApiKeyList>(ctx, actor, query).await,
        "audit" => rows::<service::AuditList>(ctx, actor, query).await,
        "invites" => rows::<service::InviteList>(ctx, actor, query).await,
        "keys" => rows::<service::ApiKeyList>(ctx, actor, query).await,
        "members" => rows::<service::MemberList>(ctx, actor, query).await,
        "proposals" => rows::<service::ProposalList>(ctx, actor, query).await,
        "teams" => rows::<service::TeamList>(ctx, actor, query).await,
        _ => Err(AppError::NotFound),
    }?;
    let body = if format == "csv" {
        service::rows_csv(&rows).map_err(|error| internal(&error))?
    } else {
        serde_json::to_vec_pretty(&rows).map_err(|error| internal(&error))?
    };
    let day = ctx.clock.now().date();
    let disposition = format!("attachment; filename=\"atrium-{list}-{day}.{format}\"");
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// All rows of the pages that `E` reads for `query`, from its first page.
async fn rows<E: Endpoint>(ctx: &Ctx, actor: &Actor, query: &str) -> Result<Vec<Row>, AppError>
where
    E::Output: Serialize,
{
    let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, value)| name != "after" && !value.is_empty())
        .collect();
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let mut parts: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.to_string(), Part::Text(value)))
            .collect();
        parts.push(("after".to_owned(), Part::Text(&after)));
        let output = service::call::<E>(ctx, actor, read_input(&parts)?).await?;
        let mut output = serde_json::to_value(output).map_err(|error| internal(&error))?;
        let items = output.get_mut("items").map(Value::take).unwrap_or_default();
        let items: Vec<Row> = serde_json::from_value(items).map_err(|error| internal(&error))?;
        rows.extend(items);
        if rows.len() > MAX_ROWS {
            return Err(AppError::TooLarge {
                message: "The list has more than 50,000 rows. Add a filter, such as a period, and export again.".into(),
            });
        }
        match output.get("next").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut after),
            None => return Ok(rows),
        }
    }
}

fn internal(error: &dyn std::error::Error) -> AppError {
    tracing::error!(%error, "an export failed");
    AppError::Internal
}
