//! Filters for lists and searches of memories: as in the URL, and validated.

use serde::{Deserialize, Serialize, Serializer};
use time::{Date, macros::format_description};

use super::{
    MAX_QUERY_CHARS, MAX_TAG_CHARS, MAX_TAGS, MemoryKind, Origin, SearchMode, Term, Visibility,
};
use crate::{
    AppError, PersonaId, TeamId, UserId, keyed_enum::keyed_enum, paging::Sort, team::TeamRef,
    validate::FieldErrors,
};

/// Filter of a list or search, as in the URL and not validated. An empty string
/// means no restriction. Days are in UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MemoryFilter {
    /// `fact`, `preference`, `event`, `skill_note` or `context`.
    #[cfg_attr(feature = "schema", schemars(with = "MemoryKind"))]
    pub kind: String,
    /// Tags separated by commas; a memory must have all of them, exactly as
    /// written.
    pub tag: String,
    /// The id of one of the caller's personas.
    pub persona: String,
    /// `mine`, `shared` (memories of others) or a member's id.
    pub owner: String,
    /// A team's id: memories shared with it.
    pub team: String,
    /// Their origin, e.g. `dashboard`, `import`, `api` or `mcp`.
    #[cfg_attr(feature = "schema", schemars(with = "Origin"))]
    pub origin: String,
    /// `short` or `long`.
    #[cfg_attr(feature = "schema", schemars(with = "Term"))]
    pub term: String,
    /// `private`, `team` or `org`.
    #[cfg_attr(feature = "schema", schemars(with = "Visibility"))]
    pub visibility: String,
    /// The host of the page that it comes from, such as `wiki.example.com`.
    pub source_host: String,
    /// Changed on this day (`YYYY-MM-DD`) or later.
    pub from: String,
    /// Changed on this day or earlier.
    pub to: String,
    /// `trash` shows own deleted memories instead.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["trash"])))]
    pub state: String,
}

impl MemoryFilter {
    /// Each field with its name in the URL.
    pub fn fields_mut(&mut self) -> Vec<(&'static str, &mut String)> {
        let Self {
            kind,
            tag,
            persona,
            owner,
            team,
            origin,
            term,
            visibility,
            source_host,
            from,
            to,
            state,
        } = self;
        vec![
            ("kind", kind),
            ("tag", tag),
            ("persona", persona),
            ("owner", owner),
            ("team", team),
            ("origin", origin),
            ("term", term),
            ("visibility", visibility),
            ("source_host", source_host),
            ("from", from),
            ("to", to),
            ("state", state),
        ]
    }
}

/// Which memories to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MemoryListInput {
    #[serde(flatten)]
    pub filter: MemoryFilter,
    /// `updated_at`: last changed first. `created_at`: oldest first, an order in
    /// which a client that reads all pages misses nothing. `-` reverses an order.
    pub sort: MemorySort,
    /// `next` or `prev` of another page.
    pub after: Option<String>,
}

keyed_enum! {
    /// The order of a list. `-` reverses it.
    #[derive(Default)]
    MemorySort {
        /// Last changed first. A memory that is changed while a client reads
        /// page by page moves to the front, so the client may miss it.
        #[default]
        UpdatedAt = "updated_at";
        UpdatedAtReversed = "-updated_at";
        /// Oldest first. Nothing moves, so a client that reads all pages misses
        /// nothing.
        CreatedAt = "created_at";
        CreatedAtReversed = "-created_at";
        /// By title or, without one, by text.
        Title = "title";
        TitleReversed = "-title";
        Kind = "kind";
        KindReversed = "-kind";
    }
}

