//! The REST API as its reference page shows it.

use serde::{Deserialize, Serialize};

/// All operations, by what they are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The API's version.
    pub version: String,
    /// What to know before the first call.
    pub introduction: String,
    /// The groups, in the document's order.
    pub groups: Vec<OperationGroup>,
    /// What refusals look like.
    pub problem: Vec<ReferenceField>,
}

/// Operations on the same kind of thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationGroup {
    /// What they are about.
    pub name: String,
    /// The operations.
    pub operations: Vec<Operation>,
}

/// One method on one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id in the document, for links.
    pub id: String,
    /// `GET`, `POST` …
    pub method: String,
    /// With its parameters in braces.
    pub path: String,
    /// What it does, in a few words.
    pub summary: String,
    /// What else there is to know.
    pub description: String,
    /// The key of the permission that it needs.
    pub permission: String,
    /// In path, query and header.
    pub parameters: Vec<ReferenceField>,
    /// Of the body that it takes.
    pub body: Vec<ReferenceField>,
    /// How it answers when all is well.
    pub status: String,
    /// Of the body that it answers.
    pub answer: Vec<ReferenceField>,
    /// A call that can be pasted into a shell.
    pub example: String,
}

/// A parameter or a field of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceField {
    /// Its name; fields within fields have a dot.
    pub name: String,
    /// What kind of value it has.
    pub kind: String,
    /// Where it stands, for parameters: path, query or header.
    pub place: String,
    /// It has to be there.
    pub is_required: bool,
    /// What it means.
    pub description: String,
}
