//! The format-independent representation of one memory in a file.

use domain::{
    AppError, Timestamp,
    import::{ImportOptions, parse_tags},
    memory::{
        AttributesInput, MAX_TAG_CHARS, MAX_TAGS, MAX_TITLE_CHARS, MemoryKind, MemoryText,
        Visibility,
    },
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
    /// Sentences about what the source had and this record lacks or has
    /// otherwise.
    pub notes: Vec<String>,
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
            notes: Vec::new(),
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
/// member's default kind. What doesn't fit into a memory is left out and told
/// in the record's notes.
pub(crate) fn text_record(
    title_text: &str,
    content: String,
    kind: &str,
    mut tags: Vec<String>,
    choice: &ImportOptions,
) -> Result<Record, String> {
    let mut notes = Vec::new();
    tags.extend(parse_tags(&choice.tags));
    let (tags, left_out) = fitting_tags(tags);
    if !left_out.is_empty() {
        notes.push(format!(
            "A memory has at most {MAX_TAGS} tags of {MAX_TAG_CHARS} characters; left out or shortened: {}.",
            join_names(&left_out)
        ));
    }
    let content = without_nul(content, &mut notes);
    let kind = kind.trim().to_lowercase();
    let kind = match kind.as_str() {
        "" => choice.default_kind().key(),
        kind if is_kind(kind) => map_kind(kind),
        other => {
            let default = choice.default_kind();
            notes.push(format!(
                "Unknown kind “{}”; imported as {}.",
                join_names(&[other]),
                default.label().to_lowercase()
            ));
            default.key()
        }
    };
    let mut title_text = without_nul(title_text.to_owned(), &mut notes);
    if title_text.trim().chars().count() > MAX_TITLE_CHARS {
        notes.push(format!(
            "A title has at most {MAX_TITLE_CHARS} characters; the rest was left out: {}.",
            title_text
                .trim()
                .chars()
                .skip(MAX_TITLE_CHARS)
                .collect::<String>()
        ));
        title_text = title(&title_text);
    }
    let text = MemoryText::new(&title_text, content, kind, &tags).map_err(reason)?;
    Ok(Record {
        notes,
        ..Record::new(text)
    })
}

/// Removes NUL characters, which a memory can't contain.
fn without_nul(text: String, notes: &mut Vec<String>) -> String {
    if !text.contains('\0') {
        return text;
    }
    notes.push("NUL characters were removed.".to_owned());
    text.replace('\0', "")
}

/// The tags that a memory can have, and those that were left out or shortened.
fn fitting_tags(tags: Vec<String>) -> (Vec<String>, Vec<String>) {
    let (mut fitting, mut left_out) = (Vec::<String>::new(), Vec::new());
    for tag in tags {
        let is_foreign = |c: char| c == ',' || c.is_control();
        let clean = if tag.contains(is_foreign) {
            let spaced = tag.replace(is_foreign, " ");
            spaced.split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            tag.trim().to_owned()
        };
        let short: String = clean.chars().take(MAX_TAG_CHARS).collect();
        let short = short.trim_end().to_owned();
        if short.is_empty() || fitting.contains(&short) {
            continue;
        }
        if fitting.len() >= MAX_TAGS {
            left_out.push(tag);
            continue;
        }
        if short.len() < clean.len() {
            left_out.push(tag);
        }
        fitting.push(short);
    }
    (fitting, left_out)
}

/// Names as a list for a sentence, shortened.
pub(crate) fn join_names<T: AsRef<str>>(names: &[T]) -> String {
    const MAX_NAMES: usize = 20;
    let short = |name: &T| {
        let clean = name.as_ref().replace(char::is_control, " ");
        let mut short: String = clean.chars().take(80).collect();
        if short.len() < clean.len() {
            short.push('…');
        }
        short
    };
    let mut text = names
        .iter()
        .take(MAX_NAMES)
        .map(short)
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MAX_NAMES {
        text.push_str(" and ");
        text.push_str(&(names.len() - MAX_NAMES).to_string());
        text.push_str(" more");
    }
    text
}

/// True for the key of a kind of memory and for other products' names of one.
pub(crate) fn is_kind(kind: &str) -> bool {
    MemoryKind::from_key(map_kind(kind.trim().to_lowercase().as_str())).is_some()
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
