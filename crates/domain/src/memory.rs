//! Memories: what a member or an agent wants to have at hand later.

use serde::{Deserialize, Serialize};

mod filter;

pub use filter::{
    FilterChoices, MemoryFilter, MemoryNarrowing, MemoryOwner, NamedPersona, NamedUser,
    question_parse,
};

use crate::{
    AppError, FieldError, MemoryId, PersonaId, TeamId, Timestamp, UserId, vocabulary::memory_word,
};

/// The longest content, in bytes of UTF-8.
pub const MAX_CONTENT_BYTES: usize = 100_000;
/// The longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;
/// The most tags on one memory.
pub const MAX_TAGS: usize = 20;
/// The longest tag, in characters.
pub const MAX_TAG_CHARS: usize = 50;
/// The longest search text, in characters.
pub const MAX_QUERY_CHARS: usize = 1_000;
/// The longest name of the conversation a memory comes from, in characters.
pub const MAX_SESSION_CHARS: usize = 200;
/// How long a memory stays in the trash, in days.
pub const TRASH_DAYS: i64 = 30;
/// The longest reason of a change, in characters.
pub const MAX_REASON_CHARS: usize = 500;
/// As far as memories that wait for their embedding are counted.
pub const WAITING_COUNTED: i64 = 1_000;
/// What a memory's importance is until somebody rates it.
pub const USUAL_IMPORTANCE: f32 = 0.5;

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
        if keys.iter().any(|key| key.as_ref() == Self::EVERY) {
            return Ok(Self::All);
        }
        let mut vendors = Vec::new();
        for key in keys {
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
        Ok(Self::Only(vendors))
    }
}

/// What a person types into the form; nothing is checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryDraft {
    /// Optional; without it pages show the beginning of the content.
    pub title: String,
    /// The text.
    pub content: String,
    /// A [`MemoryKind`] key; empty means fact.
    pub kind: String,
    /// Tags, separated by commas.
    pub tags: String,
}

/// A memory's own words, checked: what is stored is what was given, bar the
/// surrounding white space of title and tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryText {
    /// At most [`MAX_TITLE_CHARS`]; may be empty.
    pub title: String,
    /// 1 to [`MAX_CONTENT_BYTES`], no NUL, not only white space.
    pub content: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// Unique, in the order given, without commas.
    pub tags: Vec<String>,
}

impl MemoryText {
    /// Checks a draft.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn parse(draft: &MemoryDraft) -> Result<Self, AppError> {
        let tags: Vec<_> = draft.tags.split(',').map(str::to_owned).collect();
        let kind = if draft.kind.is_empty() {
            MemoryKind::Fact.key()
        } else {
            &draft.kind
        };
        Self::new(&draft.title, draft.content.clone(), kind, &tags)
    }

    /// Checks the parts of a memory, e.g. of an imported record, whose kind may
    /// be in another system's words.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn new(
        title: &str,
        content: String,
        kind: &str,
        tags: &[String],
    ) -> Result<Self, AppError> {
        let mut fields = Vec::new();
        let mut fault = |field: &str, message: String| {
            fields.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };

        let title = title.trim();
        if title.chars().count() > MAX_TITLE_CHARS {
            fault(
                "title",
                format!("A title has at most {MAX_TITLE_CHARS} characters."),
            );
        } else if title.contains('\0') {
            fault("title", "A title can't contain a NUL character.".into());
        }

        if content.trim().is_empty() {
            fault("content", "Write what should be remembered.".into());
        } else if content.len() > MAX_CONTENT_BYTES {
            fault(
                "content",
                format!(
                    "A memory has at most 100 kB of text; this one has {} bytes.",
                    content.len()
                ),
            );
        } else if content.contains('\0') {
            fault("content", "A memory can't contain a NUL character.".into());
        }

        let kind = memory_word(kind).map(|word| word.kind);
        if kind.is_none() {
            fault(
                "kind",
                "Choose fact, preference, event, skill note or context.".into(),
            );
        }

        let mut unique: Vec<String> = Vec::new();
        for tag in tags
            .iter()
            .map(|tag| tag.trim())
            .filter(|tag| !tag.is_empty())
        {
            if !unique.iter().any(|seen| seen == tag) {
                unique.push(tag.to_owned());
            }
        }
        if unique.len() > MAX_TAGS {
            fault("tags", format!("A memory has at most {MAX_TAGS} tags."));
        } else if unique.iter().any(|tag| tag.chars().count() > MAX_TAG_CHARS) {
            fault(
                "tags",
                format!("A tag has at most {MAX_TAG_CHARS} characters."),
            );
        } else if unique
            .iter()
            .any(|tag| tag.chars().any(|c| c == ',' || c.is_control()))
        {
            fault(
                "tags",
                "A tag can't contain a comma or a control character.".into(),
            );
        }

        match kind {
            Some(kind) if fields.is_empty() => Ok(Self {
                title: title.to_owned(),
                content,
                kind,
                tags: unique,
            }),
            _ => Err(AppError::Invalid { fields }),
        }
    }
}

