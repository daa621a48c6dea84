//! What a list or a search of memories is narrowed to: as it stands in a URL,
//! and checked.

use serde::{Deserialize, Serialize};
use time::{Date, macros::format_description};

use super::{
    MAX_QUERY_CHARS, MAX_TAG_CHARS, MAX_TAGS, MemoryKind, Origin, SearchMode, Term, Visibility,
};
use crate::{AppError, FieldError, PersonaId, TeamId, UserId, team::TeamRef};

/// What a list or a search is narrowed to, as it stands in a URL: nothing is
/// checked yet, and empty text means no restriction. Days are those of UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryFilter {
    /// A [`MemoryKind`] key.
    pub kind: String,
    /// Tags, separated by commas: a memory must have all of them, exactly.
    pub tag: String,
    /// The id of one of one's own personas.
    pub persona: String,
    /// `mine`, `shared` (those of others) or a member's id.
    pub owner: String,
    /// The id of a team: what is shared with it.
    pub team: String,
    /// An [`Origin`] key.
    pub origin: String,
    /// A [`Term`] key.
    pub term: String,
    /// A [`Visibility`] key.
    pub visibility: String,
    /// Changed on this day (`YYYY-MM-DD`) or later.
    pub from: String,
    /// Changed on this day or earlier.
    pub to: String,
    /// `trash` shows own deleted memories instead.
    pub state: String,
}

/// Whose memories are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryOwner {
    /// One's own.
    Mine,
    /// Everybody else's that one may see.
    Others,
    /// Those of one member.
    Member(UserId),
}

/// A [`MemoryFilter`], checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryCriteria {
    /// Of this kind.
    pub kind: Option<MemoryKind>,
    /// With all of these tags.
    pub tags: Vec<String>,
    /// In this context of one's own.
    pub persona_id: Option<PersonaId>,
    /// Of these owners.
    pub owner: Option<MemoryOwner>,
    /// Shared with this team.
    pub team_id: Option<TeamId>,
    /// From there.
    pub origin: Option<Origin>,
    /// Kept for so long.
    pub term: Option<Term>,
    /// Seen by so many.
    pub visibility: Option<Visibility>,
    /// Changed on this day or later.
    pub changed_from: Option<Date>,
    /// Changed on this day or earlier.
    pub changed_to: Option<Date>,
    /// Own deleted ones instead of all others.
    pub trash: bool,
}

impl MemoryCriteria {
    /// Checks a filter.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn parse(filter: &MemoryFilter) -> Result<Self, AppError> {
        let mut fields = Vec::new();
        let criteria = Self {
            kind: read(
                &mut fields,
                "kind",
                &filter.kind,
                OFFERED,
                MemoryKind::from_key,
            ),
            tags: tags(&mut fields, &filter.tag),
            persona_id: read(
                &mut fields,
                "persona",
                &filter.persona,
                "Choose a persona by id.",
                |id| id.parse().ok(),
            ),
            owner: read(
                &mut fields,
                "owner",
                &filter.owner,
                "Choose mine, shared, or a member by id.",
                |text| match text {
                    "mine" => Some(MemoryOwner::Mine),
                    "shared" => Some(MemoryOwner::Others),
                    id => id.parse().ok().map(MemoryOwner::Member),
                },
            ),
            team_id: read(
                &mut fields,
                "team",
                &filter.team,
                "Choose a team by id.",
                |id| id.parse().ok(),
            ),
            origin: read(
                &mut fields,
                "origin",
                &filter.origin,
                OFFERED,
                Origin::from_key,
            ),
            term: read(&mut fields, "term", &filter.term, OFFERED, Term::from_key),
            visibility: read(
                &mut fields,
                "visibility",
                &filter.visibility,
                OFFERED,
                Visibility::from_key,
            ),
            changed_from: read(&mut fields, "from", &filter.from, DAY, day),
            changed_to: read(&mut fields, "to", &filter.to, DAY, day),
            trash: read(&mut fields, "state", &filter.state, OFFERED, |text| {
                (text == "trash").then_some(())
            })
            .is_some(),
        };
        if let (Some(from), Some(to)) = (criteria.changed_from, criteria.changed_to)
            && from > to
        {
            fields.push(FieldError {
                field: "to".to_owned(),
                message: "The last day is before the first one.".to_owned(),
            });
        }
        if fields.is_empty() {
            Ok(criteria)
        } else {
            Err(AppError::Invalid { fields })
        }
    }
}

impl MemoryCriteria {
    /// Whether what fits may be of the one who looks.
    pub fn may_include(&self, member_id: UserId) -> bool {
        match self.owner {
            None | Some(MemoryOwner::Mine) => true,
            Some(MemoryOwner::Others) => false,
            Some(MemoryOwner::Member(id)) => id == member_id,
        }
    }

