//! List and search on one page: without a search text it lists, otherwise it
//! searches and explains each result.

use domain::{AppError, Permission, memory::MemoryFilter};
use leptos::prelude::*;

use super::{
    api::{
        ListContext, MemoryListData, MemoryListing, MemoryViewCreate, memory_find,
        memory_list_context,
    },
    filters::{Chips, Filters},
    hits::{Hits, found_count},
    live::ListChangesNotice,
    parts::MemoryTable,
    query::MemoryQuery,
    trash::TrashListNotice,
    views::Views,
};
use crate::{
    forms::FormState,
    profile::IfPermitted,
    ui::{EmptyState, Glyph, Icon, Loaded, PageHead, Paging, use_query},
};

/// The page at `/memories`.
#[component]
pub(crate) fn MemoryListPage() -> impl IntoView {
    let params = use_query();
    let query = Memo::new(move |_| params.with(MemoryQuery::from_params));
    let create = FormState::<MemoryViewCreate>::new();
    let saved = create.done();
    // Fetched again only when other names are needed or a view was saved: it
    // rebuilds the form with the field being typed in.
    let names_filter = Memo::new(move |_| {
        query.with(|query| MemoryFilter {
            owner: query.filter.owner.clone(),
            team: query.filter.team.clone(),
            ..MemoryFilter::default()
        })
    });
    let list_context = Resource::new(
        move || (names_filter.get(), saved.get()),
        |(names_filter, _)| async move { memory_list_context(names_filter).await },
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
            <IfPermitted permission=Permission::MemoryImport>
                <a class="button" href="/memories/import">
                    <Glyph icon=Icon::Upload />
                    "Import"
                </a>
            </IfPermitted>
            // Only lists can be exported: the results of a search depend on its
            // text.
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
            <IfPermitted permission=Permission::MemoryWrite>
                <a class="button button-primary" href="/memories/new">
                    <Glyph icon=Icon::Plus />
                    "New memory"
                </a>
            </IfPermitted>
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
        <ResultAnnouncement found=found />
        <ListChangesNotice found=found listed=|(_, data)| data />
        <Loaded resource=found view=|(query, data)| show(query, data.found) />
    }
    .into_any()
}

/// Announces the number of results to screen readers. It exists from the start,
/// because a live region that appears together with its text is often not read
/// out.
#[component]
fn ResultAnnouncement(
    found: Resource<Result<(MemoryQuery, MemoryListData), AppError>>,
) -> impl IntoView {
    let text = move || match found.get() {
        Some(Ok((_, data))) => match &data.found {
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
            view! { <EmptyList query=query /> }.into_any()
        }
        MemoryListing::List(page) => {
            let newest = query.starting_after(String::new()).path();
            let older = page.next.map(|next| query.starting_after(next).path());
            let first = query.after.is_empty();
            view! {
                {query.is_trash().then(|| view! { <TrashListNotice /> })}
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

/// Shown without memories, with an empty trash, or without matches.
#[component]
fn EmptyList(query: MemoryQuery) -> impl IntoView {
    if query.is_everything() {
        view! {
            <EmptyState
                title="No memories yet"
                text="What you write or import shows here, and what others share with you."
            >
                <IfPermitted permission=Permission::MemoryWrite>
                    <a class="button button-primary" href="/memories/new">"New memory"</a>
                </IfPermitted>
                <IfPermitted permission=Permission::MemoryImport>
                    <a class="button" href="/memories/import">"Import a file"</a>
                </IfPermitted>
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
