//! REST routes and OpenAPI entries of operations.

use std::collections::BTreeSet;

use axum::{
    Router,
    body::Bytes,
    extract::{
        FromRequest as _, RawPathParams, RawQuery, Request, State,
        rejection::RawPathParamsRejection,
    },
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use domain::{Actor, AppError, import::ImportStarted, memory::MemoryFilter};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, error::Category, json};
use service::{
    Ctx, Endpoint, JsonObject, Method, OperationVisitor, Part, Route, brief, visit_operations,
};

use super::problem::ApiError;

/// The routes of all operations.
pub(super) fn routes() -> Router<Ctx> {
    struct Routes(Router<Ctx>);

    impl OperationVisitor for Routes {
        fn visit<E: Endpoint>(&mut self) {
            let method = match E::ROUTE.method {
                Method::Get => MethodFilter::GET,
                Method::Post => MethodFilter::POST,
                Method::Put => MethodFilter::PUT,
                Method::Patch => MethodFilter::PATCH,
                Method::Delete => MethodFilter::DELETE,
            };
            let router = std::mem::take(&mut self.0);
            self.0 = router.route(E::ROUTE.path, on(method, handle::<E>));
        }
    }

    let mut routes = Routes(Router::new());
    visit_operations(&mut routes);
    routes.0
}

async fn handle<E: Endpoint>(
    State(ctx): State<Ctx>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, ApiError> {
    let actor = request.extensions().get::<Actor>().cloned();
    let actor = actor.ok_or(AppError::Unauthenticated)?;
    service::authorize_endpoint::<E>(&ctx, &actor).await?;
    // A parameter that isn't UTF-8 can't be an id.
    let path = path.map_err(|_| AppError::NotFound)?;
    let body = body_of(&E::ROUTE, request).await?;
    let input = read_request::<E::Input>(&path, query.as_deref(), &body)?;
    let output = service::call::<E>(&ctx, &actor, input).await?;
    let status = if E::is_pending(&output) {
        StatusCode::ACCEPTED
    } else {
        StatusCode::from_u16(E::ROUTE.status).unwrap_or(StatusCode::OK)
    };
    if status == StatusCode::NO_CONTENT {
        return Ok(status.into_response());
    }
    // Written at once: a `Value` would turn an `f32` of 0.9 into 0.8999999761581421.
    let json = serde_json::to_vec(&output).map_err(|_| AppError::Internal)?;
    let location = (status == StatusCode::CREATED)
        .then(|| serde_json::from_slice(&json).ok())
        .flatten()
        .and_then(|Created { id }| {
            HeaderValue::from_str(&format!("{}{}/{id}", super::PATH, E::ROUTE.path)).ok()
        });
    let media_type = [(header::CONTENT_TYPE, "application/json")];
    let mut response = (status, media_type, json).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The id in the output of an operation that creates something.
#[derive(Deserialize)]
struct Created {
    id: String,
}

/// The JSON body. An operation that takes none accepts an empty one.
async fn body_of(route: &Route, request: Request) -> Result<Bytes, ApiError> {
    if matches!(route.method, Method::Get | Method::Delete) {
        return Ok(Bytes::new());
    }
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    let body = Bytes::from_request(request, &())
        .await
        .map_err(|_| AppError::TooLarge {
            message: "This body is larger than this operation accepts.".to_owned(),
        })?;
    if !body.is_empty() && !is_json {
        let message = "Send the body as `Content-Type: application/json`.".to_owned();
        let error = AppError::Transport { message };
        return Err(ApiError::with_status(
            error,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ));
    }
    Ok(body)
}

/// Reads an operation's input from the path, the query and the body.
///
/// # Errors
/// [`AppError::NotFound`] for a path parameter that can't be an id;
/// [`AppError::Invalid`] with the field's name otherwise.
fn read_request<T: DeserializeOwned>(
    path: &RawPathParams,
    query: Option<&str>,
    body: &[u8],
) -> Result<T, AppError> {
    let query: Vec<_> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
    let body = if body.is_empty() {
        JsonObject::default()
    } else {
        serde_json::from_slice(body).map_err(|error| match error.classify() {
            Category::Data => AppError::field("", "The body must be a JSON object."),
            _ => AppError::Transport {
                message: brief(&format!("The body is not valid JSON: {error}")),
            },
        })?
    };
    let text = |(name, value)| (name, Part::Text(value));
    let parts: Vec<_> = path
        .iter()
        .map(|(name, value)| text((name.to_owned(), value)))
        .chain(
            query
                .iter()
                .map(|(name, value)| text((name.to_string(), value.as_ref()))),
        )
        .chain(body.into_parts())
        .collect();
    service::read_input(&parts).map_err(|error| {
        let is_only_in_path = |name: &str| {
            let given = parts.iter().filter(|(known, _)| known == name);
            error.for_field(name).is_some() && given.count() == 1
        };
        if path.iter().any(|(name, _)| is_only_in_path(name)) {
            AppError::NotFound
        } else {
            error
        }
    })
}

/// Adds every operation and its schemas to an OpenAPI 3.1 document.
pub(super) fn describe(document: &mut Value) {
    struct Describe<'a> {
        paths: &'a mut Map<String, Value>,
        schemas: SchemaGenerator,
    }

    impl OperationVisitor for Describe<'_> {
        fn visit<E: Endpoint>(&mut self) {
            let entry = describe_one::<E>(&mut self.schemas);
            let item = self.paths.entry(E::ROUTE.path).or_insert_with(|| json!({}));
            item[method_name(E::ROUTE.method)] = entry;
        }
    }

    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let paths = document["paths"].take();
    let mut paths = paths.as_object().cloned().unwrap_or_default();
    let mut visitor = Describe {
        paths: &mut paths,
        schemas: settings.into_generator(),
    };
    visit_operations(&mut visitor);
    // The schemas of streams, which are not operations.
    visitor.schemas.subschema_for::<ImportStarted>();
    let filter = MemoryFilter::json_schema(&mut visitor.schemas).to_value();
    let fields = filter["properties"].as_object().into_iter().flatten();
    let filter = fields.map(|(name, schema)| parameter(name, "query", false, schema.clone()));
    if let Some(export) = visitor.paths["/memories/export"]["get"]["parameters"].as_array_mut() {
        export.extend(filter);
    }
    let schemas = visitor.schemas.take_definitions(true);
    document["paths"] = Value::Object(paths);
    for (name, schema) in schemas {
        document["components"]["schemas"][name] = schema;
    }
}

