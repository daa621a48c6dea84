//! Inputs that are the same for several operations.

use serde::{Deserialize, Serialize};

/// The input of an operation that takes none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NoInput {}

/// The input of an operation that replaces what `id` names with `input`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WithId<I, T> {
    pub id: I,
    #[serde(flatten)]
    pub input: T,
}
