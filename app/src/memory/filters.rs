//! The filter bar of the list.

use domain::{
    AppError,
    memory::{
        FilterChoices, MemoryCriteria, MemoryKind, NamedUser, Origin, SearchMode, Term, Visibility,
        query_parse,
    },
};
use leptos::prelude::*;

use super::query::MemoryQuery;
use crate::ui::{Choice, FilterForm, Glyph, Icon, SearchBox, SelectField};

/// What is wrong with the fields of a query, as far as the browser can tell.
fn faults(query: &MemoryQuery) -> Vec<AppError> {
    let query_check = if query.query.trim().is_empty() {
        Ok(())
    } else {
        query_parse(&query.query).map(drop)
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

/// What is wrong with each field, by its name.
#[derive(Clone, Copy)]
struct Faults(Memo<Vec<AppError>>);

impl Faults {
    fn of(self, name: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.0.with(|all| {
                all.iter()
                    .find_map(|fault| fault.for_field(name).map(str::to_owned))
            })
        })
    }
}

/// The filter bar. It is built once from the first query; the form follows
/// later ones by itself, so that the field being typed in stays.
#[component]
pub(super) fn Filters(
    /// What the page is asked for.
    query: Memo<MemoryQuery>,
    /// What it offers by name.
    choices: FilterChoices,
) -> impl IntoView {
    let faults = Faults(Memo::new(move |_| query.with(faults)));
    let query_error = faults.of("query");
    let first = query.get_untracked();
    // On small screens the filters fold away, unless one is set.
    let folded_out = first.is_filtered() || first.is_trash();
    view! {
        <FilterForm path="/memories" label="Search memories" class="filters" as_typed=true>
            <div class="filters-main">
                <SearchBox
                    label="Search memories"
                    placeholder="Ask for something by words or by meaning"
                    value=first.query.clone()
                    max_chars=1000
                    act="Search"
                />
            </div>
            <div role="alert">
                {move || query_error.get().map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
            <details class="fold" open=folded_out>
                <summary>
                    <Glyph icon=Icon::ChevronRight />
                    "Filters"
                </summary>
                <PrimaryFilters first=first.clone() owners=choices.owners.clone() faults=faults />
                <MoreFilters first=first choices=choices faults=faults />
            </details>
        </FilterForm>
    }
}

/// What does not narrow, and then what does.
fn or_any(any: &str, choices: impl Iterator<Item = Choice>) -> Vec<Choice> {
    std::iter::once(Choice::new("", any))
        .chain(choices)
        .collect()
}

#[component]
fn PrimaryFilters(first: MemoryQuery, owners: Vec<NamedUser>, faults: Faults) -> impl IntoView {
    let filter = first.filter;
    let kinds = MemoryKind::ALL
        .iter()
        .map(|kind| Choice::new(kind.key(), kind.label()));
    let origins = Origin::ALL
        .iter()
        .map(|origin| Choice::new(origin.key(), origin.label()));
    let modes = SearchMode::ALL.iter().map(|mode| {
        // The default stays out of the URL.
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
            <SelectField name="mode" label="Compare" choices=modes.collect() value=first.mode error=faults.of("mode") />
            <SelectField name="kind" label="Kind" choices=or_any("Any kind", kinds) value=filter.kind error=faults.of("kind") />
            <SelectField name="owner" label="Owner" choices=or_any("Anyone", owners) value=filter.owner error=faults.of("owner") />
            <SelectField name="origin" label="From" choices=or_any("Anywhere", origins) value=filter.origin error=faults.of("origin") />
            <FilterText name="tag" label="Tags" kind="text" value=filter.tag error=faults.of("tag") />
            <SelectField name="state" label="Show" choices=or_any("Not deleted", trash) value=filter.state error=faults.of("state") />
        </div>
    }
}

/// Folds away everywhere, unless one of them is set.
#[component]
fn MoreFilters(first: MemoryQuery, choices: FilterChoices, faults: Faults) -> impl IntoView {
    let filter = first.filter;
    let set = [
        &filter.persona,
        &filter.team,
        &filter.visibility,
        &filter.term,
        &filter.from,
        &filter.to,
    ];
    let is_set = set.iter().any(|text| !text.is_empty());
    let keeping = Term::ALL
        .iter()
        .map(|term| Choice::new(term.key(), term.label()));
    let sights = Visibility::ALL
        .iter()
        .map(|sight| Choice::new(sight.key(), sight.label()));
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
                <SelectField name="persona" label="Persona" choices=or_any("Any persona", personas) value=filter.persona error=faults.of("persona") />
                <SelectField name="team" label="Team" choices=or_any("Any team", teams) value=filter.team error=faults.of("team") />
                <SelectField name="visibility" label="Seen by" choices=or_any("Anybody", sights) value=filter.visibility error=faults.of("visibility") />
                <SelectField name="term" label="Kept" choices=or_any("Any time", keeping) value=filter.term error=faults.of("term") />
                <FilterText name="from" label="Changed from (UTC)" kind="date" value=filter.from error=faults.of("from") />
                <FilterText name="to" label="Changed until (UTC)" kind="date" value=filter.to error=faults.of("to") />
                <button type="submit" class="button">"Apply"</button>
            </div>
        </details>
    }
}

/// A line of text or a day among the filters.
#[component]
fn FilterText(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    error: Signal<Option<String>>,
) -> impl IntoView {
    let described_by = format!("{name}-error");
    // A browser takes no other text for a day and complains.
    let is_no_day = kind == "date" && error.with_untracked(Option::is_some);
    let value = if is_no_day { String::new() } else { value };
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
                aria-invalid=move || error.with(Option::is_some).then_some("true")
            />
            <div id=described_by role="alert">
                {move || error.get().map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
        </div>
    }
}

/// How a search compares, in words.
pub(super) const fn mode_label(mode: SearchMode) -> &'static str {
    match mode {
        SearchMode::Both => "Words and meaning",
        SearchMode::Meaning => "Meaning only",
        SearchMode::Words => "Words only",
    }
}

#[cfg(test)]
mod tests {
    use domain::memory::MemoryFilter;

    use super::*;

    #[test]
    fn every_fault_of_a_url_is_found_before_it_is_asked_for() {
        assert!(faults(&MemoryQuery::default()).is_empty());
        let query = MemoryQuery {
            query: "x".repeat(1_001),
            mode: "loud".into(),
            filter: MemoryFilter {
                from: "yesterday".into(),
                ..MemoryFilter::default()
            },
            ..MemoryQuery::default()
        };
        let faults = faults(&query);
        for field in ["query", "mode", "from"] {
            assert!(
                faults.iter().any(|fault| fault.for_field(field).is_some()),
                "{field}"
            );
        }
    }
}
