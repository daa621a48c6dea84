//! JSON Schema of values whose Rust type is not our own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// The schema of a [`Timestamp`](crate::Timestamp) that serde writes as
/// RFC 3339: `#[schemars(with = "DateTime")]`.
pub struct DateTime;

impl JsonSchema for DateTime {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DateTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// The schema of an enum that is sent as its key.
macro_rules! key_schema {
    ($name:ident) => {
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let keys: Vec<_> = Self::ALL.iter().map(|value| value.key()).collect();
                schemars::json_schema!({ "type": "string", "enum": keys })
            }
        }
    };
}

pub(crate) use key_schema;