/// What a memory is besides its words. Its versions don't keep these.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryTraits {
    /// When it is let go; `None` keeps it until somebody deletes it.
    pub expires_at: Option<Timestamp>,
    /// The context of its owner that it belongs to.
    pub persona_id: Option<PersonaId>,
    /// 0 to 1.
    pub importance: f32,
    /// Who may read it through a program.
    pub allowed_vendors: AllowedVendors,
}

impl Default for MemoryTraits {
    fn default() -> Self {
        Self {
            expires_at: None,
            persona_id: None,
            importance: USUAL_IMPORTANCE,
            allowed_vendors: AllowedVendors::All,
        }
    }
}

impl MemoryTraits {
    /// Checks what the types don't hold.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn check(&self, now: Timestamp) -> Result<(), AppError> {
        let mut fields = Vec::new();
        if self.expires_at.is_some_and(|at| at <= now) {
            fields.push(FieldError {
                field: "expires_at".into(),
                message: "Choose a time to come.".into(),
            });
        }
        // Written so that NaN fails.
        if !(0.0..=1.0).contains(&self.importance) {
            fields.push(FieldError {
                field: "importance".into(),
                message: "Importance is a number from 0 to 1.".into(),
            });
        }
        if fields.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid { fields })
        }
    }
}

/// A memory to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMemory {
    /// Its words.
    pub text: MemoryText,
    /// What it is besides.
    pub traits: MemoryTraits,
    /// Where it comes from.
    pub origin: Origin,
    /// The conversation it comes from, as its program calls it: 1 to
    /// [`MAX_SESSION_CHARS`] characters.
    pub source_session_id: Option<String>,
}

impl NewMemory {
    /// One that somebody writes, with nothing said besides its words.
    pub fn of(text: MemoryText, origin: Origin) -> Self {
        Self {
            text,
            traits: MemoryTraits::default(),
            origin,
            source_session_id: None,
        }
    }

    /// Checks what the types don't hold.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with the field at fault.
    pub fn check(&self, now: Timestamp) -> Result<(), AppError> {
        if self.source_session_id.as_ref().is_some_and(|session| {
            session.is_empty()
                || session.chars().count() > MAX_SESSION_CHARS
                || session.chars().any(char::is_control)
        }) {
            return Err(AppError::field(
                "source_session_id",
                format!(
                    "The name of a conversation has 1 to {MAX_SESSION_CHARS} characters and no control character."
                ),
            ));
        }
        self.traits.check(now)
    }
}

/// What an edit puts in the place of what a memory was.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryChange {
    /// Its words.
    pub text: MemoryText,
    /// What it is besides; `None` leaves that as it is.
    pub traits: Option<MemoryTraits>,
    /// Why, kept with the earlier version: at most 500 characters.
    pub reason: Option<String>,
}

impl MemoryChange {
    /// New words and nothing else.
    pub fn of(text: MemoryText) -> Self {
        Self {
            text,
            traits: None,
            reason: None,
        }
    }
}

/// A memory in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySummary {
    /// Its id.
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// The first 280 characters of the content.
    pub excerpt: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who can see it.
    pub visibility: Visibility,
    /// Whose it is.
    pub owner_id: UserId,
    /// The owner's name.
    pub owner_name: String,
    /// Where it came from.
    pub origin: Origin,
    /// When it is let go; `None` keeps it until somebody deletes it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<Timestamp>,
    /// The memory that this is a reply to.
    pub parent_id: Option<MemoryId>,
    /// How many replies to it are in sight.
    pub replies: i64,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
}

/// A memory, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Its id.
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// The text as given.
    pub content: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who can see it.
    pub visibility: Visibility,
    /// The team when `visibility` is team.
    pub team_id: Option<TeamId>,
    /// The team's name when `visibility` is team.
    pub team_name: Option<String>,
    /// Whose it is.
    pub owner_id: UserId,
    /// The owner's name.
    pub owner_name: String,
    /// The one who asks owns it and so may change it.
    pub is_own: bool,
    /// Where it came from.
    pub origin: Origin,
    /// The conversation it comes from, as its program calls it.
    pub source_session_id: Option<String>,
    /// When it is let go; `None` keeps it until somebody deletes it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<Timestamp>,
    /// The context of its owner that it belongs to; the owner alone sees it.
    pub persona_id: Option<PersonaId>,
    /// The name of that context.
    pub persona_name: Option<String>,
    /// The memory that this is a reply to.
    pub parent_id: Option<MemoryId>,
    /// 0 to 1.
    pub importance: f32,
    /// Who may read it through a program.
    pub allowed_vendors: AllowedVendors,
    /// Goes up with each change; an edit names the one it started from.
    pub version: i32,
    /// Whether it can be found by meaning yet.
    pub is_embedded: bool,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
    /// When it was moved to the trash.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<Timestamp>,
}

impl Memory {
    /// How long it is meant to be kept.
    pub fn term(&self) -> Term {
        match self.expires_at {
            Some(_) => Term::Short,
            None => Term::Long,
        }
    }
}

