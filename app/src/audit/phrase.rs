//! Actions and targets of audit entries in words.

/// Actions that are not a verb and its object.
const EVENTS: &[(&str, &str)] = &[
    ("operator.add", "Added operator"),
    ("operator.remove", "Removed operator"),
    ("session.sign_in", "Signed in"),
    ("session.sign_out", "Signed out"),
    ("session.switch", "Switched organisation"),
];

/// Nouns of actions, and those in words.
const NOUNS: &[(&str, &str)] = &[
    ("api_key", "API key"),
    ("break_glass", "private memories"),
    ("embedding_model", "embedding model"),
    ("event", "event stream"),
    ("group_mapping", "group rule"),
    ("isolation", "isolation"),
    ("memory_proposal", "proposal"),
    ("memory_view", "saved view"),
    ("service_account", "service account"),
    ("tenant", "organisation"),
    ("user", "member"),
];

/// Verbs of actions in the past.
const VERBS: &[(&str, &str)] = &[
    ("accept", "Accepted"),
    ("apply", "Applied"),
    ("cancel", "Cancelled"),
    ("close", "Closed"),
    ("confirm", "Confirmed"),
    ("create", "Created"),
    ("create_for", "Created"),
    ("deactivate", "Deactivated"),
    ("decline", "Declined"),
    ("delete", "Deleted"),
    ("discard", "Discarded"),
    ("export", "Exported"),
    ("get", "Viewed"),
    ("grant", "Assigned"),
    ("list", "Listed"),
    ("list_all", "Listed"),
    ("offboard", "Offboarded"),
    ("open", "Opened"),
    ("pause", "Paused"),
    ("probe", "Tested"),
    ("purge", "Permanently deleted"),
    ("reactivate", "Reactivated"),
    ("read", "Read"),
    ("rename", "Renamed"),
    ("renew", "Renewed"),
    ("reply", "Replied to"),
    ("restore", "Restored"),
    ("resume", "Resumed"),
    ("retry", "Retried"),
    ("revoke", "Revoked"),
    ("revoke_any", "Revoked"),
    ("search", "Searched"),
    ("share", "Shared"),
    ("simulate", "Tested"),
    ("start", "Started"),
    ("suspend", "Suspended"),
    ("unshare", "Stopped sharing"),
    ("update", "Updated"),
    ("withdraw", "Withdrew"),
];

/// The action in words, such as “Updated memory”; other keys as they are.
pub(super) fn phrase(action: &str) -> String {
    let find = |words: &[(&str, &'static str)], key: &str| {
        let mut words = words.iter();
        words.find(|(word, _)| *word == key).map(|(_, text)| *text)
    };
    if let Some(event) = find(EVENTS, action) {
        return event.to_owned();
    }
    let Some((noun, verb)) = action.split_once('.') else {
        return action.to_owned();
    };
    match find(VERBS, verb) {
        Some(verb) => {
            let noun = find(NOUNS, noun).map_or_else(|| noun.replace('_', " "), str::to_owned);
            format!("{verb} {noun}")
        }
        None => action.to_owned(),
    }
}

/// The page of a target.
pub(super) fn target_url(kind: &str, id: &str) -> Option<String> {
    let path = match kind {
        "api_key" => "keys",
        "import" => "memories/imports",
        "invite" => "invites",
        "memory" => "memories",
        "memory_proposal" => "memories/proposals",
        "role" => "roles",
        "team" => "teams",
        "user" => "members",
        _ => return None,
    };
    Some(format!("/{path}/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_told_in_words() {
        assert_eq!(phrase("memory.update"), "Updated memory");
        assert_eq!(phrase("memory_proposal.accept"), "Accepted proposal");
        assert_eq!(phrase("api_key.create_for"), "Created API key");
        assert_eq!(phrase("session.sign_in"), "Signed in");
        assert_eq!(phrase("session.refresh"), "session.refresh");
        assert_eq!(phrase("odd"), "odd");
    }
}
