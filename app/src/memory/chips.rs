//! The active filters of the list, as chips that each remove one.

use domain::memory::{FilterChoices, MemoryKind, Origin, Term, Visibility};
use leptos::prelude::*;

use super::query::MemoryQuery;
use crate::ui::{Glyph, Icon};

#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
/// The chips; renders nothing without filters.
#[component]
pub(super) fn Chips(
    query: MemoryQuery,
    /// Names of the ids in the filter.
    choices: FilterChoices,
) -> impl IntoView {
    let chips = chips(&query, &choices);
    (!chips.is_empty()).then(|| {
        let several = chips.len() > 1;
        let clear = query.unfiltered().path();
        view! {
            <ul class="chips" aria-label="Narrowed to">
                {chips
                    .into_iter()
                    .map(|(text, href)| {
                        view! {
                            <li>
                                <a class="chip" href=href>
                                    <span class="visually-hidden">"Take away: "</span>
                                    <span dir="auto">{text}</span>
                                    <Glyph icon=Icon::Close />
                                </a>
                            </li>
                        }
                    })
                    .collect_view()}
                {several.then(|| view! { <li><a class="button button-quiet" href=clear>"Clear filters"</a></li> })}
            </ul>
        }
    })
}

/// Text and link of each chip; the link leads to the page without that filter.
fn chips(query: &MemoryQuery, choices: &FilterChoices) -> Vec<(String, String)> {
    let filter = &query.filter;
    let mut chips = Vec::new();
    let mut add = |name: &str, label: &str, value: &str| {
        if !value.is_empty() {
            chips.push((format!("{label}: {value}"), query.with(name, "").path()));
        }
    };
    // Unknown keys are shown as they are; the filter form shows the error.
    let kind =
        MemoryKind::from_key(&filter.kind).map_or(filter.kind.as_str(), |known| known.label());
    add("kind", "Kind", kind);
    let persona = choices
        .personas
        .iter()
        .find(|p| p.id.to_string() == filter.persona);
    add(
        "persona",
        "Persona",
        persona.map_or(&filter.persona, |p| &p.name),
    );
    let member = choices
        .owners
        .iter()
        .find(|owner| owner.id.to_string() == filter.owner);
    let owner = match filter.owner.as_str() {
        "mine" => "you",
        "shared" => "others",
        other => member.map_or(other, |member| &member.name),
    };
    add("owner", "Owner", owner);
    let team = choices
        .teams
        .iter()
        .find(|team| team.id.to_string() == filter.team);
    add("team", "Team", team.map_or(&filter.team, |team| &team.name));
    let origin =
        Origin::from_key(&filter.origin).map_or(filter.origin.as_str(), |known| known.label());
    add("origin", "From", origin);
    let label = Term::from_key(&filter.term).map_or(filter.term.as_str(), |known| known.label());
    add("term", "Kept", label);
    let visibility = Visibility::from_key(&filter.visibility)
        .map_or(filter.visibility.as_str(), |known| known.label());
    add("visibility", "Seen by", visibility);
    add("from", "Changed from", &filter.from);
    add("to", "Changed until", &filter.to);
    let state = if query.is_trash() {
        "in the trash"
    } else {
        filter.state.as_str()
    };
    add("state", "Show", state);
    // Each tag has its own chip.
    let tags: Vec<_> = filter
        .tag
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .collect();
    for (n, tag) in tags.iter().enumerate() {
        let mut others = tags.clone();
        others.remove(n);
        chips.push((
            format!("Tag: {tag}"),
            query.with("tag", &others.join(",")).path(),
        ));
    }
    chips
}

#[cfg(test)]
mod tests {
    use domain::memory::MemoryFilter;

    use super::*;

    #[test]
    fn each_chip_removes_only_its_own_filter() {
        let query = MemoryQuery {
            query: "tea".into(),
            filter: MemoryFilter {
                kind: "event".into(),
                tag: "home, garden".into(),
                owner: "shared".into(),
                origin: "song".into(),
                ..MemoryFilter::default()
            },
            ..MemoryQuery::default()
        };
        let chips = chips(&query, &FilterChoices::default());
        let texts: Vec<_> = chips.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Kind: Event",
                "Owner: others",
                "From: song",
                "Tag: home",
                "Tag: garden"
            ]
        );
        assert_eq!(
            chips[0].1,
            "/memories?query=tea&tag=home%2C+garden&owner=shared&origin=song"
        );
        assert_eq!(
            chips[3].1,
            "/memories?query=tea&kind=event&tag=garden&owner=shared&origin=song"
        );
    }
}
