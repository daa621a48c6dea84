//! List and search on one page: without a question it lists, with one it
//! searches and says why each memory was found.

use domain::{
    AppError, Permission,
    memory::{MemoryHit, MemoryKind, Origin, SearchMode, SearchResults},
};
use leptos::prelude::*;

use super::{
    api::{Found, memory_find},
    highlight::stretches,
    parts::{MemoryTable, Sight},
    query::MemoryQuery,
};
use crate::ui::{
    Choice, EmptyState, FilterForm, Glyph, Icon, Loaded, PageHead, Paging, SelectField, Time,
    layout::IfMay, plural, use_query,
};

/// The page at `/memories`.
#[component]
pub(crate) fn MemoryListPage() -> impl IntoView {
    let params = use_query();
    let query = Memo::new(move |_| params.with(MemoryQuery::from_params));
    let found = Resource::new(
        move || query.get(),
        |query| async move {
            let found = memory_find(query.clone()).await?;
            Ok::<_, AppError>((query, found))
        },
    );
    view! {
        <PageHead title="Memories" lead="Yours, and those that others share with you.">
            <IfMay permission=Permission::MemoryImport>
                <a class="button" href="/memories/import">
                    <Glyph icon=Icon::Upload />
                    "Import"
                </a>
            </IfMay>
            <IfMay permission=Permission::MemoryWrite>
                <a class="button button-primary" href="/memories/new">
                    <Glyph icon=Icon::Plus />
                    "New memory"
                </a>
            </IfMay>
        </PageHead>
        <Filters query=query />
        <Loaded resource=found view=|(query, found)| show(query, found) />
    }
    .into_any()
}

/// The filter bar. It is built once from the first query; the form follows
/// later ones by itself, so that the field being typed in stays.
#[component]
fn Filters(query: Memo<MemoryQuery>) -> impl IntoView {
    let first = query.get_untracked();
    let filter = first.filter.clone();
    let any = |label: &str| vec![Choice::new("", label)];
    let kinds = any("Any kind")
        .into_iter()
        .chain(
            MemoryKind::ALL
                .iter()
                .map(|kind| Choice::new(kind.key(), kind.label())),
        )
        .collect();
    let owners = vec![
        Choice::new("", "Anyone"),
        Choice::new("mine", "You"),
        Choice::new("shared", "Others"),
    ];
    let origins = any("Anywhere")
        .into_iter()
        .chain(
            Origin::ALL
                .iter()
                .map(|origin| Choice::new(origin.key(), origin.label())),
        )
        .collect();
    let modes = SearchMode::ALL
        .iter()
        .map(|mode| {
            // The default stays out of the URL.
            let value = if *mode == SearchMode::default() {
                ""
            } else {
                mode.key()
            };
            Choice::new(value, mode_label(*mode))
        })
        .collect();
    let mode = if first.mode == SearchMode::default() {
        ""
    } else {
        first.mode.key()
    };
    let states = vec![
        Choice::new("", "Not deleted"),
        Choice::new("trash", "In the trash"),
    ];
    // On small screens the filters fold away, unless one is set.
    let folded_out = first.is_filtered() || first.is_trash();
    let clear = move || query.with(|query| query.is_filtered() || query.is_trash());
    view! {
        <FilterForm path="/memories" label="Search memories" class="filters">
            <div class="filters-main">
                <div class="search-box">
                    <Glyph icon=Icon::Search />
                    <input
                        type="search"
                        name="q"
                        id="q"
                        value=first.q
                        aria-label="Search memories"
                        placeholder="Ask for something by words or by meaning"
                        autocomplete="off"
                        maxlength="1000"
                        dir="auto"
                    />
                </div>
                <button type="submit" class="button">"Search"</button>
            </div>
            <details class="fold" open=folded_out>
                <summary>
                    <Glyph icon=Icon::ChevronRight />
                    "Filters"
                </summary>
                <div class="filters-more">
                    <SelectField name="mode" label="Compare" choices=modes value=mode />
                    <SelectField name="kind" label="Kind" choices=kinds value=filter.kind />
                    <SelectField name="owner" label="Owner" choices=owners value=filter.owner />
                    <SelectField name="origin" label="From" choices=origins value=filter.origin />
                    <div class="field">
                        <label for="tag">"Tag"</label>
                        <input type="text" name="tag" id="tag" value=filter.tag autocomplete="off" />
                    </div>
                    <SelectField name="state" label="Show" choices=states value=filter.state />
                    {move || clear().then(|| view! { <a class="button button-quiet" href="/memories">"Clear filters"</a> })}
                </div>
            </details>
        </FilterForm>
    }
}

