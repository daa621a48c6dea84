//! Tools made from the operations that MCP offers.

use std::{future::Future, pin::Pin, sync::Arc};

use domain::{Actor, AppError, Permission, action::Effect};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use service::{Ctx, Endpoint, McpTool, Method, OperationVisitor, visit_operations};

use super::schema::{input_schema, output_schema};

/// The structured answer of a tool, or `None` if it has none.
pub(super) type ToolAnswer = Result<Option<Value>, AppError>;

type Call = for<'a> fn(
    &'a Ctx,
    &'a Actor,
    JsonObject,
) -> Pin<Box<dyn Future<Output = ToolAnswer> + Send + 'a>>;

/// A tool that is an operation.
pub(super) struct OperationTool {
    pub(super) tool: Tool,
    /// A key needs one of them.
    pub(super) permissions: Vec<Permission>,
    pub(super) call: Call,
}

/// The tools of all operations that MCP offers, in their order.
pub(super) fn operation_tools() -> Vec<OperationTool> {
    struct Tools(Vec<OperationTool>);

    impl OperationVisitor for Tools {
        fn visit<E: Endpoint>(&mut self) {
            if let Some(McpTool { name, description }) = E::MCP {
                let mut tool = Tool::new(name, description, schema::<E::Input>(input_schema))
                    .with_title(E::TITLE)
                    .with_annotations(annotations::<E>());
                if E::ROUTE.status != 204 {
                    tool = tool.with_raw_output_schema(schema::<E::Output>(output_schema));
                }
                let permissions = [E::ACTION.permission()].into_iter().chain(E::OR_PERMISSION);
                self.0.push(OperationTool {
                    tool,
                    permissions: permissions.collect(),
                    call: |ctx, actor, arguments| Box::pin(call::<E>(ctx, actor, arguments)),
                });
            }
        }
    }

    let mut tools = Tools(Vec::new());
    visit_operations(&mut tools);
    tools.0
}

/// The schema of `T`, as `simplify` makes it.
pub(super) fn schema<T: JsonSchema>(simplify: fn(Value) -> Value) -> Arc<JsonObject> {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let schema = settings.into_generator().into_root_schema_for::<T>();
    match simplify(schema.to_value()) {
        Value::Object(schema) => Arc::new(schema),
        _ => Arc::default(),
    }
}

fn annotations<E: Endpoint>() -> ToolAnnotations {
    let reads = E::ACTION.effect() == Effect::Read;
    let changes = !matches!(E::ROUTE.method, Method::Get | Method::Post);
    ToolAnnotations::with_title(E::TITLE)
        .read_only(reads)
        .destructive(changes)
        .idempotent(reads || changes)
        .open_world(false)
}

async fn call<E: Endpoint>(ctx: &Ctx, actor: &Actor, arguments: JsonObject) -> ToolAnswer {
    service::authorize_endpoint::<E>(ctx, actor).await?;
    let ids: Vec<_> = E::ROUTE
        .parameters()
        .filter(|name| arguments.get(*name).is_some_and(Value::is_string))
        .collect();
    let input = read_arguments::<E::Input>(&arguments);
    // An invalid id is answered like an unknown one.
    let input = input.map_err(|error| {
        if ids.iter().any(|name| error.for_field(name).is_some()) {
            AppError::NotFound
        } else {
            error
        }
    })?;
    let output = service::call::<E>(ctx, actor, input).await?;
    if E::ROUTE.status == 204 {
        return Ok(None);
    }
    to_answer(&output).map(Some)
}

pub(super) fn read_arguments<T: DeserializeOwned>(arguments: &JsonObject) -> Result<T, AppError> {
    let text = serde_json::to_string(arguments).map_err(|_| AppError::Internal)?;
    service::read_json_input(&text)
}

/// An output as a model reads it: without the fields that are null.
pub(super) fn to_answer<T: Serialize>(output: &T) -> Result<Value, AppError> {
    // Converted through text: `to_value` would turn an `f32` of 0.9 into 0.8999999761581421.
    let answer = serde_json::to_string(output).and_then(|text| serde_json::from_str(&text));
    let mut answer: Value = answer.map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        AppError::Internal
    })?;
    drop_nulls(&mut answer);
    Ok(answer)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
