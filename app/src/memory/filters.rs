//! The filter bar of the list.

use domain::{
    AppError,
    memory::{
        FilterChoices, MemoryKind, MemoryNarrowing, Origin, SearchMode, Term, Visibility,
        question_parse,
    },
};
use leptos::prelude::*;

use super::query::MemoryQuery;
use crate::ui::{Choice, FilterForm, Glyph, Icon, SearchBox, SelectField};

/// What is wrong with the fields of a query, as far as the browser can tell.
fn faults(query: &MemoryQuery) -> Vec<AppError> {
    let question = if query.q.trim().is_empty() {
        Ok(())
    } else {
        question_parse(&query.q).map(drop)
    };
    [
        question,
        SearchMode::parse(&query.mode).map(drop),
        MemoryNarrowing::parse(&query.filter).map(drop),
    ]
    .into_iter()
    .filter_map(Result::err)
    .collect()
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
    let faults = Memo::new(move |_| query.with(faults));
    let error = move |name: &'static str| {
        Signal::derive(move || {
            faults.with(|all| {
                all.iter()
                    .find_map(|fault| fault.for_field(name).map(str::to_owned))
            })
        })
    };
    let FilterChoices {
        personas,
        teams,
        owners,
    } = choices;
    let first = query.get_untracked();
    let filter = first.filter.clone();
    let first_of = |label: &str, rest: Vec<Choice>| {
        let mut all = vec![Choice::new("", label)];
        all.extend(rest);
        all
    };
    let kinds = MemoryKind::ALL
        .iter()
        .map(|kind| Choice::new(kind.key(), kind.label()));
    let origins = Origin::ALL
        .iter()
        .map(|origin| Choice::new(origin.key(), origin.label()));
    let terms = Term::ALL
        .iter()
        .map(|term| Choice::new(term.key(), term.label()));
    let sights = Visibility::ALL
        .iter()
        .map(|sight| Choice::new(sight.key(), sight.label()));
    let modes = SearchMode::ALL.iter().map(|mode| {
        // The default stays out of the URL.
        let value = if *mode == SearchMode::default() {
            ""
        } else {
            mode.key()
        };
        Choice::new(value, mode_label(*mode))
    });
    let mut offered = vec![Choice::new("mine", "You"), Choice::new("shared", "Others")];
    offered.extend(
        owners
            .iter()
            .map(|owner| Choice::new(owner.id.to_string(), &owner.name)),
    );
    let teams = teams
        .iter()
        .map(|team| Choice::new(team.id.to_string(), &team.name))
        .collect();
    let personas = personas
        .iter()
        .map(|p| Choice::new(p.id.to_string(), &p.name))
        .collect();
    let states = first_of("Not deleted", vec![Choice::new("trash", "In the trash")]);
    // On small screens the filters fold away, unless one is set; those that are
    // seldom needed do so everywhere.
    let folded_out = first.is_filtered() || first.is_trash();
    let seldom = [
        &filter.persona,
        &filter.team,
        &filter.visibility,
        &filter.term,
        &filter.from,
        &filter.to,
    ];
    let seldom_set = seldom.iter().any(|text| !text.is_empty());
    view! {
        <FilterForm path="/memories" label="Search memories" class="filters" as_typed=true>
            <div class="filters-main">
                <SearchBox
                    label="Search memories"
                    placeholder="Ask for something by words or by meaning"
                    value=first.q
                    max_chars=1000
                    act="Search"
                />
            </div>
            <div role="alert">
                {move || error("q").get().map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
            <details class="fold" open=folded_out>
                <summary>
                    <Glyph icon=Icon::ChevronRight />
                    "Filters"
                </summary>
                <div class="filters-more">
                    <SelectField name="mode" label="Compare" choices=modes.collect() value=first.mode error=error("mode") />
                    <SelectField name="kind" label="Kind" choices=first_of("Any kind", kinds.collect()) value=filter.kind error=error("kind") />
                    <SelectField name="owner" label="Owner" choices=first_of("Anyone", offered) value=filter.owner error=error("owner") />
                    <SelectField name="origin" label="From" choices=first_of("Anywhere", origins.collect()) value=filter.origin error=error("origin") />
                    <FilterText name="tag" label="Tags" kind="text" value=filter.tag error=error("tag") />
                    <SelectField name="state" label="Show" choices=states value=filter.state error=error("state") />
                </div>
                <details class="fold-always" open=seldom_set>
                    <summary>
                        <Glyph icon=Icon::ChevronRight />
                        "More filters"
                    </summary>
                    <div class="filters-more">
                        <SelectField name="persona" label="Persona" choices=first_of("Any persona", personas) value=filter.persona error=error("persona") />
                        <SelectField name="team" label="Team" choices=first_of("Any team", teams) value=filter.team error=error("team") />
                        <SelectField name="visibility" label="Seen by" choices=first_of("Anybody", sights.collect()) value=filter.visibility error=error("visibility") />
                        <SelectField name="term" label="Kept" choices=first_of("Any time", terms.collect()) value=filter.term error=error("term") />
                        <FilterText name="from" label="Changed from (UTC)" kind="date" value=filter.from error=error("from") />
                        <FilterText name="to" label="Changed until (UTC)" kind="date" value=filter.to error=error("to") />
                        <button type="submit" class="button">"Apply"</button>
                    </div>
                </details>
            </details>
        </FilterForm>
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
            q: "x".repeat(1_001),
            mode: "loud".into(),
            filter: MemoryFilter {
                from: "yesterday".into(),
                ..MemoryFilter::default()
            },
            ..MemoryQuery::default()
        };
        let faults = faults(&query);
        for field in ["q", "mode", "from"] {
            assert!(
                faults.iter().any(|fault| fault.for_field(field).is_some()),
                "{field}"
            );
        }
    }
}