const fn mode_label(mode: SearchMode) -> &'static str {
    match mode {
        SearchMode::Both => "Words and meaning",
        SearchMode::Meaning => "Meaning only",
        SearchMode::Words => "Words only",
    }
}

fn show(query: MemoryQuery, found: Found) -> AnyView {
    match found {
        Found::List(page) if page.items.is_empty() => {
            view! { <NothingListed query=query /> }.into_any()
        }
        Found::List(page) => {
            let newest = query.starting_after(String::new()).path();
            let older = page.next.map(|next| query.starting_after(next).path());
            let first = query.after.is_empty();
            view! {
                <MemoryTable memories=page.items />
                <Paging newest=newest older=older first=first />
            }
            .into_any()
        }
        Found::Hits(results) => view! { <Hits query=query results=results /> }.into_any(),
    }
}

/// An empty list: nothing yet, an empty trash, or filters that fit nothing.
#[component]
fn NothingListed(query: MemoryQuery) -> impl IntoView {
    if query.is_everything() {
        view! {
            <EmptyState
                title="No memories yet"
                text="Write the first one, or import a file of notes."
            >
                <IfMay permission=Permission::MemoryWrite>
                    <a class="button button-primary" href="/memories/new">"New memory"</a>
                </IfMay>
                <IfMay permission=Permission::MemoryImport>
                    <a class="button" href="/memories/import">"Import a file"</a>
                </IfMay>
            </EmptyState>
        }
        .into_any()
    } else if query.is_trash() && !query.is_filtered() {
        view! {
            <EmptyState title="The trash is empty" text="Memories that you delete wait here until you restore them.">
                <a class="button" href="/memories">"Back to memories"</a>
            </EmptyState>
        }
        .into_any()
    } else {
        view! {
            <EmptyState title="No memory fits these filters" text="Loosen one of them, or start over.">
                <a class="button" href="/memories">"Clear filters"</a>
            </EmptyState>
        }
        .into_any()
    }
}

#[component]
fn Hits(query: MemoryQuery, results: SearchResults) -> impl IntoView {
    let waiting = results.waiting_for_embedding;
    let summary = format!(
        "{} for “{}”, best first. Compared by {}.",
        plural(
            i64::try_from(results.hits.len()).unwrap_or(i64::MAX),
            "memory",
            "memories"
        ),
        query.q.trim(),
        mode_label(results.mode).to_lowercase(),
    );
    let notice = results.notice.map(|text| {
        view! {
            <p class="notice">
                <Glyph icon=Icon::Info />
                <span>{text}</span>
            </p>
        }
    });
    let waiting = (waiting > 0 && results.mode != SearchMode::Words).then(|| {
        view! {
            <p class="notice">
                <Glyph icon=Icon::Info />
                <span>
                    {format!(
                        "{} can be found by words only for now: computing the meaning takes a moment.",
                        plural(waiting, "memory", "memories"),
                    )}
                </span>
            </p>
        }
    });
    if results.hits.is_empty() {
        let narrowed = query.is_filtered() || query.is_trash();
        let without = MemoryQuery {
            q: query.q.clone(),
            mode: query.mode,
            ..MemoryQuery::default()
        }
        .path();
        return view! {
            {notice}
            {waiting}
            <EmptyState
                title="Nothing was found"
                text=if narrowed {
                    "No memory that fits the filters answers this. Try without them, or say it differently."
                } else {
                    "No memory answers this. Say it differently, or write it down for the next time."
                }
            >
                {narrowed.then(|| view! { <a class="button" href=without>"Search without filters"</a> })}
                <a class="button" href="/memories">"All memories"</a>
            </EmptyState>
        }
        .into_any();
    }
    view! {
        {notice}
        {waiting}
        <div class="hit-results">
            <p class="muted small" role="status">{summary}</p>
            <ol class="hits">
                {results.hits.into_iter().map(|hit| view! { <Hit hit=hit /> }).collect_view()}
            </ol>
        </div>
    }
    .into_any()
}

