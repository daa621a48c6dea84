//! JSON Schema that clients of MCP accept: Ajv in strict mode, and the subset
//! of OpenAPI 3.0 that Gemini reads.

use serde_json::{Map, Value, json};

/// The keywords that are kept as they are.
const KEYWORDS: &[&str] = &[
    "type",
    "description",
    "enum",
    "required",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
];

/// The schema of a tool's arguments. A field that may be null says so by
/// `nullable`.
pub(super) fn input_schema(schema: Value) -> Value {
    simplify(schema, true)
}

/// The schema of a tool's answer, in which no field is null.
pub(super) fn output_schema(schema: Value) -> Value {
    simplify(schema, false)
}

fn simplify(schema: Value, is_input: bool) -> Value {
    let Value::Object(mut schema) = schema else {
        // `true`: any value.
        return json!({});
    };
    let mut is_nullable = take_null_type(&mut schema);
    for keyword in ["anyOf", "oneOf"] {
        let Some(Value::Array(choices)) = schema.remove(keyword) else {
            continue;
        };
        let count = choices.len();
        let mut choices: Vec<_> = choices
            .into_iter()
            .filter(|choice| choice["type"] != "null")
            .collect();
        is_nullable |= choices.len() < count;
        if choices.len() == 1 {
            let Some(Value::Object(only)) = choices.pop() else {
                continue;
            };
            for (name, value) in only {
                schema.entry(name).or_insert(value);
            }
            is_nullable |= take_null_type(&mut schema);
        } else {
            let choices = choices.into_iter().map(|choice| simplify(choice, is_input));
            schema.insert("anyOf".to_owned(), choices.collect());
        }
    }
    let mut simple = Map::new();
    for (keyword, value) in schema {
        match keyword.as_str() {
            "properties" => {
                let Value::Object(fields) = value else {
                    continue;
                };
                let fields: Map<_, _> = fields
                    .into_iter()
                    .map(|(name, field)| (name, simplify(field, is_input)))
                    .collect();
                simple.insert(keyword, fields.into());
            }
            "items" => {
                simple.insert(keyword, simplify(value, is_input));
            }
            "const" => {
                simple.insert("enum".to_owned(), json!([value]));
            }
            "format" if value == "date-time" => {
                simple.insert(keyword, value);
            }
            "anyOf" => {
                simple.insert(keyword, value);
            }
            keyword if KEYWORDS.contains(&keyword) => {
                simple.insert(keyword.to_owned(), value);
            }
            _ => {}
        }
    }
    if is_input && is_nullable {
        simple.insert("nullable".to_owned(), true.into());
    }
    Value::Object(simple)
}

/// Replaces a list of types by the one that isn't null. Returns true if null
/// was among them.
fn take_null_type(schema: &mut Map<String, Value>) -> bool {
    let Some(Value::Array(types)) = schema.get("type") else {
        return false;
    };
    let other = types.iter().find(|kind| **kind != "null").cloned();
    let is_nullable = types.iter().any(|kind| kind == "null");
    if let Some(other) = other {
        schema.insert("type".to_owned(), other);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    is_nullable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_types_and_foreign_keywords_are_replaced() {
        let schema = json!({
            "$schema": "x", "title": "T", "type": "object", "additionalProperties": false,
            "properties": {
                "at": { "type": ["string", "null"], "format": "date-time", "default": null },
                "id": { "type": "string", "format": "uuid" },
                "limit": { "type": ["integer", "null"], "format": "uint16", "minimum": 0 },
                "mode": { "anyOf": [{ "type": "string", "enum": ["a"] }, { "type": "null" }] },
                "op": { "const": "create" },
                "list": { "type": "array", "items": { "type": ["string", "null"] } },
            },
            "required": ["id"],
        });
        let fields = |is_input: bool| {
            let mut fields = json!({
                "at": { "type": "string", "format": "date-time", "nullable": true },
                "id": { "type": "string" },
                "limit": { "type": "integer", "minimum": 0, "nullable": true },
                "mode": { "type": "string", "enum": ["a"], "nullable": true },
                "op": { "enum": ["create"] },
                "list": { "type": "array", "items": { "type": "string", "nullable": true } },
            });
            if !is_input {
                for (_, field) in fields.as_object_mut().unwrap() {
                    field.as_object_mut().unwrap().remove("nullable");
                }
                fields["list"]["items"] = json!({ "type": "string" });
            }
            json!({ "type": "object", "properties": fields, "required": ["id"] })
        };
        assert_eq!(input_schema(schema.clone()), fields(true));
        assert_eq!(output_schema(schema), fields(false));
    }
}
