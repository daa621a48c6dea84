//! The filter bar of the list, and the active filters as chips.

use domain::{
    AppError,
    memory::{
        FilterChoices, MemoryCriteria, MemoryKind, NamedUser, Origin, SearchMode, Term, Visibility,
        parse_query,
    },
};
use leptos::prelude::*;

use super::query::MemoryQuery;
use crate::ui::{Choice, FilterForm, Glyph, Icon, SearchBox, SelectField};

/// Errors of the query's fields that can be found without the server.
fn query_errors(query: &MemoryQuery) -> Vec<AppError> {
    let query_check = if query.query.trim().is_empty() {
        Ok(())
    } else {
        parse_query(&query.query).map(drop)
    };
    [
        query_check,
        SearchMode::parse(&query.mode).map(drop),
        MemoryCriteria::parse(&query.filter).map(drop),
    ]
    .into_iter()
    .filter_map(Result::err)
    .collect()
}

/// Error messages of the filter bar's fields.
#[derive(Clone)]
struct FieldErrors(Vec<AppError>);

impl FieldErrors {
    fn field(&self, name: &str) -> Option<String> {
        let mut errors = self.0.iter();
        errors.find_map(|error| error.for_field(name).map(str::to_owned))
    }
}

/// The filter bar.
#[component]
pub(super) fn Filters(query: MemoryQuery, choices: FilterChoices) -> impl IntoView {
    let errors = FieldErrors(query_errors(&query));
    let initial = query;
    // On small screens the filters are folded unless one is set.
    let is_open = initial.is_filtered() || initial.is_trash();
    view! {
        <FilterForm path="/memories" label="Search memories" class="filters" results="results results-status">
            {initial.url().sort_field()}
            <div class="filters-main">
                <SearchBox
                    label="Search memories"
                    placeholder="Search memories"
                    value=initial.query.clone()
                    max_chars=1000
                    act="Search"
                />
            </div>
            <div role="alert">
                {errors.field("query").map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
            <details class="fold" open=is_open>
                <summary>
                    <Glyph icon=Icon::ChevronRight />
                    "Filters"
                </summary>
                <PrimaryFilters initial=initial.clone() owners=choices.owners.clone() errors=errors.clone() />
                <MoreFilters initial=initial choices=choices errors=errors />
            </details>
        </FilterForm>
    }
}

/// The choice for no filter, followed by `choices`.
fn with_any(any: &str, choices: impl Iterator<Item = Choice>) -> Vec<Choice> {
    std::iter::once(Choice::new("", any))
        .chain(choices)
        .collect()
}

#[component]
fn PrimaryFilters(
    initial: MemoryQuery,
    owners: Vec<NamedUser>,
    errors: FieldErrors,
) -> impl IntoView {
    let filter = initial.filter;
    let kinds = MemoryKind::ALL
        .iter()
        .map(|kind| Choice::new(kind.key(), kind.label()));
    let origins = Origin::ALL
        .iter()
        .map(|origin| Choice::new(origin.key(), origin.label()));
    let modes = SearchMode::ALL.iter().map(|mode| {
        // The default mode stays out of the URL.
        let value = if *mode == SearchMode::default() {
            ""
        } else {
            mode.key()
        };
        Choice::new(value, mode_label(*mode))
    });
    let owners = [Choice::new("mine", "You"), Choice::new("shared", "Others")]
        .into_iter()
        .chain(
            owners
                .into_iter()
                .map(|owner| Choice::new(owner.id.to_string(), owner.name)),
        );
    let trash = std::iter::once(Choice::new("trash", "In the trash"));
    view! {
        <div class="filters-more">
            <SelectField name="mode" label="Search mode" choices=modes.collect() value=initial.mode error=errors.field("mode") />
            <SelectField name="kind" label="Kind" choices=with_any("Any kind", kinds) value=filter.kind error=errors.field("kind") />
            <SelectField name="owner" label="Owner" choices=with_any("Anyone", owners) value=filter.owner error=errors.field("owner") />
            <SelectField name="origin" label="Source" choices=with_any("All sources", origins) value=filter.origin error=errors.field("origin") />
            <FilterText name="tag" label="Tags" kind="text" value=filter.tag error=errors.field("tag") />
            <SelectField name="state" label="Status" choices=with_any("Active", trash) value=filter.state error=errors.field("state") />
        </div>
    }
}

/// Folded on all screens unless one of these filters is set.
#[component]
fn MoreFilters(initial: MemoryQuery, choices: FilterChoices, errors: FieldErrors) -> impl IntoView {
    let filter = initial.filter;
    let set = [
        &filter.persona,
        &filter.team,
        &filter.visibility,
        &filter.term,
        &filter.source_host,
        &filter.from,
        &filter.to,
    ];
    let is_set = set.iter().any(|text| !text.is_empty());
    let terms = Term::ALL
        .iter()
        .map(|term| Choice::new(term.key(), term.label()));
    let visibilities = Visibility::ALL
        .iter()
        .map(|visibility| Choice::new(visibility.key(), visibility.label()));
    let personas = choices
        .personas
        .into_iter()
        .map(|persona| Choice::new(persona.id.to_string(), persona.name));
    let teams = choices
        .teams
        .into_iter()
        .map(|team| Choice::new(team.id.to_string(), team.name));
    view! {
        <details class="fold-always" open=is_set>
            <summary>
                <Glyph icon=Icon::ChevronRight />
                "More filters"
            </summary>
            <div class="filters-more">
                <SelectField name="persona" label="Persona" choices=with_any("Any persona", personas) value=filter.persona error=errors.field("persona") />
                <SelectField name="team" label="Team" choices=with_any("Any team", teams) value=filter.team error=errors.field("team") />
                <SelectField name="visibility" label="Visible to" choices=with_any("Anyone", visibilities) value=filter.visibility error=errors.field("visibility") />
                <SelectField name="term" label="Retention" choices=with_any("Any", terms) value=filter.term error=errors.field("term") />
                <FilterText name="source_host" label="Source host" kind="text" value=filter.source_host error=errors.field("source_host") />
                <FilterText name="from" label="Updated after (UTC)" kind="date" value=filter.from error=errors.field("from") />
                <FilterText name="to" label="Updated before (UTC)" kind="date" value=filter.to error=errors.field("to") />
                <button type="submit" class="button">"Apply"</button>
            </div>
        </details>
    }
}

/// A text or date input among the filters.
#[component]
fn FilterText(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    error: Option<String>,
) -> impl IntoView {
    let described_by = format!("{name}-error");
    // A date input accepts no other text.
    let is_invalid_date = kind == "date" && error.is_some();
    let value = if is_invalid_date {
        String::new()
    } else {
        value
    };
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                type=kind
                name=name
                id=name
                value=value
                autocomplete="off"
                aria-describedby=described_by.clone()
                aria-invalid=error.is_some().then_some("true")
            />
            <div id=described_by role="alert">
                {error.map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
        </div>
    }
}

const fn mode_label(mode: SearchMode) -> &'static str {
    match mode {
        SearchMode::Both => "Hybrid",
        SearchMode::Meaning => "Semantic",
        SearchMode::Words => "Keyword",
    }
}