impl MemorySort {
    /// Column and direction.
    pub const fn sort(self) -> Sort {
        let (column, is_descending) = match self {
            Self::UpdatedAt => ("updated_at", true),
            Self::UpdatedAtReversed => ("updated_at", false),
            Self::CreatedAt => ("created_at", false),
            Self::CreatedAtReversed => ("created_at", true),
            Self::Title => ("title", false),
            Self::TitleReversed => ("title", true),
            Self::Kind => ("kind", false),
            Self::KindReversed => ("kind", true),
        };
        Sort {
            column,
            is_descending,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryOwner {
    /// The caller.
    Mine,
    /// Everybody but the caller.
    Others,
    Member(UserId),
}

/// A validated [`MemoryFilter`]. Serialised, it has the conditions that are
/// compared with the memory alone, as the SQL function `memory_fits` takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryCriteria {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<MemoryKind>,
    /// A memory must have all of them.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "joined")]
    pub tags: Vec<String>,
    #[serde(rename = "persona", skip_serializing_if = "Option::is_none")]
    pub persona_id: Option<PersonaId>,
    #[serde(skip)]
    pub owner: Option<MemoryOwner>,
    #[serde(rename = "team", skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<Term>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_host: Option<String>,
    /// Inclusive, in UTC.
    #[serde(skip)]
    pub changed_from: Option<Date>,
    /// Inclusive, in UTC.
    #[serde(skip)]
    pub changed_to: Option<Date>,
    /// Only own deleted memories; without it, only memories outside the trash.
    #[serde(skip)]
    pub trash: bool,
}

fn joined<S: Serializer>(tags: &[String], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&tags.join(","))
}

impl MemoryCriteria {
    pub fn parse(filter: &MemoryFilter) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let criteria = Self {
            kind: parse_choice(&mut errors, "kind", &filter.kind, MemoryKind::from_key),
            tags: parse_tags(&mut errors, &filter.tag),
            persona_id: parse_field(
                &mut errors,
                "persona",
                &filter.persona,
                "Choose a persona by id.",
                |id| id.parse().ok(),
            ),
            owner: parse_field(
                &mut errors,
                "owner",
                &filter.owner,
                "Choose mine, shared, or a member by id.",
                |text| match text {
                    "mine" => Some(MemoryOwner::Mine),
                    "shared" => Some(MemoryOwner::Others),
                    id => id.parse().ok().map(MemoryOwner::Member),
                },
            ),
            team_id: parse_field(
                &mut errors,
                "team",
                &filter.team,
                "Choose a team by id.",
                |id| id.parse().ok(),
            ),
            origin: parse_choice(&mut errors, "origin", &filter.origin, Origin::from_key),
            term: parse_choice(&mut errors, "term", &filter.term, Term::from_key),
            visibility: parse_choice(
                &mut errors,
                "visibility",
                &filter.visibility,
                Visibility::from_key,
            ),
            source_host: parse_field(
                &mut errors,
                "source_host",
                &filter.source_host,
                "Enter a host without a port, such as wiki.example.com.",
                parse_host,
            ),
            changed_from: parse_field(&mut errors, "from", &filter.from, INVALID_DAY, parse_day),
            changed_to: parse_field(&mut errors, "to", &filter.to, INVALID_DAY, parse_day),
            trash: parse_choice(&mut errors, "state", &filter.state, |text| {
                (text == "trash").then_some(())
            })
            .is_some(),
        };
        if let (Some(from), Some(to)) = (criteria.changed_from, criteria.changed_to)
            && from > to
        {
            errors.reject("to", "The last day is before the first one.");
        }
        errors.finish(|| Some(criteria))
    }
}

impl MemoryCriteria {
    /// True if the filter can match the viewer's own memories.
    pub fn may_include(&self, member_id: UserId) -> bool {
        match self.owner {
            None | Some(MemoryOwner::Mine) => true,
            Some(MemoryOwner::Others) => false,
            Some(MemoryOwner::Member(id)) => id == member_id,
        }
    }

    /// True if the filter can match memories of other members.
    pub fn may_include_others(&self, member_id: UserId) -> bool {
        let includes_others = match self.owner {
            None | Some(MemoryOwner::Others) => true,
            Some(MemoryOwner::Mine) => false,
            Some(MemoryOwner::Member(id)) => id != member_id,
        };
        // Private memories, personas and the trash are visible to their owner
        // only.
        includes_others
            && !self.trash
            && self.persona_id.is_none()
            && self.visibility != Some(Visibility::Private)
    }
}

