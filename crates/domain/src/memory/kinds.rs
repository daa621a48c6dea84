//! What kinds of memories there are: the words for their traits.

use serde::{Deserialize, Serialize};

use crate::AppError;

macro_rules! keyed_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $key:literal, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $key)] $variant,)* }

        impl $name {
            /// All values, in the order in which pages offer them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As stored and as a form's value.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            /// The name on pages.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }

            /// The reverse of `key`.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.key() == key)
            }
        }
    };
}

pub(crate) use keyed_enum;

keyed_enum! {
    /// What kind of thing is remembered.
    MemoryKind {
        /// Something that is so.
        Fact = "fact", "Fact";
        /// How somebody likes things.
        Preference = "preference", "Preference";
        /// Something that happened.
        Event = "event", "Event";
        /// How to do something.
        SkillNote = "skill_note", "Skill note";
        /// Background for other work.
        Context = "context", "Context";
    }
}

keyed_enum! {
    /// Who can see a memory.
    Visibility {
        /// Its owner only.
        Private = "private", "Only you";
        /// One team.
        Team = "team", "A team";
        /// Everyone in the organisation.
        Org = "org", "Everyone in the organisation";
    }
}

keyed_enum! {
    /// Where a memory came from.
    Origin {
        /// Written on a page.
        Dashboard = "dashboard", "Dashboard";
        /// Read from a file.
        Import = "import", "Import";
        /// Written by a program with a key.
        Api = "api", "API";
        /// Written by an AI client over MCP that is none of those below.
        Mcp = "mcp", "MCP";
        /// Written by ChatGPT.
        Chatgpt = "chatgpt", "ChatGPT";
        /// Written by Claude.
        Claude = "claude", "Claude";
        /// Written by Cursor.
        Cursor = "cursor", "Cursor";
        /// Written by GitHub Copilot.
        Copilot = "copilot", "Copilot";
        /// Written by Gemini.
        Gemini = "gemini", "Gemini";
        /// Written by an agent of the organisation.
        Agent = "agent", "Agent";
    }
}

keyed_enum! {
    /// How long a memory is meant to be kept.
    Term {
        /// Until a day that is set.
        Short = "short", "For a while";
        /// Until somebody deletes it.
        Long = "long", "For good";
    }
}

keyed_enum! {
    /// Whose AI product a program belongs to.
    Vendor {
        /// ChatGPT.
        Chatgpt = "chatgpt", "ChatGPT";
        /// Claude.
        Claude = "claude", "Claude";
        /// Cursor.
        Cursor = "cursor", "Cursor";
        /// GitHub Copilot.
        Copilot = "copilot", "Copilot";
        /// Gemini.
        Gemini = "gemini", "Gemini";
        /// None of the others.
        Other = "other", "Other programs";
    }
}

impl Vendor {
    /// Where a memory comes from that a program of this product wrote, where
    /// it is one of those that are known.
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

/// Which AI products may read a memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowedVendors {
    /// Every one.
    #[default]
    All,
    /// These only, each once; none of them when empty.
    Only(Vec<Vendor>),
}

impl AllowedVendors {
    /// The key that stands for all of them.
    pub const EVERY: &str = "*";

    /// As stored.
    pub fn keys(&self) -> Vec<&'static str> {
        match self {
            Self::All => vec![Self::EVERY],
            Self::Only(vendors) => vendors.iter().map(|vendor| vendor.key()).collect(),
        }
    }

    /// The reverse of [`AllowedVendors::keys`]; an asterisk among others means
    /// all.
    ///
    /// # Errors
    /// [`AppError::Invalid`] naming `allowed_vendors` for an unknown key.
    pub fn from_keys<T: AsRef<str>>(keys: &[T]) -> Result<Self, AppError> {
        let mut vendors = Vec::new();
        let mut is_every = false;
        for key in keys {
            if key.as_ref() == Self::EVERY {
                is_every = true;
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
        Ok(if is_every {
            Self::All
        } else {
            Self::Only(vendors)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_are_all_or_those_named() {
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
            let unknown = AllowedVendors::from_keys(keys).unwrap_err();
            let told = unknown.for_field("allowed_vendors").unwrap();
            for vendor in Vendor::ALL {
                assert!(told.contains(vendor.key()), "{told}");
            }
            assert!(told.contains("* for all"), "{told}");
        }
    }
}
