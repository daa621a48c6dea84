//! The overview: what needs the viewer, figures that lead to their lists, a
//! trend, and what is recent.

use domain::{
    Permission,
    overview::{DailyMemories, MemoryOverview, Overview, SemanticSearch},
};
use leptos::prelude::*;

use super::{api::overview_get, attention::needs_you, figures::figure_groups, setup::setup};
use crate::{
    import::ImportTable,
    memory::MemoryTable,
    profile::IfPermitted,
    start::viewer_may,
    ui::{
        DailyChart, EmptyState, FilterForm, Glyph, Icon, PageHead, SearchBox, Series, load_part,
        plural,
    },
};

/// The page at `/`.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let overview = overview_get();
    view! {
        <PageHead title="Overview" lead="What needs you, and recent activity.">
            <IfPermitted permission=Permission::MemberInvite>
                <a class="button" href="/invites/new">"Invite people"</a>
            </IfPermitted>
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
    let memories = overview.memories.as_ref();
    let has_memories = memories.is_some_and(|memories| memories.own + memories.shared > 0);
    let has_imports = !overview.imports.is_empty();
    let needs = needs_you(&overview);
    let figures = figure_groups(&overview);
    let notices = memories.filter(|_| has_memories).map(|memories| {
        let waiting = memories.waiting_for_embedding;
        view! { <SearchNotice search=overview.semantic_search.clone() waiting=waiting /> }
    });
    view! {
        {has_memories.then(|| view! { <MemorySearch /> })}
        {notices}
        {setup(overview.setup, &overview.semantic_search)}
        {needs}
        {(!has_memories && !has_imports).then(|| view! { <Welcome has_figures=overview.members.is_some() /> })}
        {figures}
        {overview.memories.filter(|_| has_memories).map(|memories| view! { <Memories memories=memories /> })}
        {has_imports
            .then(|| {
                view! {
                    <section class="section" aria-labelledby="imports">
                        <div class="section-head">
                            <h2 id="imports">"Recent imports"</h2>
                            <a href="/memories/import">"All imports"</a>
                        </div>
                        <ImportTable imports=overview.imports />
                    </section>
                }
            })}
    }
    .into_any()
}

/// Says if searches don't find by meaning, or not all memories yet.
#[component]
fn SearchNotice(search: SemanticSearch, waiting: i64) -> impl IntoView {
    let text = match search {
        SemanticSearch::Off { reason } => {
            format!("Semantic search is off: {reason} Results match keywords only.")
        }
        SemanticSearch::On if waiting > 0 => format!(
            "Indexing {}. Until then, searches find them by keyword only.",
            plural(waiting, "memory", "memories")
        ),
        SemanticSearch::On => return None,
    };
    Some(view! {
        <p class="notice">
            <Glyph icon=Icon::Info />
            <span>{text}</span>
        </p>
    })
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

/// How many were created lately, and which were changed last.
#[component]
fn Memories(memories: MemoryOverview) -> impl IntoView {
    view! {
        <section class="section" aria-labelledby="trend">
            <h2 id="trend">"Last 30 days"</h2>
            <Trend daily=memories.daily />
        </section>
        <section class="section" aria-labelledby="recent">
            <div class="section-head">
                <h2 id="recent">"Recent memories"</h2>
                <a href="/memories">"All memories"</a>
            </div>
            <MemoryTable memories=memories.recent />
        </section>
    }
}

#[component]
fn Trend(daily: Vec<DailyMemories>) -> impl IntoView {
    if daily.iter().all(|day| day.own + day.shared == 0) {
        return view! { <p class="muted">"No memories were created in the last 30 days."</p> }
            .into_any();
    }
    let series = vec![
        Series {
            name: "Yours",
            values: daily.iter().map(|day| day.own).collect(),
        },
        Series {
            name: "Shared with you",
            values: daily.iter().map(|day| day.shared).collect(),
        },
    ];
    let days = daily.iter().map(|day| day.day).collect();
    view! { <DailyChart id="memories-created" title="Memories created" days=days series=series /> }
        .into_any()
}

/// Shown while there are no memories, depending on the permissions.
#[component]
fn Welcome(
    /// The page shows figures of the organisation.
    has_figures: bool,
) -> impl IntoView {
    if viewer_may(Permission::MemoryWrite) {
        view! { <GettingStarted may_import=viewer_may(Permission::MemoryImport) /> }.into_any()
    } else if viewer_may(Permission::MemoryRead) {
        view! {
            <EmptyState title="No shared memories yet" text="Memories shared with you appear here.">
                <a class="button" href="/profile">"View my permissions"</a>
            </EmptyState>
        }
        .into_any()
    } else if has_figures {
        ().into_any()
    } else {
        view! {
            <EmptyState
                title="You don’t have access to memories"
                text="Ask an owner or admin of your organisation for access."
            >
                <a class="button" href="/profile">"View my permissions"</a>
            </EmptyState>
        }
        .into_any()
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
