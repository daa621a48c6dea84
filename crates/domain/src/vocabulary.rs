//! Maps other systems' words for memories to Atrium's.

use crate::memory::{MemoryKind, Term};

/// The meaning of another system's memory type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryType {
    pub kind: MemoryKind,
    /// The intended term, if the word implies one. In Atrium a short term needs
    /// an expiry; a memory without one is kept until deleted.
    pub term: Option<Term>,
}

/// Parses a memory type: Atrium's keys and other systems' words, in any case,
/// with underscores, hyphens or spaces.
pub fn parse_memory_type(word: &str) -> Option<MemoryType> {
    let word = word.trim().to_lowercase().replace(['-', ' '], "_");
    let of_kind = |kind| Some(MemoryType { kind, term: None });
    let fact_with_term = |term| {
        Some(MemoryType {
            kind: MemoryKind::Fact,
            term: Some(term),
        })
    };
    match word.as_str() {
        "skill" | "procedural" => of_kind(MemoryKind::SkillNote),
        "episodic" => of_kind(MemoryKind::Event),
        "semantic" => of_kind(MemoryKind::Fact),
        "short_term" | "short" => fact_with_term(Term::Short),
        "long_term" | "long" => fact_with_term(Term::Long),
        key => MemoryKind::from_key(key).and_then(of_kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{MemoryText, Visibility};

    fn kind(word: &str) -> Option<MemoryKind> {
        parse_memory_type(word).map(|word| word.kind)
    }

    /// A memory's `type` is `short_term`, `long_term`, `skill` or `context`.
    #[test]
    fn cortex_os_types() {
        let word = |kind, term| Some(MemoryType { kind, term });
        assert_eq!(
            parse_memory_type("short_term"),
            word(MemoryKind::Fact, Some(Term::Short))
        );
        assert_eq!(
            parse_memory_type("long_term"),
            word(MemoryKind::Fact, Some(Term::Long))
        );
        assert_eq!(
            parse_memory_type("skill"),
            word(MemoryKind::SkillNote, None)
        );
        assert_eq!(
            parse_memory_type("context"),
            word(MemoryKind::Context, None)
        );
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

    /// Reflect Memory: `memory_type` is semantic, episodic or procedural. Each
    /// type maps to a kind that exports back to the same type.
    #[test]
    fn reflect_memory_types() {
        assert_eq!(kind("semantic"), Some(MemoryKind::Fact));
        assert_eq!(kind("episodic"), Some(MemoryKind::Event));
        assert_eq!(kind("procedural"), Some(MemoryKind::SkillNote));
    }

    /// Agentopia and GalaxyCo.ai store memories in tables of their own words;
    /// an unknown word is not a kind.
    #[test]
    fn spelling_variants_are_accepted_and_unknown_words_rejected() {
        for word in ["Skill Note", " SKILL_NOTE ", "skill-note"] {
            assert_eq!(kind(word), Some(MemoryKind::SkillNote), "{word}");
        }
        for word in ["", "song", "facts", "skill_notes", "*"] {
            assert_eq!(kind(word), None, "{word}");
        }
    }

    #[test]
    fn memory_text_accepts_other_systems_words() {
        for (word, expected) in [
            ("skill-note", MemoryKind::SkillNote),
            ("procedural", MemoryKind::SkillNote),
            ("long_term", MemoryKind::Fact),
        ] {
            let text = MemoryText::new("", "Tea".into(), word, &[]).unwrap();
            assert_eq!(text.kind, expected, "{word}");
        }
    }
}
