//! The message about the operation that led to a page. It travels in the URL as
//! `?done=CODE` with a closed set of codes, so that it works without JavaScript
//! and a link cannot inject text.

use domain::MemoryId;

use crate::{
    features::FEATURES,
    ui::{Query, with_fields},
};

/// A completed operation. Features declare theirs with `flashes!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flash {
    code: &'static str,
    sentence: &'static str,
    /// The deleted memory, which the page offers to restore.
    memory: Option<MemoryId>,
}

/// Declares a feature's flashes, each with its code and the sentence shown to
/// people.
macro_rules! flashes {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        impl $crate::flash::Flash {
            $($(#[$meta])* pub const $name: Self = Self::new($code, $sentence);)*
        }

        const FLASHES: &[$crate::flash::Flash] = &[$($crate::flash::Flash::$name),*];
    };
}
pub(crate) use flashes;

impl Flash {
    pub(crate) const fn new(code: &'static str, sentence: &'static str) -> Self {
        Self {
            code,
            sentence,
            memory: None,
        }
    }

    /// The memory `id` is in the trash.
    pub(crate) const fn memory_deleted(id: MemoryId) -> Self {
        Self {
            memory: Some(id),
            ..Self::MEMORY_DELETED
        }
    }

    /// The sentence shown to people.
    pub(crate) const fn sentence(self) -> &'static str {
        self.sentence
    }

    /// The deleted memory, which the page offers to restore.
    pub(crate) const fn deleted_memory(self) -> Option<MemoryId> {
        self.memory
    }

    /// Reads the flash from a page's query; `None` for unknown codes and ids.
    pub(crate) fn from_query(query: &Query) -> Option<Self> {
        let code = query.get("done");
        let flash = *all().find(|flash| flash.code == code)?;
        if flash == Self::MEMORY_DELETED {
            query.get("memory").parse().ok().map(Self::memory_deleted)
        } else {
            Some(flash)
        }
    }

    /// Returns `path` with this flash in its query.
    pub fn at(self, path: &str) -> String {
        let memory = self.memory.map(|id| id.to_string()).unwrap_or_default();
        with_fields(path, &[("done", self.code), ("memory", &memory)])
    }
}

fn all() -> impl Iterator<Item = &'static Flash> {
    FEATURES.iter().flat_map(|feature| feature.flashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Option<Flash> {
        let (_, query) = url.split_once('?')?;
        Flash::from_query(&Query::parse(query))
    }

    #[test]
    fn flash_round_trips_through_its_url() {
        let id: MemoryId = "0198f000-0000-7000-8000-000000000001".parse().unwrap();
        let deleted = Flash::memory_deleted(id);
        assert_eq!(read(&deleted.at("/memories")), Some(deleted));
        for flash in all().filter(|flash| **flash != Flash::MEMORY_DELETED) {
            assert_eq!(read(&flash.at("/memories")), Some(*flash));
        }
    }

    #[test]
    fn unknown_codes_and_ids_are_ignored() {
        assert_eq!(read("/memories?done=you_won"), None);
        assert_eq!(read("/memories?done=memory_deleted&memory=x"), None);
        assert_eq!(read("/memories?query=done"), None);
    }
}