/// The active filters as chips that each remove one; nothing without filters.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
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
            <ul class="chips" aria-label="Filters">
                {chips
                    .into_iter()
                    .map(|(text, href)| {
                        view! {
                            <li>
                                <a class="chip" href=href>
                                    <span class="visually-hidden">"Remove filter: "</span>
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
    add("origin", "Source", origin);
    let label = Term::from_key(&filter.term).map_or(filter.term.as_str(), |known| known.label());
    add("term", "Retention", label);
    let visibility = Visibility::from_key(&filter.visibility)
        .map_or(filter.visibility.as_str(), |known| known.label());
    add("visibility", "Visible to", visibility);
    add("source_host", "Source host", &filter.source_host);
    add("from", "Updated after", &filter.from);
    add("to", "Updated before", &filter.to);
    let state = if query.is_trash() {
        "in the trash"
    } else {
        filter.state.as_str()
    };
    add("state", "Status", state);
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
    fn every_invalid_field_of_the_url_has_an_error() {
        assert!(query_errors(&MemoryQuery::default()).is_empty());
        let query = MemoryQuery {
            query: "x".repeat(1_001),
            mode: "loud".into(),
            filter: MemoryFilter {
                from: "yesterday".into(),
                ..MemoryFilter::default()
            },
            ..MemoryQuery::default()
        };
        let errors = query_errors(&query);
        for field in ["query", "mode", "from"] {
            assert!(
                errors.iter().any(|error| error.for_field(field).is_some()),
                "{field}"
            );
        }
    }

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
                "Source: song",
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
