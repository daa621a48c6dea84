//! How much there is, what is new, and a place to ask.

use domain::{
    Permission,
    overview::{Overview, SemanticSearch},
};
use leptos::prelude::*;

use super::api::overview_get;
use crate::{
    import::ImportTable,
    memory::MemoryTable,
    ui::{EmptyState, FilterForm, Glyph, Icon, Loaded, PageHead, count, layout::IfMay},
};

/// The page at `/`.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let overview = Resource::new(|| (), |()| overview_get());
    view! {
        <PageHead title="Overview" lead="What is remembered, and what happened to it lately.">
            <IfMay permission=Permission::MemoryWrite>
                <a class="button button-primary" href="/memories/new">
                    <Glyph icon=Icon::Plus />
                    "New memory"
                </a>
            </IfMay>
        </PageHead>
        <Loaded resource=overview view=show />
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
        <Ask />
        {notice
            .map(|reason| {
                view! {
                    <p class="notice">
                        <Glyph icon=Icon::Info />
                        <span>{format!("Search compares words only: {reason}")}</span>
                    </p>
                }
            })}
        <dl class="figures">
            <Figure label="Your memories" value=own_memories href="/memories?owner=mine" />
            <Figure label="Shared with you" value=shared_memories href="/memories?owner=shared" />
            <div>
                <dt>"Waiting to be found by meaning"</dt>
                <dd>{count(waiting_for_embedding)}</dd>
            </div>
        </dl>
        <section class="section" aria-labelledby="recent">
            <div class="section-head">
                <h2 id="recent">"Latest memories"</h2>
                <a href="/memories">"All memories"</a>
            </div>
            <MemoryTable memories=recent />
        </section>
        {(!imports.is_empty())
            .then(|| {
                view! {
                    <section class="section" aria-labelledby="imports">
                        <div class="section-head">
                            <h2 id="imports">"Latest imports"</h2>
                            <a href="/memories/import">"All imports"</a>
                        </div>
                        <ImportTable imports=imports />
                    </section>
                }
            })}
    }
    .into_any()
}

/// A question leads to the memories that answer it.
#[component]
fn Ask() -> impl IntoView {
    view! {
        <FilterForm path="/memories" label="Search memories" class="ask">
            <div class="search-box">
                <Glyph icon=Icon::Search />
                <input
                    type="search"
                    name="q"
                    id="q"
                    aria-label="Search memories"
                    placeholder="Ask for something by words or by meaning"
                    autocomplete="off"
                    maxlength="1000"
                />
            </div>
            <button type="submit" class="button">"Search"</button>
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

/// Nothing is there yet: the two ways to begin.
#[component]
fn Welcome() -> impl IntoView {
    view! {
        <EmptyState
            title="Nothing is remembered yet"
            text="A memory is a short text: a fact, a preference, something that happened. Write one, or bring a file of notes; then ask for it in your own words."
        >
            <IfMay permission=Permission::MemoryImport>
                <a class="button button-primary" href="/memories/import">
                    <Glyph icon=Icon::Upload />
                    "Import a file"
                </a>
            </IfMay>
            <IfMay permission=Permission::MemoryWrite>
                <a class="button" href="/memories/new">"Write a memory"</a>
            </IfMay>
        </EmptyState>
    }
}
