//! The overview: counts, latest memories and imports, and a search box.

use domain::{
    Permission,
    overview::{Overview, SemanticSearch},
};
use leptos::prelude::*;

use super::api::overview_get;
use crate::{
    import::ImportTable,
    memory::MemoryTable,
    profile::IfPermitted,
    start::viewer_may,
    ui::{EmptyState, FilterForm, Glyph, Icon, PageHead, SearchBox, count, load_part},
};

/// The page at `/`.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let overview = overview_get();
    view! {
        <PageHead title="Overview" lead="Your memories and recent activity.">
            <IfPermitted permission=Permission::MemoryWrite>
                <a class="button button-primary" href="/memories/new">
                    <Glyph icon=Icon::Plus />
                    "New memory"
                </a>
            </IfPermitted>
        </PageHead>
        {load_part(overview, show)}
    }
    .into_any()
}

fn show(overview: Overview) -> AnyView {
    let Overview {
        own_memories,
        shared_memories,
        waiting_for_embedding,
        recent,
        imports,
        semantic_search,
    } = overview;
    if own_memories + shared_memories == 0 && imports.is_empty() {
        return view! { <Welcome /> }.into_any();
    }
    let notice = match semantic_search {
        SemanticSearch::On => None,
        SemanticSearch::Off { reason } => Some(reason),
    };
    view! {
        <MemorySearch />
        {notice
            .map(|reason| {
                view! {
                    <p class="notice">
                        <Glyph icon=Icon::Info />
                        <span>{format!("Semantic search is off: {reason} Results match keywords only.")}</span>
                    </p>
                }
            })}
        <dl class="figures">
            <Figure label="Your memories" value=own_memories href="/memories?owner=mine" />
            <Figure label="Shared with you" value=shared_memories href="/memories?owner=shared" />
            <div>
                <dt>"Indexing"</dt>
                <dd>{count(waiting_for_embedding)}</dd>
            </div>
        </dl>
        <section class="section" aria-labelledby="recent">
            <div class="section-head">
                <h2 id="recent">"Recent memories"</h2>
                <a href="/memories">"All memories"</a>
            </div>
            <MemoryTable memories=recent />
        </section>
        {(!imports.is_empty())
            .then(|| {
                view! {
                    <section class="section" aria-labelledby="imports">
                        <div class="section-head">
                            <h2 id="imports">"Recent imports"</h2>
                            <a href="/memories/import">"All imports"</a>
                        </div>
                        <ImportTable imports=imports />
                    </section>
                }
            })}
    }
    .into_any()
}

/// A search box that leads to the memories page.
#[component]
fn MemorySearch() -> impl IntoView {
    view! {
        <FilterForm path="/memories" label="Search memories" class="ask">
            <SearchBox
                label="Search memories"
                placeholder="Search memories"
                value=""
                max_chars=1000
                act="Search"
            />
        </FilterForm>
    }
}

#[component]
fn Figure(label: &'static str, value: i64, href: &'static str) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd><a href=href>{count(value)}</a></dd>
        </div>
    }
}

/// Shown while there are no memories, depending on the permissions.
#[component]
fn Welcome() -> impl IntoView {
    if viewer_may(Permission::MemoryWrite) {
        view! { <GettingStarted may_import=viewer_may(Permission::MemoryImport) /> }.into_any()
    } else {
        view! { <NothingShared may_read=viewer_may(Permission::MemoryRead) /> }.into_any()
    }
}

#[component]
fn GettingStarted(may_import: bool) -> impl IntoView {
    view! {
        <EmptyState
            title="No memories yet"
            text="Memories are short notes that you and your AI tools can search. Write one or import a file."
        >
            {may_import
                .then(|| {
                    view! {
                        <a class="button button-primary" href="/memories/import">
                            <Glyph icon=Icon::Upload />
                            "Import a file"
                        </a>
                    }
                })}
            <a class="button" href="/memories/new">"Write a memory"</a>
        </EmptyState>
    }
}

#[component]
fn NothingShared(may_read: bool) -> impl IntoView {
    let (title, text) = if may_read {
        (
            "No shared memories yet",
            "Memories shared with you appear here.",
        )
    } else {
        (
            "You don’t have access to memories",
            "Ask an owner or admin of your organisation for access.",
        )
    };
    view! {
        <EmptyState title=title text=text>
            <a class="button" href="/profile">"View my permissions"</a>
        </EmptyState>
    }
}
