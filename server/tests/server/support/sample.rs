//! Requests built from the OpenAPI document, so that tests of all operations
//! include a new one without a change.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};
use uuid::Uuid;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// The query and the body with every required field of an operation. Text is
/// different each time, ids are the nil UUID.
pub(crate) fn request(document: &Value, operation: &Value) -> (String, Value) {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    for parameter in parameters {
        if parameter["in"] == "query" && parameter["required"] == true {
            let value = value(document, &parameter["schema"]);
            let text = value.as_str().map_or(value.to_string(), str::to_owned);
            query.append_pair(parameter["name"].as_str().unwrap(), &text);
        }
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    (query.finish(), value(document, body))
}

fn value(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).unwrap();
        return value(document, target);
    }
    let examples = schema.get("example").or_else(|| schema["examples"].get(0));
    if let Some(example) = examples {
        return example.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str().unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    };
    match (kind, schema["format"].as_str()) {
        ("string", Some("uuid")) => json!(Uuid::nil()),
        ("string", Some("date-time")) => json!("2030-01-01T00:00:00Z"),
        ("string", _) => json!(format!("Sample {}", NEXT.fetch_add(1, Ordering::Relaxed))),
        ("integer" | "number", _) => json!(1),
        ("boolean", _) => json!(false),
        ("array", _) => json!([value(document, &schema["items"])]),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten();
            let fields: Map<_, _> = required
                .filter_map(Value::as_str)
                .map(|name| {
                    let field = value(document, &schema["properties"][name]);
                    (name.to_owned(), field)
                })
                .collect();
            Value::Object(fields)
        }
    }
}
