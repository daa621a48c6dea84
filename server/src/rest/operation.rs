//! REST routes and OpenAPI entries of operations.

use std::collections::BTreeSet;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{FromRequest as _, RawPathParams, RawQuery, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use domain::{Actor, AppError, import::ImportStarted};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, IntoDeserializer, Visitor,
        value::{MapDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value, json};
use service::{Ctx, Endpoint, Method, OperationVisitor, Route, visit_operations};

use super::{input::brief, problem::ApiError};

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
    path: RawPathParams,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, ApiError> {
    let actor = request.extensions().get::<Actor>().cloned();
    let actor = actor.ok_or(AppError::Unauthenticated)?;
    service::authorize_endpoint::<E>(&ctx, &actor).await?;
    let body = body_of(&E::ROUTE, request).await?;
    let input = read_input::<E::Input>(&path, query.as_deref(), body)?;
    let output = service::call::<E>(&ctx, &actor, input).await?;
    let status = StatusCode::from_u16(E::ROUTE.status).unwrap_or(StatusCode::OK);
    if status == StatusCode::NO_CONTENT {
        return Ok(status.into_response());
    }
    let output = serde_json::to_value(output).map_err(|_| AppError::Internal)?;
    let location = output["id"]
        .as_str()
        .filter(|_| status == StatusCode::CREATED)
        .and_then(|id| {
            HeaderValue::from_str(&format!("{}{}/{id}", super::PATH, E::ROUTE.path)).ok()
        });
    let mut response = (status, Json(output)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The fields of the JSON body. An operation that takes none accepts an empty
/// body.
async fn body_of(route: &Route, request: Request) -> Result<Map<String, Value>, ApiError> {
    if matches!(route.method, Method::Get | Method::Delete) {
        return Ok(Map::new());
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
    if body.is_empty() {
        return Ok(Map::new());
    }
    if !is_json {
        let message = "Send the body as `Content-Type: application/json`.".to_owned();
        let error = AppError::Transport { message };
        return Err(ApiError::with_status(
            error,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ));
    }
    match serde_json::from_slice(&body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(AppError::field("", "The body must be a JSON object.").into()),
        Err(error) => {
            let message = brief(&format!("The body is not valid JSON: {error}"));
            Err(AppError::Transport { message }.into())
        }
    }
}

/// Reads an operation's input from the path, the query and the body.
///
/// # Errors
/// [`AppError::NotFound`] for a path parameter that can't be an id;
/// [`AppError::Invalid`] with the field's name otherwise.
fn read_input<T: DeserializeOwned>(
    path: &RawPathParams,
    query: Option<&str>,
    body: Map<String, Value>,
) -> Result<T, AppError> {
    let mut input: Vec<(String, Part)> = Vec::new();
    let mut names = BTreeSet::new();
    let mut add = |name: String, part: Part| {
        if !names.insert(name.clone()) {
            return Err(AppError::field(name, "This field is given twice."));
        }
        input.push((name, part));
        Ok(())
    };
    for (name, value) in path {
        add(name.to_owned(), Part::Text(value.to_owned()))?;
    }
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        add(name.into_owned(), Part::Text(value.into_owned()))?;
    }
    for (name, value) in body {
        add(name, Part::Json(value))?;
    }
    let fields = MapDeserializer::<_, serde_json::Error>::new(input.into_iter());
    serde_path_to_error::deserialize(fields).map_err(|error| {
        let message = error.inner().to_string();
        // A missing or unknown field has no place in the input yet.
        let mentioned = ["missing field `", "unknown field `"]
            .iter()
            .find_map(|prefix| message.strip_prefix(prefix)?.split('`').next());
        let place = error.path().to_string();
        let place = Some(place.as_str()).filter(|place| !matches!(*place, "." | "?"));
        let field = match (place, mentioned) {
            (Some(place), Some(field)) if place.rsplit('.').next() != Some(field) => {
                format!("{place}.{field}")
            }
            (Some(place), _) => place.to_owned(),
            (None, field) => field.unwrap_or_default().to_owned(),
        };
        if path.iter().any(|(name, _)| name == field) {
            return AppError::NotFound;
        }
        AppError::field(field, brief(&message))
    })
}

/// A value of a request.
enum Part {
    /// From the path or the query.
    Text(String),
    /// From the body.
    Json(Value),
}

impl IntoDeserializer<'_, serde_json::Error> for Part {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parse_text {
    ($($method:ident => $visit:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
            match self {
                Self::Json(value) => value.$method(visitor),
                Self::Text(text) => match text.parse() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => visitor.visit_string(text),
                },
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Part {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Json(value) => value.deserialize_any(visitor),
            Self::Text(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self {
            Self::Json(value) => value.deserialize_option(visitor),
            Self::Text(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        match self {
            Self::Json(value) => value.deserialize_enum(name, variants, visitor),
            Self::Text(text) => {
                StringDeserializer::new(text).deserialize_enum(name, variants, visitor)
            }
        }
    }

    parse_text! {
        deserialize_bool => visit_bool,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_f32 => visit_f32,
        deserialize_f64 => visit_f64,
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u128 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
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
    // Sent by what is no operation.
    visitor.schemas.subschema_for::<ImportStarted>();
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
    for (name, mut schema) in fields {
        let is_in_path = in_path.contains(name.as_str());
        if has_body && !is_in_path {
            body.insert(name, schema);
            continue;
        }
        let description = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        parameters.push(json!({
            "name": name,
            "in": if is_in_path { "path" } else { "query" },
            "required": is_in_path || required.contains(&name),
            "description": description.unwrap_or_else(|| "".into()),
            "schema": schema,
        }));
    }
    // Any one of them is enough.
    let permissions = [E::ACTION.permission()].into_iter().chain(E::OR_PERMISSION);
    if E::ROUTE.method != Method::Get {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Your name for this call: sent again within a day, it happens once.",
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
                "description": "Why it was refused",
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
    entry
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
