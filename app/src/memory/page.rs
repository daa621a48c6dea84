//! One memory: text, visibility, origin and versions.

use domain::{
    MemoryId,
    memory::{Memory, Visibility},
    share::MemorySharing,
};
use islands::{LiveNotice, Watched};
use leptos::prelude::*;

use super::{
    api::{MemoryData, MemoryDelete, memory_get},
    attributes::AttributeList,
    history::{Versions, entries},
    parts::display_title,
    thread::{ReplyNotice, Thread},
    trash::TrashNotice,
};
use crate::{
    forms::{FormState, PostForm},
    proposal::WhoCanSee,
    ui::{CopyId, Glyph, Icon, PageHead, Time, load_page, path_id, query_string},
};

/// The page at `/memories/{id}`.
#[component]
pub(crate) fn MemoryPage() -> impl IntoView {
    let id = path_id("id");
    let data = async move { memory_get(id?).await };
    load_page(data, show)
}

fn show(data: MemoryData) -> impl IntoView {
    let MemoryData {
        memory,
        versions,
        sharing,
        replies,
        as_of,
    } = data;
    let watched = Watched::Memory {
        id: memory.id,
        version: memory.version,
        is_deleted: memory.deleted_at.is_some(),
        replies: replies.iter().map(|reply| reply.id).collect(),
    };
    let title = display_title(&memory.title, &memory.content);
    let deleted = memory.deleted_at;
    let id = memory.id;
    let may_change = memory.is_own;
    let shared = memory.visibility != Visibility::Private;
    view! {
        <LiveNotice watched=watched as_of=as_of />
        <PageHead title=title up=("/memories", "Memories")>
            {(may_change && deleted.is_none()).then(|| view! { <Actions id=id /> })}
        </PageHead>
        {deleted.map(|at| view! { <TrashNotice id=id at=at is_own=may_change /> })}
        {memory.parent_id.map(|root| view! { <ReplyNotice id=id root=root /> })}
        <div class="split">
            <article class="memory-text" dir="auto">{memory.content.clone()}</article>
            <Details memory=memory.clone() sharing=sharing />
        </div>
        {memory
            .parent_id
            .is_none()
            .then(|| view! { <Thread id=id open=deleted.is_none() shared=shared replies=replies /> })}
        <Versions id=id entries=entries(&memory, &versions) />
    }
}

#[component]
fn Actions(id: MemoryId) -> impl IntoView {
    let delete = FormState::<MemoryDelete>::new();
    view! {
        <PostForm state=delete class="inline-form">
            <input type="hidden" name="id" value=id.to_string() />
            <button type="submit" class="button">
                <Glyph icon=Icon::Trash />
                "Delete"
            </button>
        </PostForm>
        <a class="button button-primary" href=format!("/memories/{id}/edit")>
            <Glyph icon=Icon::Pencil />
            "Edit"
        </a>
    }
}

#[component]
fn Details(memory: Memory, sharing: MemorySharing) -> impl IntoView {
    let meaning = if memory.is_embedded {
        "Indexed"
    } else {
        "Indexing"
    };
    let owner_path = format!("/memories?owner={}", memory.owner_id);
    let similar_path = format!("/memories?like={}", memory.id);
    view! {
        <aside class="memory-facts" aria-label="About this memory">
            <WhoCanSee memory=memory.clone() sharing=sharing />
            <dl class="facts facts-narrow">
                <div><dt>"Kind"</dt><dd>{memory.kind.label()}</dd></div>
                <div><dt>"Tags"</dt><dd><Tags tags=memory.tags.clone() /></dd></div>
                <div><dt>"Owner"</dt><dd dir="auto"><a href=owner_path>{memory.owner_name.clone()}</a></dd></div>
                <div><dt>"Source"</dt><dd>{memory.origin.label()}</dd></div>
                <AttributeList memory=memory.clone() />
                <div><dt>"Search index"</dt><dd>{meaning}</dd></div>
                <div><dt>"Created"</dt><dd><Time at=memory.created_at /></dd></div>
                <div><dt>"Updated"</dt><dd><Time at=memory.updated_at /></dd></div>
                <div><dt>"Version"</dt><dd>{memory.version}</dd></div>
                <div><dt>"ID"</dt><dd><CopyId id=memory.id.to_string() what="memory" /></dd></div>
            </dl>
            <a class="button" href=similar_path>"More like this"</a>
        </aside>
    }
}

#[component]
fn Tags(tags: Vec<String>) -> impl IntoView {
    if tags.is_empty() {
        return view! { <span class="muted">"None"</span> }.into_any();
    }
    view! {
        <span class="tags">
            {tags
                .into_iter()
                .map(|tag| {
                    let href = format!("/memories{}", query_string(&[("tag", &tag)]));
                    view! { <a class="badge" href=href>{tag}</a> }
                })
                .collect_view()}
        </span>
    }
    .into_any()
}
