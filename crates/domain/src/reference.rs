//! The REST API's OpenAPI document, prepared for the reference page.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub version: String,
    /// The text before the operations.
    pub introduction: String,
    /// In the document's order.
    pub groups: Vec<OperationGroup>,
    /// The fields of an error response.
    pub problem: Vec<ReferenceField>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationGroup {
    pub name: String,
    pub operations: Vec<Operation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The OpenAPI operation id, used for links.
    pub id: String,
    /// `GET`, `POST` …
    pub method: String,
    /// With parameters in braces.
    pub path: String,
    pub summary: String,
    pub description: String,
    /// The key of the required permission.
    pub permission: String,
    /// Path, query and header parameters.
    pub parameters: Vec<ReferenceField>,
    /// Fields of the request body.
    pub body: Vec<ReferenceField>,
    /// The status of a successful response.
    pub status: String,
    /// Fields of the response body.
    pub answer: Vec<ReferenceField>,
    /// A shell command.
    pub example: String,
}

/// A parameter or a field of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceField {
    /// Nested fields are separated by dots.
    pub name: String,
    /// The type of the value.
    pub kind: String,
    /// For parameters: path, query or header.
    pub place: String,
    pub is_required: bool,
    pub description: String,
}