const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    }
}

fn describe_one<E: Endpoint>(schemas: &mut SchemaGenerator) -> Value {
    let in_path: BTreeSet<_> = E::ROUTE.parameters().collect();
    let mut input = E::Input::json_schema(schemas).to_value();
    let required: BTreeSet<String> =
        serde_json::from_value(input["required"].take()).unwrap_or_default();
    let fields = input["properties"].take();
    let fields = fields.as_object().cloned().unwrap_or_default();
    let has_body = !matches!(E::ROUTE.method, Method::Get | Method::Delete);
    let (mut parameters, mut body) = (Vec::new(), Map::new());
    for (name, schema) in fields {
        let is_in_path = in_path.contains(name.as_str());
        if has_body && !is_in_path {
            body.insert(name, schema);
            continue;
        }
        let place = if is_in_path { "path" } else { "query" };
        let is_required = is_in_path || required.contains(&name);
        parameters.push(parameter(&name, place, is_required, schema));
    }
    // Any one of them is enough.
    let permissions = [E::ACTION.permission()].into_iter().chain(E::OR_PERMISSION);
    if E::ROUTE.method != Method::Get {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A string of your choice: sent again within a day, the call is not repeated.",
            "schema": { "type": "string" },
        }));
    }
    let mut entry = json!({
        "operationId": operation_id::<E>(),
        "summary": E::TITLE,
        "description": E::DESCRIPTION,
        "tags": [E::GROUP.label()],
        "security": permissions.map(|permission| json!({ "key": [permission.key()] }))
            .collect::<Vec<_>>(),
        "parameters": parameters,
        "responses": {
            E::ROUTE.status.to_string(): { "description": "Success" },
            "default": {
                "description": "The error",
                "content": {
                    "application/problem+json": {
                        "schema": { "$ref": "#/components/schemas/Problem" },
                    },
                },
            },
        },
    });
    if !body.is_empty() {
        let required: Vec<_> = required
            .iter()
            .filter(|name| body.contains_key(*name))
            .collect();
        let schema = json!({
            "type": "object",
            "properties": body,
            "required": required,
            "additionalProperties": false,
        });
        entry["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema } },
        });
    }
    if E::ROUTE.status != 204 {
        let schema = schemas.subschema_for::<E::Output>();
        entry["responses"][E::ROUTE.status.to_string()]["content"] =
            json!({ "application/json": { "schema": schema } });
    }
    if E::ROUTE.may_be_pending {
        let mut response = entry["responses"][E::ROUTE.status.to_string()].clone();
        response["description"] = "The change waits for a review".into();
        entry["responses"]["202"] = response;
    }
    entry
}

fn parameter(name: &str, place: &str, is_required: bool, mut schema: Value) -> Value {
    let description = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("description"));
    json!({
        "name": name,
        "in": place,
        "required": is_required,
        "description": description.unwrap_or_else(|| "".into()),
        "schema": schema,
    })
}

/// The name of the operation's type in snake case.
fn operation_id<E: Endpoint>() -> String {
    let name = std::any::type_name::<E>();
    let name = name.rsplit("::").next().unwrap_or(name);
    let mut id = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !id.is_empty() {
            id.push('_');
        }
        id.extend(letter.to_lowercase());
    }
    id
}
