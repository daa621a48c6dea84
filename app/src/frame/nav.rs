//! The pages in the navigation, the palette and the shortcuts.

use domain::Permission;

use crate::ui::Icon;

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

/// Path of the proposals; the navigation shows the number of waiting ones.
pub(crate) const PROPOSALS: &str = "/memories/proposals";

/// Groups of the navigation, from a member's own pages to the installation's.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        name: "Mine",
        places: &[
            NavItem {
                path: "/",
                name: "Overview",
                icon: Icon::Overview,
                needs: None,
                key: 'o',
            },
            NavItem {
                path: "/memories",
                name: "Memories",
                icon: Icon::Memories,
                needs: Some(Permission::MemoryRead),
                key: 'm',
            },
            NavItem {
                path: PROPOSALS,
                name: "Proposals",
                icon: Icon::Share,
                needs: Some(Permission::MemoryShare),
                key: 'd',
            },
            NavItem {
                path: "/memories/import",
                name: "Import",
                icon: Icon::Upload,
                needs: Some(Permission::MemoryImport),
                key: 'i',
            },
            NavItem {
                path: "/keys",
                name: "Keys",
                icon: Icon::Key,
                needs: Some(Permission::ApiKeyOwn),
                key: 'k',
            },
            NavItem {
                path: "/connect",
                name: "Connect",
                icon: Icon::Plug,
                needs: Some(Permission::ApiKeyOwn),
                key: 'c',
            },
        ],
    },
    Group {
        name: "Organisation",
        places: &[
            NavItem {
                path: "/members",
                name: "Members",
                icon: Icon::Users,
                needs: Some(Permission::MemberRead),
                key: 'e',
            },
            NavItem {
                path: "/invites",
                name: "Invites",
                icon: Icon::Mail,
                needs: Some(Permission::MemberInvite),
                key: 'n',
            },
            NavItem {
                path: "/teams",
                name: "Teams",
                icon: Icon::Team,
                needs: Some(Permission::MemberRead),
                key: 't',
            },
            NavItem {
                path: "/roles",
                name: "Roles",
                icon: Icon::Role,
                needs: Some(Permission::MemberRead),
                key: 'r',
            },
            NavItem {
                path: "/groups",
                name: "Groups",
                icon: Icon::Group,
                needs: Some(Permission::GroupMappingManage),
                key: 'u',
            },
            NavItem {
                path: "/settings",
                name: "Settings",
                icon: Icon::Settings,
                needs: Some(Permission::SettingsManage),
                key: 's',
            },
        ],
    },
    Group {
        name: "Oversight",
        places: &[
            NavItem {
                path: "/audit",
                name: "Audit log",
                icon: Icon::Audit,
                needs: Some(Permission::AuditRead),
                key: 'a',
            },
            NavItem {
                path: "/isolation",
                name: "Isolation",
                icon: Icon::Wall,
                needs: Some(Permission::IsolationProbe),
                key: 'w',
            },
        ],
    },
    Group {
        name: "Platform",
        places: &[NavItem {
            path: "/operator",
            name: "All organisations",
            icon: Icon::Building,
            needs: Some(Permission::PlatformOperate),
            key: 'z',
        }],
    },
];

/// The member's profile, at the foot of the navigation.
pub(crate) const PROFILE: NavItem = NavItem {
    path: "/profile",
    name: "Profile",
    icon: Icon::User,
    needs: None,
    key: 'p',
};

/// The member's notifications, at the foot of the navigation.
pub(crate) const NOTIFICATIONS: NavItem = NavItem {
    path: "/notifications",
    name: "Notifications",
    icon: Icon::Bell,
    needs: Some(Permission::ProfileManage),
    key: 'n',
};

const FOOT: [NavItem; 2] = [NOTIFICATIONS, PROFILE];

/// All items that a member with `permissions` may open.
pub(crate) fn places(permissions: &[Permission]) -> impl Iterator<Item = &'static NavItem> {
    GROUPS
        .iter()
        .flat_map(|group| group.places)
        .chain(&FOOT)
        .filter(move |place| place.needs.is_none_or(|needs| permissions.contains(&needs)))
}

/// Path of the item to which the page at `path` belongs: the longest one that
/// is a prefix of it.
pub(crate) fn place_of(path: &str) -> Option<&'static str> {
    GROUPS
        .iter()
        .flat_map(|group| group.places)
        .chain(&FOOT)
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
            places(permissions)
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
