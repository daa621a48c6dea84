//! The pages in the navigation, the palette and the shortcuts.

use std::collections::BTreeSet;

use domain::Permission;

use crate::{
    features::{FOOT, NAVIGATION},
    ui::Icon,
};

/// A page in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NavItem {
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) icon: Icon,
    /// Permission to see it; `None` for everybody.
    pub(crate) needs: Option<Permission>,
    /// The shortcut key after `g`.
    pub(crate) key: char,
}

/// A group of the navigation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) places: &'static [NavItem],
}

fn all() -> impl Iterator<Item = &'static NavItem> {
    NAVIGATION.iter().flat_map(|group| group.places).chain(FOOT)
}

/// All items that a member with `permissions` may open.
pub(crate) fn places(permissions: &BTreeSet<Permission>) -> impl Iterator<Item = &'static NavItem> {
    all().filter(move |place| place.needs.is_none_or(|needs| permissions.contains(&needs)))
}

/// Path of the item to which the page at `path` belongs: the longest one that
/// is a prefix of it.
pub(crate) fn place_of(path: &str) -> Option<&'static str> {
    all()
        .map(|place| place.path)
        .filter(|place| {
            path == *place
                || (*place != "/"
                    && path
                        .strip_prefix(place)
                        .is_some_and(|rest| rest.starts_with('/')))
                || (*place == "/memories/import" && path.starts_with("/memories/imports/"))
        })
        .max_by_key(|place| place.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_belongs_to_the_item_with_the_longest_prefix() {
        for (path, place) in [
            ("/", Some("/")),
            ("/memories", Some("/memories")),
            ("/memories/0198", Some("/memories")),
            ("/memories/import", Some("/memories/import")),
            ("/memories/proposals/0198", Some("/memories/proposals")),
            ("/memories/imports/0198", Some("/memories/import")),
            ("/profile", Some("/profile")),
            ("/nowhere", None),
            ("/memoriesx", None),
        ] {
            assert_eq!(place_of(path), place, "{path}");
        }
    }

    #[test]
    fn items_without_permission_are_hidden() {
        let names = |permissions: &[Permission]| {
            places(&permissions.iter().copied().collect())
                .map(|place| place.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(&[Permission::ProfileManage]),
            ["Overview", "Notifications", "Profile"]
        );
        assert!(names(Permission::ALL).contains(&"Audit log"));
        let owner: Vec<_> = Permission::for_roles().collect();
        assert!(!names(&owner).contains(&"All organisations"));
        assert!(names(Permission::ALL).contains(&"All organisations"));
    }
}
