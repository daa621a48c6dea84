//! The enums that describe a memory: kind, visibility, origin, term, vendors.

use serde::{Deserialize, Serialize};

use crate::{AppError, keyed_enum::keyed_enum};

keyed_enum! {
    MemoryKind {
        /// A statement of fact.
        Fact = "fact", "Fact";
        /// A preference of a person.
        Preference = "preference", "Preference";
        Event = "event", "Event";
        SkillNote = "skill_note", "Skill note";
        Context = "context", "Background";
    }
}

keyed_enum! {
    Visibility {
        Private = "private", "Private";
        Team = "team", "Team";
        Org = "org", "Organisation";
    }
}

keyed_enum! {
    /// The channel through which a memory was created.
    Origin {
        /// Written in the web interface.
        Dashboard = "dashboard", "Dashboard";
        Import = "import", "Import";
        /// Written through the REST API.
        Api = "api", "API";
        /// Written over MCP by a client that has no variant of its own.
        Mcp = "mcp", "MCP";
        Chatgpt = "chatgpt", "ChatGPT";
        Claude = "claude", "Claude";
        Cursor = "cursor", "Cursor";
        Copilot = "copilot", "Copilot";
        Gemini = "gemini", "Gemini";
        /// Written by an agent of the organisation.
        Agent = "agent", "Agent";
    }
}

keyed_enum! {
    /// The intended lifetime of a memory.
    Term {
        /// Until its expiry.
        Short = "short", "Until a date";
        /// Until it is deleted.
        Long = "long", "Until deleted";
    }
}

keyed_enum! {
    /// The AI product that a program belongs to.
    Vendor {
        Chatgpt = "chatgpt", "ChatGPT";
        Claude = "claude", "Claude";
        Cursor = "cursor", "Cursor";
        Copilot = "copilot", "Copilot";
        Gemini = "gemini", "Gemini";
        Other = "other", "Other programs";
    }
}

impl Vendor {
    /// The origin of memories written by this vendor's programs; `None` for
    /// [`Vendor::Other`].
    pub const fn origin(self) -> Option<Origin> {
        match self {
            Self::Chatgpt => Some(Origin::Chatgpt),
            Self::Claude => Some(Origin::Claude),
            Self::Cursor => Some(Origin::Cursor),
            Self::Copilot => Some(Origin::Copilot),
            Self::Gemini => Some(Origin::Gemini),
            Self::Other => None,
        }
    }
}

/// The vendors whose programs may read a memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<&'static str>", try_from = "Vec<String>")]
pub enum AllowedVendors {
    #[default]
    All,
    /// Without duplicates; empty allows none.
    Only(Vec<Vendor>),
}

impl AllowedVendors {
    /// The key for [`AllowedVendors::All`].
    pub const WILDCARD: &str = "*";

    pub fn keys(&self) -> Vec<&'static str> {
        match self {
            Self::All => vec![Self::WILDCARD],
            Self::Only(vendors) => vendors.iter().map(|vendor| vendor.key()).collect(),
        }
    }

    /// Parses keys; [`AllowedVendors::WILDCARD`] among them allows all.
    pub fn from_keys<T: AsRef<str>>(keys: &[T]) -> Result<Self, AppError> {
        let mut vendors = Vec::new();
        let mut allows_all = false;
        for key in keys {
            if key.as_ref() == Self::WILDCARD {
                allows_all = true;
                continue;
            }
            let vendor = Vendor::from_key(key.as_ref()).ok_or_else(|| {
                let known: Vec<_> = Vendor::ALL.iter().map(|vendor| vendor.key()).collect();
                AppError::field(
                    "allowed_vendors",
                    format!("Choose among {}, or * for all.", known.join(", ")),
                )
            })?;
            if !vendors.contains(&vendor) {
                vendors.push(vendor);
            }
        }
        Ok(if allows_all {
            Self::All
        } else {
            Self::Only(vendors)
        })
    }
}

impl From<AllowedVendors> for Vec<&'static str> {
    fn from(vendors: AllowedVendors) -> Self {
        vendors.keys()
    }
}

impl TryFrom<Vec<String>> for AllowedVendors {
    type Error = AppError;

    fn try_from(keys: Vec<String>) -> Result<Self, AppError> {
        Self::from_keys(&keys)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for AllowedVendors {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AllowedVendors".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut keys = vec![Self::WILDCARD];
        keys.extend(Vendor::ALL.iter().map(|vendor| vendor.key()));
        schemars::json_schema!({
            "type": "array",
            "items": { "type": "string", "enum": keys },
        })
    }
}

/// Stored as `text[]`.
#[cfg(feature = "sqlx")]
mod sql {
    use sqlx::{
        Decode, Encode, Postgres, Type,
        encode::IsNull,
        error::BoxDynError,
        postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef},
    };

    use super::AllowedVendors;

    impl Type<Postgres> for AllowedVendors {
        fn type_info() -> PgTypeInfo {
            <Vec<String> as Type<Postgres>>::type_info()
        }

        fn compatible(info: &PgTypeInfo) -> bool {
            <Vec<String> as Type<Postgres>>::compatible(info)
        }
    }

    impl Encode<'_, Postgres> for AllowedVendors {
        fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            self.keys().encode_by_ref(buffer)
        }
    }

    impl<'r> Decode<'r, Postgres> for AllowedVendors {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            let keys = <Vec<String> as Decode<Postgres>>::decode(value)?;
            Ok(Self::from_keys(&keys)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_keys_round_trip() {
        for vendors in [
            AllowedVendors::All,
            AllowedVendors::Only(vec![Vendor::Claude, Vendor::Other]),
            AllowedVendors::Only(vec![]),
        ] {
            assert_eq!(AllowedVendors::from_keys(&vendors.keys()), Ok(vendors));
        }
        let mixed = AllowedVendors::from_keys(&["claude", "*"]);
        assert_eq!(mixed, Ok(AllowedVendors::All));
        for keys in [&["hal"][..], &["*", "hal"], &["claude", ""], &["Claude"]] {
            let error = AllowedVendors::from_keys(keys).unwrap_err();
            let message = error.for_field("allowed_vendors").unwrap();
            for vendor in Vendor::ALL {
                assert!(message.contains(vendor.key()), "{message}");
            }
            assert!(message.contains("* for all"), "{message}");
        }
    }
}
