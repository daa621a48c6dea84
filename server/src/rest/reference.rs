//! Converts the OpenAPI document to the content of the reference page.

use domain::reference::{Operation, OperationGroup, Reference, ReferenceField};
use serde_json::Value;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The maximum depth of nested fields.
const MAX_DEPTH: usize = 3;

pub(super) fn reference(document: &Value) -> Reference {
    let mut groups: Vec<OperationGroup> = Vec::new();
    let paths = document["paths"].as_object().into_iter().flatten();
    for (path, item) in paths {
        for method in METHODS {
            let Some(described) = item.get(method) else {
                continue;
            };
            let name = text(&described["tags"][0]);
            let operation = operation(document, method, path, described);
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.operations.push(operation),
                None => groups.push(OperationGroup {
                    name,
                    operations: vec![operation],
                }),
            }
        }
    }
    Reference {
        version: text(&document["info"]["version"]),
        introduction: text(&document["info"]["description"]),
        groups,
        problem: fields(document, &document["components"]["schemas"]["Problem"]),
    }
}

fn operation(document: &Value, method: &str, path: &str, described: &Value) -> Operation {
    let permission = text(&described["security"][0]["key"][0]);
    let parameters = described["parameters"].as_array().into_iter().flatten();
    let parameters = parameters
        .map(|parameter| ReferenceField {
            name: text(&parameter["name"]),
            kind: kind(document, &parameter["schema"]),
            place: text(&parameter["in"]),
            is_required: parameter["required"] == true,
            description: text(&parameter["description"]),
        })
        .collect();
    let body = &described["requestBody"]["content"]["application/json"]["schema"];
    let responses = described["responses"].as_object().into_iter().flatten();
    let success = responses
        .into_iter()
        .find(|(status, _)| status.starts_with('2'));
    let (status, answer) = success.map_or((String::new(), &Value::Null), |(status, response)| {
        let schema = &response["content"]["application/json"]["schema"];
        (status.clone(), schema)
    });
    Operation {
        id: text(&described["operationId"]),
        method: method.to_uppercase(),
        path: format!("/api/v1{path}"),
        summary: text(&described["summary"]),
        description: text(&described["description"]),
        permission,
        parameters,
        body: fields(document, body),
        status,
        answer: fields(document, answer),
        example: example(document, method, path, body),
    }
}

/// The fields of an object; nested fields have dotted names.
fn fields(document: &Value, schema: &Value) -> Vec<ReferenceField> {
    let mut all = Vec::new();
    collect(document, schema, "", MAX_DEPTH, &mut all);
    all
}

fn collect(
    document: &Value,
    schema: &Value,
    prefix: &str,
    depth: usize,
    all: &mut Vec<ReferenceField>,
) {
    let schema = resolved(document, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, prefix, depth, all);
    }
    let required = schema["required"].as_array();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let full = format!("{prefix}{name}");
        let is_required = required.is_some_and(|names| names.iter().any(|n| n == name));
        all.push(ReferenceField {
            kind: kind(document, property),
            place: String::new(),
            is_required,
            description: text(&property["description"]),
            name: full.clone(),
        });
        if depth > 0 {
            let inner = match property.get("items") {
                Some(items) => (items, format!("{full}[].")),
                None => (property, format!("{full}.")),
            };
            collect(document, inner.0, &inner.1, depth - 1, all);
        }
    }
}

fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or(&Value::Null),
        None => schema,
    }
}

/// The type of a value, in words.
fn kind(document: &Value, schema: &Value) -> String {
    let schema = resolved(document, schema);
    let of = |name: &str| match (name, schema["format"].as_str()) {
        ("array", _) => format!("list of {}", kind(document, &schema["items"])),
        ("string", Some("uuid")) => "id".to_owned(),
        ("string", Some("date-time")) => "time".to_owned(),
        ("string", _) => "text".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        (name, _) => name.to_owned(),
    };
    match &schema["type"] {
        Value::String(name) => of(name),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str).map(of);
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

/// A call for a shell in which `ATRIUM_KEY` is the key.
fn example(document: &Value, method: &str, path: &str, body: &Value) -> String {
    let mut lines = vec![format!("curl {{origin}}/api/v1{path}")];
    if method != "get" {
        lines[0] = format!("curl -X {} {{origin}}/api/v1{path}", method.to_uppercase());
    }
    lines.push("-H \"Authorization: Bearer $ATRIUM_KEY\"".to_owned());
    if method != "get" {
        lines.push("-H \"Idempotency-Key: $(uuidgen)\"".to_owned());
    }
    let body = resolved(document, body);
    if let Some(properties) = body["properties"].as_object() {
        let given: serde_json::Map<_, _> = properties
            .iter()
            .filter_map(|(name, property)| Some((name.clone(), property.get("example")?.clone())))
            .collect();
        lines.push("-H \"Content-Type: application/json\"".to_owned());
        lines.push(format!("-d '{}'", Value::Object(given)));
    }
    lines.join(" \\\n  ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