pub(crate) const INVALID_DAY: &str = "Enter a date as year, month and day, such as 2026-03-02.";

/// Parses one field; records an error if that fails.
fn parse_field<T>(
    errors: &mut FieldErrors,
    field: &str,
    text: &str,
    message: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    errors.check(field, parse(text).ok_or(message))
}

fn parse_choice<T>(
    errors: &mut FieldErrors,
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    const MESSAGE: &str = "Choose one of the values offered, or none.";
    parse_field(errors, field, text, MESSAGE, parse)
}

/// A host in lower case; only an IP address of version 6 has colons.
fn parse_host(text: &str) -> Option<String> {
    let is_host = !text.contains(|c: char| "/?#@".contains(c) || c.is_whitespace())
        && (text.starts_with('[') || !text.contains(':'));
    is_host.then(|| text.to_lowercase())
}

/// Parses a date in the years 1 to 9999.
pub(crate) fn parse_day(text: &str) -> Option<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .ok()
        .filter(|day| (1..=9999).contains(&day.year()))
}

fn parse_tags(errors: &mut FieldErrors, text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        if !tags.iter().any(|seen| seen == tag) {
            tags.push(tag.to_owned());
        }
    }
    let message = if tags.len() > MAX_TAGS {
        format!("A memory has at most {MAX_TAGS} tags.")
    } else if tags.iter().any(|tag| tag.chars().count() > MAX_TAG_CHARS) {
        format!("A tag has at most {MAX_TAG_CHARS} characters.")
    } else if tags.iter().any(|tag| tag.chars().any(char::is_control)) {
        "A tag can't contain a control character.".to_owned()
    } else {
        return tags;
    };
    errors.reject("tag", message);
    Vec::new()
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedUser {
    pub id: UserId,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPersona {
    pub id: PersonaId,
    pub name: String,
}

/// The options of a filter, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterChoices {
    /// The viewer's own.
    pub personas: Vec<NamedPersona>,
    /// The viewer's own.
    pub teams: Vec<TeamRef>,
    /// Other members; in a large organisation only the chosen one.
    pub owners: Vec<NamedUser>,
}

/// Validates and trims a search text.
///
/// # Errors
/// [`AppError::Invalid`] if it is empty, longer than [`MAX_QUERY_CHARS`] or
/// contains NUL.
pub fn parse_query(text: &str) -> Result<&str, AppError> {
    let query = text.trim();
    if query.is_empty() {
        return Err(AppError::field("query", "Enter a search."));
    }
    if query.chars().count() > MAX_QUERY_CHARS {
        let message = format!("A search has at most {MAX_QUERY_CHARS} characters.");
        return Err(AppError::field("query", message));
    }
    if query.contains('\0') {
        return Err(AppError::field(
            "query",
            "A search can't contain a NUL character.",
        ));
    }
    Ok(query)
}

