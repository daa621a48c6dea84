//! List and search on one page: without a question it lists, with one it
//! searches and says why each memory was found.

use domain::{AppError, Permission, memory::MemoryFilter};
use leptos::prelude::*;

use super::{
    api::{
        ListContext, MemoryListData, MemoryListing, MemoryViewCreate, memory_find,
        memory_list_context,
    },
    chips::Chips,
    filters::Filters,
    hits::{Hits, found_count},
    live::ListNews,
    parts::MemoryTable,
    query::MemoryQuery,
    trash::EmptyTrash,
    views::Views,
};
use crate::{
    forms::FormState,
    ui::{EmptyState, Glyph, Icon, Loaded, PageHead, Paging, layout::IfMay, use_query},
};

/// The page at `/memories`.
#[component]
pub(crate) fn MemoryListPage() -> impl IntoView {
    let params = use_query();
    let query = Memo::new(move |_| params.with(MemoryQuery::from_params));
    let create = FormState::<MemoryViewCreate>::new();
    let saved = create.done();
    // Asked for again only when other names are needed or a view was saved: the
    // form with the field being typed in hangs on it.
    let needed = Memo::new(move |_| {
        query.with(|query| MemoryFilter {
            owner: query.filter.owner.clone(),
            team: query.filter.team.clone(),
            ..MemoryFilter::default()
        })
    });
    let list_context = Resource::new(
        move || (needed.get(), saved.get()),
        |(needed, _)| async move { memory_list_context(needed).await },
    );
    let found = Resource::new(
        move || query.get(),
        |query| async move {
            let found = memory_find(query.clone()).await?;
            Ok::<_, AppError>((query, found))
        },
    );
    view! {
        <PageHead title="Memories" lead="Yours, and those that others share with you.">
            <a class="button button-quiet" href="/memories/personas">"Personas"</a>
            <IfMay permission=Permission::MemoryImport>
                <a class="button" href="/memories/import">
                    <Glyph icon=Icon::Upload />
                    "Import"
                </a>
            </IfMay>
            // A search is no list: what it finds depends on the question.
            {move || {
                query.with(|query| query.query.trim().is_empty().then(|| query.export_path()))
                    .map(|path| {
                        view! {
                            <a class="button" href=path>
                                <Glyph icon=Icon::Download />
                                "Export"
                            </a>
                        }
                    })
            }}
            <IfMay permission=Permission::MemoryWrite>
                <a class="button button-primary" href="/memories/new">
                    <Glyph icon=Icon::Plus />
                    "New memory"
                </a>
            </IfMay>
        </PageHead>
        <Transition>
            {move || {
                list_context.get().map(|list_context| {
                    let ListContext { views, choices } = list_context.unwrap_or_default();
                    let names = choices.clone();
                    view! {
                        <Views views=views query=query create=create />
                        <Filters query=query choices=choices />
                        {move || view! { <Chips query=query.get() choices=names.clone() /> }}
                    }
                })
            }}
        </Transition>
        <Announced found=found />
        <ListNews found=found listed=|(_, listed)| listed />
        <Loaded resource=found view=|(query, listed)| show(query, listed.found) />
    }
    .into_any()
}

/// Says how much was found to those who don't see it. It is there from the
/// start, because what appears with its text is often not read out.
#[component]
fn Announced(found: Resource<Result<(MemoryQuery, MemoryListData), AppError>>) -> impl IntoView {
    let text = move || match found.get() {
        Some(Ok((_, listed))) => match &listed.found {
            MemoryListing::Hits(results) | MemoryListing::Like(_, results) => found_count(results),
            MemoryListing::List(_) => String::new(),
        },
        _ => String::new(),
    };
    view! {
        <p class="visually-hidden" role="status">
            <Transition>{text}</Transition>
        </p>
    }
}

fn show(query: MemoryQuery, found: MemoryListing) -> AnyView {
    match found {
        MemoryListing::List(page) if page.items.is_empty() => {
            view! { <NothingListed query=query /> }.into_any()
        }
        MemoryListing::List(page) => {
            let newest = query.starting_after(String::new()).path();
            let older = page.next.map(|next| query.starting_after(next).path());
            let first = query.after.is_empty();
            view! {
                {query.is_trash().then(|| view! { <EmptyTrash /> })}
                <MemoryTable memories=page.items />
                <Paging newest=newest older=older first=first />
            }
            .into_any()
        }
        MemoryListing::Hits(results) => {
            let about = format!("for “{}”", query.query.trim());
            view! { <Hits query=query about=about results=results /> }.into_any()
        }
        MemoryListing::Like(title, results) => {
            let about = format!("like “{title}”");
            view! { <Hits query=query about=about results=results /> }.into_any()
        }
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
