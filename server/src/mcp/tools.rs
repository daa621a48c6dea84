//! The list of tools, and the results of their calls.

use domain::{Actor, AppError, Permission, error::cut};
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use service::Ctx;

use super::{
    connector::{self, Connector},
    tool::{OperationTool, operation_tools},
};
use crate::http::audit_not_found;

/// All tools, in the order in which they are listed.
pub(super) struct Tools {
    connector: [Tool; 2],
    operations: Vec<OperationTool>,
}

impl Tools {
    pub(super) fn new() -> Self {
        Self {
            connector: connector::tools(),
            operations: operation_tools(),
        }
    }

    /// The tools that a key with these permissions may use.
    pub(super) fn usable(&self, actor: &Actor) -> Vec<Tool> {
        let holds = |permission| actor.permissions.contains(permission);
        let connector = self.connector.iter();
        let connector = connector.filter(|_| holds(&Permission::MemoryRead));
        let operations = self.operations.iter();
        let operations = operations.filter(|tool| tool.permissions.iter().any(holds));
        connector
            .chain(operations.map(|operation| &operation.tool))
            .cloned()
            .collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<Tool> {
        let operations = self.operations.iter().map(|operation| &operation.tool);
        let mut all = self.connector.iter().chain(operations);
        all.find(|tool| tool.name == name).cloned()
    }

    /// Calls a tool. An error is a result, so that the model can correct its call.
    pub(super) async fn call(
        &self,
        ctx: &Ctx,
        actor: &Actor,
        memory_url: &str,
        (name, arguments): (&str, JsonObject),
    ) -> CallToolResult {
        let connector = Connector {
            ctx,
            actor,
            memory_url,
        };
        let answer = match name {
            "search" => connector.search(&arguments).await,
            "fetch" => connector.fetch(&arguments).await,
            _ => {
                let mut operations = self.operations.iter();
                match operations.find(|operation| operation.tool.name == name) {
                    Some(operation) => (operation.call)(ctx, actor, arguments).await,
                    None => Err(AppError::NotFound),
                }
            }
        };
        if answer == Err(AppError::NotFound) {
            let path = format!("{}/{name}", super::PATH);
            audit_not_found(ctx, actor, &path, None).await;
        }
        match answer {
            Ok(Some(answer)) => CallToolResult::structured(answer),
            Ok(None) => CallToolResult::success(vec![ContentBlock::text("Done.")]),
            Err(error) => CallToolResult::error(vec![ContentBlock::text(explain(&error))]),
        }
    }
}

/// Maximum characters of the errors of a call's arguments.
const MAX_ERRORS_CHARS: usize = 4_000;

/// The cause of an error and what to do, for a model.
fn explain(error: &AppError) -> String {
    match error {
        AppError::NotFound => "There is no memory with this id that the member can see; and only a memory of the \
                               member's own can be changed or deleted. Look for it with search_memories."
            .to_owned(),
        AppError::Conflict { message } => format!(
            "Nothing was changed: the memory is at another version by now, in the trash, a reply itself, or something else \
             waits of it. ({message}) Call get_memory, look at what it says now, and try again with that."
        ),
        AppError::Invalid { fields } => {
            let errors = fields.iter().map(|error| format!("{}: {}", error.field, error.message));
            let errors = errors.collect::<Vec<_>>().join(" ");
            format!("Nothing was changed. {}", cut(&errors, MAX_ERRORS_CHARS))
        }
        AppError::Forbidden { permission } => format!(
            "This API key lacks the permission “{permission}”. The member can create another key if they have the permission."
        ),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use domain::Permission;
    use serde_json::Value;

    use super::*;

    fn all() -> Vec<Tool> {
        let Tools {
            connector,
            operations,
        } = Tools::new();
        let operations = operations.into_iter().map(|operation| operation.tool);
        connector.into_iter().chain(operations).collect()
    }

    #[test]
    fn each_tool_has_hints_for_its_effect() {
        let tools = Tools::new();
        for tool in all() {
            let hints = tool.annotations.unwrap();
            let operation = tools
                .operations
                .iter()
                .find(|known| known.tool.name == tool.name);
            let reads =
                operation.is_none_or(|operation| operation.permissions == [Permission::MemoryRead]);
            assert_eq!(hints.read_only_hint, Some(reads), "{}", tool.name);
            assert_eq!(hints.open_world_hint, Some(false), "{}", tool.name);
            let destroys = ["update_memory", "delete_memory"].contains(&&*tool.name);
            assert_eq!(hints.destructive_hint, Some(destroys), "{}", tool.name);
            assert_eq!(tool.input_schema["type"], "object", "{}", tool.name);
            if let Some(output) = tool.output_schema {
                assert_eq!(output["type"], "object", "{}", tool.name);
            }
        }
    }

    /// Checks the limits of Ajv in strict mode and of Gemini's subset of OpenAPI 3.0.
    #[test]
    fn schemas_are_accepted_by_every_client() {
        for tool in all() {
            let name = &tool.name;
            check(&Value::Object((*tool.input_schema).clone()), name);
            if let Some(output) = tool.output_schema {
                check(&Value::Object((*output).clone()), name);
            }
        }
    }

    fn check(schema: &Value, at: &str) {
        const KEYWORDS: &[&str] = &[
            "type",
            "description",
            "enum",
            "format",
            "properties",
            "required",
            "items",
            "anyOf",
            "nullable",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
        ];
        let fields = schema.as_object().unwrap();
        for keyword in fields.keys() {
            assert!(KEYWORDS.contains(&keyword.as_str()), "{at}: {keyword}");
        }
        assert!(
            fields.contains_key("type") || fields.contains_key("anyOf"),
            "{at}: {schema}"
        );
        if let Some(kind) = fields.get("type") {
            let kind = kind
                .as_str()
                .unwrap_or_else(|| panic!("{at}: a list of types"));
            let known = ["object", "array", "string", "integer", "number", "boolean"];
            assert!(known.contains(&kind), "{at}: {kind}");
            assert_eq!(kind == "array", fields.contains_key("items"), "{at}");
        }
        if let Some(format) = fields.get("format") {
            assert_eq!(format, "date-time", "{at}");
        }
        for value in fields
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            assert!(value.is_string(), "{at}: {value}");
        }
        let properties = fields.get("properties").and_then(Value::as_object);
        for required in fields
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let is_property =
                properties.is_some_and(|p| p.contains_key(required.as_str().unwrap()));
            assert!(is_property, "{at}: {required}");
        }
        for (name, property) in properties.into_iter().flatten() {
            let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            assert!(is_plain, "{at}: {name}");
            check(property, &format!("{at}.{name}"));
        }
        if let Some(items) = fields.get("items") {
            check(items, &format!("{at}[]"));
        }
        for choice in fields
            .get("anyOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            check(choice, at);
        }
    }
}