impl SearchMode {
    /// An empty key means [`SearchMode::Both`].
    pub fn parse(key: &str) -> Result<Self, AppError> {
        if key.is_empty() {
            return Ok(Self::default());
        }
        Self::ALL
            .iter()
            .copied()
            .find(|mode| mode.key() == key)
            .ok_or_else(|| AppError::field("mode", "Choose both, meaning or words."))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn empty_filter_matches_everything() {
        let criteria = MemoryCriteria::parse(&MemoryFilter::default()).unwrap();
        assert_eq!(criteria, MemoryCriteria::default());
    }

    #[test]
    fn all_fields_are_parsed() {
        let id = "0190b2f0-0000-7000-8000-000000000001";
        let filter = MemoryFilter {
            kind: "event".into(),
            tag: " home, garden,,home ".into(),
            persona: id.into(),
            owner: id.into(),
            team: id.into(),
            origin: "import".into(),
            term: "short".into(),
            visibility: "team".into(),
            source_host: " Wiki.example ".into(),
            from: "2026-03-02".into(),
            to: "2026-03-02".into(),
            state: "trash".into(),
        };
        let criteria = MemoryCriteria::parse(&filter).unwrap();
        assert_eq!(criteria.kind, Some(MemoryKind::Event));
        assert_eq!(criteria.tags, ["home", "garden"]);
        assert_eq!(
            criteria.owner,
            Some(MemoryOwner::Member(id.parse().unwrap()))
        );
        assert_eq!(criteria.team_id, Some(id.parse().unwrap()));
        assert_eq!(criteria.origin, Some(Origin::Import));
        assert_eq!(criteria.persona_id, Some(id.parse().unwrap()));
        assert_eq!(criteria.term, Some(Term::Short));
        assert_eq!(criteria.visibility, Some(Visibility::Team));
        assert_eq!(criteria.source_host.as_deref(), Some("wiki.example"));
        assert_eq!(criteria.changed_from, Some(date!(2026 - 03 - 02)));
        assert_eq!(criteria.changed_to, criteria.changed_from);
        assert!(criteria.trash);
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let nonsense = || "x\0".to_owned();
        let filter = MemoryFilter {
            kind: nonsense(),
            tag: nonsense(),
            persona: nonsense(),
            owner: nonsense(),
            team: nonsense(),
            origin: nonsense(),
            term: nonsense(),
            visibility: nonsense(),
            source_host: "a b".into(),
            from: "2026-02-30".into(),
            to: "-0001-01-01".into(),
            state: nonsense(),
        };
        let error = MemoryCriteria::parse(&filter).unwrap_err();
        for field in [
            "kind",
            "tag",
            "owner",
            "team",
            "origin",
            "visibility",
            "source_host",
            "from",
            "to",
            "state",
        ] {
            assert!(error.for_field(field).is_some(), "{field} in {error:?}");
        }
        for (tag, case) in [
            ("x".repeat(MAX_TAG_CHARS + 1), "long"),
            (
                (0..=MAX_TAGS)
                    .map(|n| n.to_string())
                    .collect::<Vec<_>>()
                    .join(","),
                "many",
            ),
        ] {
            let filter = MemoryFilter {
                tag,
                ..MemoryFilter::default()
            };
            let error = MemoryCriteria::parse(&filter).unwrap_err();
            assert!(error.for_field("tag").is_some(), "{case}");
        }
        let filter = MemoryFilter {
            from: "2026-03-03".into(),
            to: "2026-03-02".into(),
            ..MemoryFilter::default()
        };
        let error = MemoryCriteria::parse(&filter).unwrap_err();
        assert!(error.for_field("to").is_some());
    }

    #[test]
    fn host_has_no_port_and_is_compared_in_lower_case() {
        assert_eq!(parse_host("Wiki.example").as_deref(), Some("wiki.example"));
        assert_eq!(parse_host("[::1]").as_deref(), Some("[::1]"));
        for bad in [
            "wiki.example:8080",
            "https://wiki.example",
            "mia@a.example",
            "a b",
        ] {
            assert_eq!(parse_host(bad), None, "{bad}");
        }
    }

    #[test]
    fn unknown_fields_are_rejected() {
        let parse = serde_json::from_str::<MemoryFilter>;
        assert!(parse(r#"{"kind": "fact"}"#).is_ok());
        assert!(parse(r#"{"kidn": "fact"}"#).is_err());
    }

    #[test]
    fn queries_and_modes_are_validated() {
        assert_eq!(parse_query(" tea ").unwrap(), "tea");
        for bad in [" ", "a\0b", &"x".repeat(MAX_QUERY_CHARS + 1)] {
            assert!(parse_query(bad).unwrap_err().for_field("query").is_some());
        }
        assert!(parse_query(&"ä".repeat(MAX_QUERY_CHARS)).is_ok());
        assert_eq!(SearchMode::parse("").unwrap(), SearchMode::Both);
        assert_eq!(SearchMode::parse("words").unwrap(), SearchMode::Words);
        assert!(
            SearchMode::parse("loud")
                .unwrap_err()
                .for_field("mode")
                .is_some()
        );
    }
}
