//! List and search on one page: without a search text it lists, otherwise it
//! searches and explains each result.

use domain::{
    AppError, MemoryId, Permission,
    memory::{MemoryFilter, TRASH_DAYS},
};
use islands::{LiveNotice, Watched};
use leptos::prelude::*;

use super::{
    api::{ListContext, MemoryListData, MemoryListing, memory_find, memory_list_context},
    filters::{Chips, Filters},
    hits::{Hits, found_count},
    parts::{LIST, columns},
    query::MemoryQuery,
    trash::TrashListNotice,
    views::Views,
};
use crate::{
    profile::IfPermitted,
    ui::{EmptyState, ErrorState, Glyph, Icon, PageHead, list_view, load_part, use_query},
};

/// The page at `/memories`.
#[component]
pub(crate) fn MemoryListPage() -> impl IntoView {
    let query = MemoryQuery::from_params(&use_query());
    // Only lists can be exported: the results of a search depend on its text.
    let export = query.query.trim().is_empty().then(|| query.export_path());
    let data = async move {
        let names = MemoryFilter {
            owner: query.filter.owner.clone(),
            team: query.filter.team.clone(),
            ..MemoryFilter::default()
        };
        // The list's error is shown in its place, below the filters.
        let context = memory_list_context(names).await.unwrap_or_default();
        let found = memory_find(query.clone()).await;
        Ok((query, context, found))
    };
    view! {
        <PageHead title="Memories" lead="Your memories and memories shared with you.">
            <a class="button button-quiet" href="/memories/personas">"Personas"</a>
            <IfPermitted permission=Permission::MemoryImport>
                <a class="button" href="/memories/import">
                    <Glyph icon=Icon::Upload />
                    "Import"
                </a>
            </IfPermitted>
            {export
                .map(|path| {
                    view! {
                        <a class="button" href=path>
                            <Glyph icon=Icon::Download />
                            "Export"
                        </a>
                    }
                })}
            <IfPermitted permission=Permission::MemoryWrite>
                <a class="button button-primary" href="/memories/new">
                    <Glyph icon=Icon::Plus />
                    "New memory"
                </a>
            </IfPermitted>
        </PageHead>
        {load_part(data, |(query, context, found)| show_all(query, context, found))}
    }
    .into_any()
}

/// The filters, and the results in a region that is replaced as one types.
fn show_all(
    query: MemoryQuery,
    context: ListContext,
    found: Result<MemoryListData, AppError>,
) -> impl IntoView {
    let ListContext { views, choices } = context;
    let status = found
        .as_ref()
        .map_or_else(|_| String::new(), MemoryListData::announcement);
    let results = match found {
        Ok(MemoryListData { found, as_of }) => {
            let watched = Watched::List(found.ids());
            view! {
                <LiveNotice watched=watched as_of=as_of />
                {show(query.clone(), found)}
            }
            .into_any()
        }
        Err(error) => view! { <ErrorState error=error /> }.into_any(),
    };
    view! {
        <Filters query=query.clone() choices=choices.clone() />
        // Read out when it changes, so it is not replaced with the results.
        <p class="visually-hidden" role="status" id="results-status">{status}</p>
        <div class="page-region" id="results">
            <Views views=views query=query.clone() />
            <Chips query=query choices=choices />
            {results}
        </div>
    }
}

impl MemoryListing {
    fn ids(&self) -> Vec<MemoryId> {
        match self {
            Self::List(page) => page.items.iter().map(|memory| memory.id).collect(),
            Self::Hits(results) | Self::Like(_, results) => {
                results.hits.iter().map(|hit| hit.memory.id).collect()
            }
        }
    }
}

impl MemoryListData {
    /// The number of results, for screen readers.
    fn announcement(&self) -> String {
        match &self.found {
            MemoryListing::Hits(results) | MemoryListing::Like(_, results) => found_count(results),
            MemoryListing::List(_) => String::new(),
        }
    }
}

fn show(query: MemoryQuery, found: MemoryListing) -> AnyView {
    match found {
        MemoryListing::List(page) if page.items.is_empty() => {
            view! { <EmptyList query=query /> }.into_any()
        }
        MemoryListing::List(page) => view! {
            {query
                .is_trash()
                .then(|| view! { <TrashListNotice total=page.total.filter(|_| !query.is_filtered()) /> })}
            {list_view(LIST, &query.url(), page, &columns(), ())}
        }
        .into_any(),
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
                text="Memories that you write or import, and memories shared with you, appear here."
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
            <EmptyState title="The trash is empty" text=format!("Deleted memories are kept here for {TRASH_DAYS} days.")>
                <a class="button" href="/memories">"Back to memories"</a>
            </EmptyState>
        }
        .into_any()
    } else {
        view! {
            <EmptyState title="No results" text="Remove a filter or clear all.">
                <a class="button" href="/memories">"Clear filters"</a>
            </EmptyState>
        }
        .into_any()
    }
}