    /// Whether what fits may be of somebody else than the one who looks.
    pub fn may_include_others(&self, member_id: UserId) -> bool {
        let theirs = match self.owner {
            None | Some(MemoryOwner::Others) => true,
            Some(MemoryOwner::Mine) => false,
            Some(MemoryOwner::Member(id)) => id != member_id,
        };
        // Private memories, personas and the trash are their owner's alone.
        theirs
            && !self.trash
            && self.persona_id.is_none()
            && self.visibility != Some(Visibility::Private)
    }
}

const OFFERED: &str = "Choose one of the values offered, or none.";
const DAY: &str = "Write a day as year, month and day: 2026-03-02.";

/// Reads one field; what can't be read is a fault.
fn read<T>(
    fields: &mut Vec<FieldError>,
    field: &str,
    text: &str,
    fault: &str,
    reading: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let value = reading(text);
    if value.is_none() {
        fields.push(FieldError {
            field: field.to_owned(),
            message: fault.to_owned(),
        });
    }
    value
}

/// A day between the years 1 and 9999.
fn day(text: &str) -> Option<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .ok()
        .filter(|day| (1..=9999).contains(&day.year()))
}

fn tags(fields: &mut Vec<FieldError>, text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        if !tags.iter().any(|seen| seen == tag) {
            tags.push(tag.to_owned());
        }
    }
    let fault = if tags.len() > MAX_TAGS {
        format!("A memory has at most {MAX_TAGS} tags.")
    } else if tags.iter().any(|tag| tag.chars().count() > MAX_TAG_CHARS) {
        format!("A tag has at most {MAX_TAG_CHARS} characters.")
    } else if tags.iter().any(|tag| tag.chars().any(char::is_control)) {
        "A tag can't contain a control character.".to_owned()
    } else {
        return tags;
    };
    fields.push(FieldError {
        field: "tag".to_owned(),
        message: fault,
    });
    Vec::new()
}

/// A member by name, for choosing them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedUser {
    /// Their id.
    pub id: UserId,
    /// For people.
    pub name: String,
}

/// One of one's own personas by name, for choosing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPersona {
    /// Its id.
    pub id: PersonaId,
    /// For people.
    pub name: String,
}

/// What a filter offers by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterChoices {
    /// One's own.
    pub personas: Vec<NamedPersona>,
    /// Those that one belongs to.
    pub teams: Vec<TeamRef>,
    /// Other members; in a large organisation only the chosen one.
    pub owners: Vec<NamedUser>,
}

/// What stands in the search field, checked: without the white space around.
///
/// # Errors
/// [`AppError::Invalid`] for an empty or over-long question or one with a NUL
/// character.
pub fn query_parse(text: &str) -> Result<&str, AppError> {
    let question = text.trim();
    if question.is_empty() {
        return Err(AppError::field("query", "Write what to look for."));
    }
    if question.chars().count() > MAX_QUERY_CHARS {
        let message = format!("A question has at most {MAX_QUERY_CHARS} characters.");
        return Err(AppError::field("query", message));
    }
    if question.contains('\0') {
        return Err(AppError::field(
            "query",
            "A question can't contain a NUL character.",
        ));
    }
    Ok(question)
}

impl SearchMode {
    /// From a form's or a program's value; empty is [`SearchMode::Both`].
    ///
    /// # Errors
    /// [`AppError::Invalid`] for anything else that isn't one of the keys.
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
    fn an_empty_filter_narrows_nothing() {
        let criteria = MemoryCriteria::parse(&MemoryFilter::default()).unwrap();
        assert_eq!(criteria, MemoryCriteria::default());
    }

    #[test]
    fn every_field_is_read() {
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
        assert_eq!(criteria.changed_from, Some(date!(2026 - 03 - 02)));
        assert_eq!(criteria.changed_to, criteria.changed_from);
        assert!(criteria.trash);
    }

    #[test]
    fn every_fault_is_named_at_once() {
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
            "from",
            "to",
            "state",
        ] {
            assert!(error.for_field(field).is_some(), "{field} in {error:?}");
        }
        for (tag, what) in [
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
            assert!(error.for_field("tag").is_some(), "{what}");
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
    fn an_unknown_field_is_refused() {
        let read = serde_json::from_str::<MemoryFilter>;
        assert!(read(r#"{"kind": "fact"}"#).is_ok());
        assert!(read(r#"{"kidn": "fact"}"#).is_err());
    }

    #[test]
    fn questions_and_modes_are_checked() {
        assert_eq!(query_parse(" tea ").unwrap(), "tea");
        for bad in [" ", "a\0b", &"x".repeat(MAX_QUERY_CHARS + 1)] {
            assert!(query_parse(bad).unwrap_err().for_field("query").is_some());
        }
        assert!(query_parse(&"ä".repeat(MAX_QUERY_CHARS)).is_ok());
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
