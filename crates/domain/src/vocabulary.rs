//! How other systems' words for memories read here.

use crate::memory::{MemoryKind, Term, Visibility};

/// What another system's word for a memory's type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryWord {
    /// The kind that it is here.
    pub kind: MemoryKind,
    /// How long it was meant to be kept, where the word says so. Here a short
    /// term needs an end: what brings none is kept for good.
    pub term: Option<Term>,
}

/// Reads a word for a memory's type: our own keys, and those of others, with
/// underscores, hyphens or spaces, in any case.
pub fn memory_word(word: &str) -> Option<MemoryWord> {
    let word = word.trim().to_lowercase().replace(['-', ' '], "_");
    let of = |kind| Some(MemoryWord { kind, term: None });
    let lasting = |term| {
        Some(MemoryWord {
            kind: MemoryKind::Fact,
            term: Some(term),
        })
    };
    match word.as_str() {
        "skill" | "procedural" => of(MemoryKind::SkillNote),
        "episodic" => of(MemoryKind::Event),
        "semantic" => of(MemoryKind::Fact),
        "short_term" | "short" => lasting(Term::Short),
        "long_term" | "long" => lasting(Term::Long),
        key => MemoryKind::from_key(key).and_then(of),
    }
}

/// Reads with whom a memory is shared from two columns, one for the
/// organisation and one for a team; `None` where both are set, which the
/// system that had them excluded.
pub fn visibility_of_shares(with_org: Option<&str>, with_team: Option<&str>) -> Option<Visibility> {
    let given = |id: Option<&str>| id.is_some_and(|id| !id.trim().is_empty());
    match (given(with_org), given(with_team)) {
        (false, false) => Some(Visibility::Private),
        (true, false) => Some(Visibility::Org),
        (false, true) => Some(Visibility::Team),
        (true, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{MemoryDraft, MemoryText};

    fn kind(word: &str) -> Option<MemoryKind> {
        memory_word(word).map(|word| word.kind)
    }

    /// A memory's `type` is `short_term`, `long_term`, `skill` or `context`.
    #[test]
    fn cortex_os_types() {
        let word = |kind, term| Some(MemoryWord { kind, term });
        assert_eq!(
            memory_word("short_term"),
            word(MemoryKind::Fact, Some(Term::Short))
        );
        assert_eq!(
            memory_word("long_term"),
            word(MemoryKind::Fact, Some(Term::Long))
        );
        assert_eq!(memory_word("skill"), word(MemoryKind::SkillNote, None));
        assert_eq!(memory_word("context"), word(MemoryKind::Context, None));
    }

    /// In Org in a Box, kind is fact, preference, event or skill-note, visibility
    /// private, team or org.
    #[test]
    fn org_in_a_box_kinds_and_visibilities() {
        assert_eq!(kind("fact"), Some(MemoryKind::Fact));
        assert_eq!(kind("preference"), Some(MemoryKind::Preference));
        assert_eq!(kind("event"), Some(MemoryKind::Event));
        assert_eq!(kind("skill-note"), Some(MemoryKind::SkillNote));
        for visibility in Visibility::ALL {
            assert_eq!(Visibility::from_key(visibility.key()), Some(*visibility));
        }
        let keys: Vec<_> = Visibility::ALL.iter().map(|v| v.key()).collect();
        assert_eq!(keys, ["private", "team", "org"]);
    }

    /// Reflect Memory: `memory_type` is semantic, episodic or procedural; who
    /// sees it is in `shared_with_org_id` and `shared_with_team_id`. Each of
    /// its types reads as a kind of which it is generated again.
    #[test]
    fn reflect_memory_types_and_shares() {
        assert_eq!(kind("semantic"), Some(MemoryKind::Fact));
        assert_eq!(kind("episodic"), Some(MemoryKind::Event));
        assert_eq!(kind("procedural"), Some(MemoryKind::SkillNote));
        let private = visibility_of_shares(None, None);
        assert_eq!(private, Some(Visibility::Private));
        assert_eq!(visibility_of_shares(Some(""), Some(" ")), private);
        assert_eq!(
            visibility_of_shares(Some("o1"), None),
            Some(Visibility::Org)
        );
        assert_eq!(
            visibility_of_shares(None, Some("t1")),
            Some(Visibility::Team)
        );
        assert_eq!(visibility_of_shares(Some("o1"), Some("t1")), None);
    }

    /// Agentopia and GalaxyCo.ai keep their memories in tables of their own
    /// words: what no system of ours has is no kind.
    #[test]
    fn any_spelling_of_a_known_word_and_no_other_word() {
        for word in ["Skill Note", " SKILL_NOTE ", "skill-note"] {
            assert_eq!(kind(word), Some(MemoryKind::SkillNote), "{word}");
        }
        for word in ["", "song", "facts", "skill_notes", "*"] {
            assert_eq!(kind(word), None, "{word}");
        }
    }

    #[test]
    fn the_words_of_others_are_read_where_text_is() {
        for (word, expected) in [
            ("skill-note", MemoryKind::SkillNote),
            ("procedural", MemoryKind::SkillNote),
            ("long_term", MemoryKind::Fact),
        ] {
            let draft = MemoryDraft {
                content: "Tea".into(),
                kind: word.into(),
                ..MemoryDraft::default()
            };
            assert_eq!(MemoryText::parse(&draft).unwrap().kind, expected, "{word}");
        }
    }
}
