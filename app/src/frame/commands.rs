//! Commands of the palette, and keyboard shortcuts, for a member.

use std::collections::BTreeSet;

use domain::Permission;
use islands::{Command, Icon, Shortcut};

use super::nav::places;

/// The palette's commands: every page and action that a member with
/// `permissions` may use.
pub(crate) fn commands(permissions: &BTreeSet<Permission>) -> Vec<Command> {
    let pages = places(permissions).map(|place| (place.name, place.icon, place.path));
    let actions = [
        (
            Permission::MemoryWrite,
            "New memory",
            Icon::Plus,
            "/memories/new",
        ),
        (
            Permission::MemoryRead,
            "Trash",
            Icon::Trash,
            "/memories?state=trash",
        ),
        (Permission::ApiKeyOwn, "New API key", Icon::Key, "/keys/new"),
        (
            Permission::ApiKeyOwn,
            "API reference",
            Icon::Memories,
            "/reference",
        ),
    ];
    let actions = actions
        .into_iter()
        .filter(|(needs, ..)| permissions.contains(needs))
        .map(|(_, name, icon, path)| (name, icon, path));
    pages
        .chain(actions)
        .map(|(name, icon, path)| Command {
            name: name.to_owned(),
            icon,
            path: path.to_owned(),
        })
        .collect()
}

/// The keyboard shortcuts for a member with `permissions`.
pub(crate) fn shortcuts(permissions: &BTreeSet<Permission>) -> Vec<Shortcut> {
    let may = |permission| permissions.contains(&permission);
    let search = may(Permission::MemoryRead).then(|| Shortcut {
        field: Some("query".to_owned()),
        ..shortcut("/", "Search memories", "/memories")
    });
    let create = may(Permission::MemoryWrite).then(|| shortcut("n", "New memory", "/memories/new"));
    let pages = places(permissions)
        .map(|place| shortcut(&format!("g{}", place.key), place.name, place.path));
    search.into_iter().chain(create).chain(pages).collect()
}

fn shortcut(keys: &str, name: &str, path: &str) -> Shortcut {
    Shortcut {
        keys: keys.to_owned(),
        name: name.to_owned(),
        path: path.to_owned(),
        field: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn names(permissions: &[Permission]) -> Vec<String> {
        let commands = commands(&permissions.iter().copied().collect());
        commands.into_iter().map(|command| command.name).collect()
    }

    #[test]
    fn only_permitted_commands_are_offered() {
        assert_eq!(
            names(&[Permission::ProfileManage]),
            ["Overview", "Notifications", "Profile"]
        );
        let all = names(Permission::ALL);
        assert!(all.contains(&"New memory".to_owned()), "{all:?}");
        let paths = shortcuts(&BTreeSet::from([Permission::ProfileManage]));
        assert_eq!(paths.len(), 3, "{paths:?}");
    }

    #[test]
    fn shortcuts_are_unique() {
        let all = shortcuts(&Permission::ALL.iter().copied().collect());
        let keys: HashSet<_> = all.iter().map(|shortcut| &shortcut.keys).collect();
        assert_eq!(keys.len(), all.len(), "{all:?}");
    }
}
