//! What a file says about one memory.

use domain::{
    AppError, Timestamp,
    import::{ImportOptions, parse_tags},
    memory::{MemoryKind, MemoryText, Visibility},
};

/// A memory as a file holds it. What a format can't carry is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What tells it from the file's other records.
    pub key: Option<String>,
    /// The key of the record that it answers.
    pub parent: Option<String>,
    /// Its words.
    pub text: MemoryText,
    /// 0 to 1.
    pub importance: Option<f32>,
    /// When it is forgotten.
    pub expires_at: Option<Timestamp>,
    /// The name of the persona that it belongs to.
    pub persona: Option<String>,
    /// The vendors that may read it.
    pub allowed_vendors: Option<Vec<String>>,
    /// Where it came from, as an origin's key.
    pub origin: Option<String>,
    /// The conversation it came from.
    pub source_session_id: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Its version; the earlier ones come before it.
    pub version: i32,
    /// What it said before its changes, oldest first.
    pub earlier: Vec<EarlierText>,
    /// Who could see it; told, and not restored.
    pub visibility: Option<Visibility>,
    /// Whose it was; told, and not restored.
    pub owner: Option<String>,
}

/// What a memory said before a change.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierText {
    /// Which version that was.
    pub version: i32,
    /// Its words then.
    pub text: MemoryText,
    /// When it was replaced.
    pub changed_at: Timestamp,
    /// Why.
    pub change_reason: Option<String>,
}

impl Record {
    /// A memory of which only the words are known.
    pub fn new(text: MemoryText) -> Self {
        Self {
            key: None,
            parent: None,
            text,
            importance: None,
            expires_at: None,
            persona: None,
            allowed_vendors: None,
            origin: None,
            source_session_id: None,
            created_at: None,
            updated_at: None,
            version: 1,
            earlier: Vec::new(),
            visibility: None,
            owner: None,
        }
    }

    /// With what the member wants each record to have.
    pub(crate) fn choosing(mut self, choice: &ImportOptions) -> Self {
        if self.persona.is_none() {
            self.persona = given(&choice.persona);
        }
        self
    }
}

/// Text that is not empty, trimmed.
pub(crate) fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The words of a record, with the tags that the member wants on each.
/// `kind` is empty where the record names none.
pub(crate) fn text(
    title: &str,
    content: String,
    kind: &str,
    mut tags: Vec<String>,
    choice: &ImportOptions,
) -> Result<MemoryText, String> {
    tags.extend(parse_tags(&choice.tags));
    let kind = match kind.trim() {
        "" => choice.default_kind().key(),
        kind => known_kind(kind),
    };
    MemoryText::new(title, content, kind, &tags).map_err(reason)
}

/// The words that other products have for our kinds.
fn known_kind(kind: &str) -> &str {
    match kind {
        "semantic" => MemoryKind::Fact.key(),
        "episodic" => MemoryKind::Event.key(),
        "skill" | "procedural" => MemoryKind::SkillNote.key(),
        other => other,
    }
}

/// A title, cut to what one may have.
pub(crate) fn title(given: &str) -> String {
    let line = given.trim().replace('\0', "");
    line.chars()
        .take(domain::memory::MAX_TITLE_CHARS)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// What is wrong, in one line.
pub(crate) fn reason(error: AppError) -> String {
    match error {
        AppError::Invalid { fields } => fields
            .into_iter()
            .map(|field| field.message)
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}