/// A reply to a memory, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReply {
    /// Its id.
    pub id: MemoryId,
    /// May be empty.
    pub title: String,
    /// The text as given.
    pub content: String,
    /// What kind of thing it is.
    pub kind: MemoryKind,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whose it is.
    pub owner_id: UserId,
    /// The owner's name.
    pub owner_name: String,
    /// The one who asks owns it and so may change it.
    pub is_own: bool,
    /// Where it came from.
    pub origin: Origin,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: Timestamp,
}

/// A memory as it was before a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryVersion {
    /// The version that this was.
    pub version: i32,
    /// The title then.
    pub title: String,
    /// The content then.
    pub content: String,
    /// The kind then.
    pub kind: MemoryKind,
    /// The tags then.
    pub tags: Vec<String>,
    /// Who could see it then.
    pub visibility: Visibility,
    /// Why it was replaced, where somebody said so.
    pub reason: Option<String>,
    /// Who replaced it.
    pub changed_by_name: String,
    /// When it was replaced.
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: Timestamp,
}

/// How a search compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchMode {
    /// Words and meaning, fused.
    #[default]
    Both,
    /// Meaning only.
    Meaning,
    /// Words only.
    Words,
}

impl SearchMode {
    /// All modes.
    pub const ALL: &[Self] = &[Self::Both, Self::Meaning, Self::Words];

    /// As a form's value.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Meaning => "meaning",
            Self::Words => "words",
        }
    }
}

/// One memory that a search found, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryHit {
    /// The memory; its excerpt is the passage around the first matching word.
    pub memory: MemorySummary,
    /// Words of the memory that match words of the question.
    pub matched_words: Vec<String>,
    /// Cosine similarity of the meanings, −1 to 1; `None` without embedding.
    pub similarity: Option<f32>,
    /// The fused score, 0 to 1, comparable only within one search.
    pub score: f32,
    /// What the score is made of.
    pub parts: ScoreParts,
}

/// What a score is made of: each value is 0 for the weakest candidate of one
/// search and 1 for the best, and the score is the sum of value × weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreParts {
    /// How near in meaning.
    pub meaning: f32,
    /// The share of the meaning.
    pub meaning_weight: f32,
    /// How well the words match.
    pub words: f32,
    /// The share of the words.
    pub words_weight: f32,
}

impl ScoreParts {
    /// The score.
    pub fn score(self) -> f32 {
        self.meaning * self.meaning_weight + self.words * self.words_weight
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchResults {
    /// Best first.
    pub hits: Vec<MemoryHit>,
    /// How it compared in the end: words only, when meaning is off.
    pub mode: SearchMode,
    /// Why meaning was left out although it was asked for.
    pub notice: Option<String>,
    /// Own memories that wait for their embedding and so can be found by words
    /// only; counted up to [`WAITING_COUNTED`].
    pub waiting_for_embedding: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(content: &str, tags: &str) -> MemoryDraft {
        MemoryDraft {
            content: content.into(),
            tags: tags.into(),
            ..MemoryDraft::default()
        }
    }

    #[test]
    fn content_is_kept_as_given() {
        let text = MemoryText::parse(&draft("  two spaces\r\n\u{202e}👩‍🚀 ", "a, b,,a ")).unwrap();
        assert_eq!(text.content, "  two spaces\r\n\u{202e}👩‍🚀 ");
        assert_eq!(text.tags, ["a", "b"]);
        assert_eq!(text.kind, MemoryKind::Fact);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let bad = MemoryDraft {
            title: "t".repeat(MAX_TITLE_CHARS + 1),
            content: "nul\0".into(),
            kind: "song".into(),
            tags: "x".repeat(MAX_TAG_CHARS + 1),
        };
        let error = MemoryText::parse(&bad).unwrap_err();
        for field in ["title", "content", "kind", "tags"] {
            assert!(
                error.for_field(field).is_some(),
                "{field} is not named in {error:?}"
            );
        }
    }

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
        let unknown = AllowedVendors::from_keys(&["hal"]).unwrap_err();
        assert!(unknown.for_field("allowed_vendors").is_some(), "{unknown}");
    }

    #[test]
    fn what_is_over_and_what_is_no_share_are_refused() {
        let now = Timestamp::UNIX_EPOCH;
        let traits = |importance, expires_at| MemoryTraits {
            expires_at,
            importance,
            ..MemoryTraits::default()
        };
        let later = now + time::Duration::seconds(1);
        assert_eq!(traits(1.0, Some(later)).check(now), Ok(()));
        for importance in [-0.1, 1.1, f32::NAN] {
            let error = traits(importance, Some(now)).check(now).unwrap_err();
            assert!(error.for_field("importance").is_some(), "{error}");
            assert!(error.for_field("expires_at").is_some(), "{error}");
        }
    }

    #[test]
    fn limits_are_inclusive() {
        assert!(MemoryText::parse(&draft(&"x".repeat(MAX_CONTENT_BYTES), "")).is_ok());
        assert!(MemoryText::parse(&draft(&"x".repeat(MAX_CONTENT_BYTES + 1), "")).is_err());
        assert!(MemoryText::parse(&draft(" \n ", "")).is_err());
    }
}