/// One memory and why it was found. Without a title, the passage is the link.
#[component]
fn Hit(hit: MemoryHit) -> impl IntoView {
    let MemoryHit {
        memory,
        matched_words,
        similarity,
        score,
    } = hit;
    let words = words_once(&matched_words);
    let words = (!words.is_empty())
        .then(|| view! { <span>"Words: " <strong>{words.join(", ")}</strong></span> });
    let near = similarity.map(|similarity| {
        view! {
            <span title="How near the meanings are: 1 is the same, 0 is unrelated">
                "Meaning: " <strong>{format!("{:.2} near", similarity.max(0.0))}</strong>
            </span>
        }
    });
    let href = format!("/memories/{}", memory.id);
    let passage = marked(&memory.excerpt, &matched_words);
    let (head, text) = if memory.title.is_empty() {
        (
            view! { <a class="hit-text" dir="auto" href=href>{passage}</a> }.into_any(),
            None,
        )
    } else {
        let title = marked(&memory.title, &matched_words);
        (
            view! { <a class="row-title" dir="auto" href=href>{title}</a> }.into_any(),
            Some(view! { <p class="hit-text" dir="auto">{passage}</p> }),
        )
    };
    let width = format!("{:.0}", (score.clamp(0.0, 1.0) * 40.0).max(1.0));
    view! {
        <li class="hit">
            <div class="hit-head">
                {head}
                <span class="hit-score" title="Within this search: 1 is the best possible">
                    <svg width="40" height="4" viewBox="0 0 40 4" aria-hidden="true">
                        <rect class="meter-track" width="40" height="4" rx="2"></rect>
                        <rect class="meter-value" width=width height="4" rx="2"></rect>
                    </svg>
                    <span class="visually-hidden">"Score "</span>
                    {format!("{score:.2}")}
                </span>
            </div>
            {text}
            <p class="hit-why">
                {words}
                {near}
                <span>{memory.kind.label()}</span>
                <Sight visibility=memory.visibility owner_id=memory.owner_id owner_name=memory.owner_name />
                <Time at=memory.updated_at />
            </p>
        </li>
    }
}

/// Each word once, whatever its case, in the order of the text.
fn words_once(words: &[String]) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for word in words {
        if !once
            .iter()
            .any(|seen| seen.to_lowercase() == word.to_lowercase())
        {
            once.push(word.clone());
        }
    }
    once
}

fn marked(text: &str, words: &[String]) -> impl IntoView + use<> {
    stretches(text, words)
        .into_iter()
        .map(|(part, hit)| {
            let part = part.to_owned();
            if hit {
                view! { <mark>{part}</mark> }.into_any()
            } else {
                part.into_any()
            }
        })
        .collect_view()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_matches_twice_is_named_once() {
        let words = ["The", "river", "the"].map(str::to_owned);
        assert_eq!(words_once(&words), ["The", "river"]);
    }

    #[test]
    fn matched_words_are_marked_and_markup_stays_text() {
        let owner = Owner::new();
        owner.set();
        let html = marked("Tea <b> time", &["tea".to_owned()]).to_html();
        assert!(html.starts_with("<mark>Tea<"), "{html}");
        assert!(
            html.contains("&lt;b&gt;") && !html.contains("<b>"),
            "{html}"
        );
    }
}
