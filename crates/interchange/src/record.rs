//! The format-independent representation of one memory in a file.

use domain::{
    AppError, Timestamp,
    import::{ImportOptions, parse_tags},
    memory::{AttributesInput, MemoryKind, MemoryText, Visibility},
};

/// A memory in an import or export file. Fields that a format lacks are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Identifies the record within its file.
    pub key: Option<String>,
    /// Key of the record that this one replies to.
    pub parent: Option<String>,
    pub text: MemoryText,
    pub attributes: AttributesInput,
    /// Name of the memory's persona.
    pub persona: Option<String>,
    /// Key of the origin.
    pub origin: Option<String>,
    /// Id of the conversation that the memory comes from.
    pub source_session_id: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// Number of the current version, higher than all of `earlier`.
    pub version: i32,
    /// Previous versions, oldest first.
    pub earlier: Vec<EarlierText>,
    /// Visibility at the time of export; informational, an import ignores it.
    pub visibility: Option<Visibility>,
    /// Owner at the time of export; informational, an import ignores it.
    pub owner: Option<String>,
}

/// A previous version of a memory's text.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierText {
    pub version: i32,
    pub text: MemoryText,
    /// Time at which the next version replaced this one.
    pub changed_at: Timestamp,
    pub change_reason: Option<String>,
}

impl Record {
    /// A record with only a text.
    pub fn new(text: MemoryText) -> Self {
        Self {
            key: None,
            parent: None,
            text,
            attributes: AttributesInput::default(),
            persona: None,
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

    /// Applies the member's persona if the record names none.
    pub(crate) fn choosing(mut self, choice: &ImportOptions) -> Self {
        if self.persona.is_none() {
            self.persona = given(&choice.persona);
        }
        self
    }
}

/// The trimmed text; `None` if it is empty.
pub(crate) fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Builds a record's text and adds the member's tags. An empty `kind` means the
/// member's default kind.
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
        kind => map_kind(kind),
    };
    MemoryText::new(title, content, kind, &tags).map_err(reason)
}

/// Maps other products' names to [`MemoryKind`] keys.
fn map_kind(kind: &str) -> &str {
    match kind {
        "semantic" => MemoryKind::Fact.key(),
        "episodic" => MemoryKind::Event.key(),
        "skill" | "procedural" => MemoryKind::SkillNote.key(),
        other => other,
    }
}

/// Trims a title and cuts it to the maximum length.
pub(crate) fn title(given: &str) -> String {
    let line = given.trim().replace('\0', "");
    line.chars()
        .take(domain::memory::MAX_TITLE_CHARS)
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// The messages of an error in one line.
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
