//! List and search on one page: without a question it lists, with one it
//! searches and says why each memory was found.

use domain::{
    AppError, Permission,
    memory::{MemoryKind, Origin, SearchMode},
};
use leptos::prelude::*;

use super::{
    api::{Found, memory_find},
    hits::Hits,
    parts::MemoryTable,
    query::MemoryQuery,
};
use crate::ui::{
    Choice, EmptyState, FilterForm, Glyph, Icon, Loaded, PageHead, Paging, SearchBox, SelectField,
    layout::IfMay, use_query,
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
                <SearchBox
                    label="Search memories"
                    placeholder="Ask for something by words or by meaning"
                    value=first.q
                    max_chars=1000
                    act="Search"
                />
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

/// How a search compares, in words.
pub(super) const fn mode_label(mode: SearchMode) -> &'static str {
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
                text="What you write or import shows here, and what others share with you."
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
