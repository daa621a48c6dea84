//! Saved views: above the list, and on their own page.

use domain::memory_view::MemoryView;
use leptos::prelude::*;

use super::{
    api::{MemoryViewCreate, MemoryViewDelete, MemoryViewRename, VIEWS_PATH, memory_view_list},
    query::MemoryQuery,
};
use crate::{
    forms::{FormState, PostForm},
    ui::{Confirm, EmptyState, Glyph, Icon, PageHead, TextField, load_part},
};

/// Links to the saved views, and a form to save the current query.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(super) fn Views(views: Vec<MemoryView>, query: MemoryQuery) -> impl IntoView {
    let create = FormState::<MemoryViewCreate>::new();
    let shown = query.starting_after(String::new());
    let shown_path = shown.path();
    let views: Vec<_> = views
        .into_iter()
        .map(|view| (MemoryQuery::from_view(&view.query).path(), view.name))
        .collect();
    // Not offered for the whole list, a query that is already saved, and
    // similar memories; the cursor is not saved.
    let is_new = !shown.is_everything()
        && shown.like.is_empty()
        && views.iter().all(|(path, _)| *path != shown_path);
    let has_views = !views.is_empty();
    let links = views
        .into_iter()
        .map(|(path, name)| {
            let current = (path == shown_path).then_some("page");
            view! { <li><a class="chip" href=path aria-current=current dir="auto">{name}</a></li> }
        })
        .collect_view();
    let error = create.field_error("name");
    let has_error = error.is_some();
    view! {
        <div class="views">
            {has_views
                .then(|| {
                    view! {
                        <nav aria-label="Saved views">
                            <ul class="chips">
                                {links}
                                <li><a class="button button-quiet" href=VIEWS_PATH>"Edit views"</a></li>
                            </ul>
                        </nav>
                    }
                })}
            {is_new
                .then(|| {
                    view! {
                        <details class="fold-always save-view" open=has_error>
                            <summary>
                                <Glyph icon=Icon::ChevronRight />
                                "Save as a view"
                            </summary>
                            <PostForm state=create class="ask">
                                <input type="hidden" name="shown" value=shown.to_query_string() />
                                <TextField
                                    name="name"
                                    label="View name"
                                    value=create.typed("name", "")
                                    error=error
                                />
                                <button type="submit" class="button">"Save view"</button>
                            </PostForm>
                        </details>
                    }
                })}
        </div>
    }
}

/// The page at `/memories/views`.
#[component]
pub(crate) fn MemoryViewListPage() -> impl IntoView {
    let views = async move { memory_view_list().await };
    view! {
        <PageHead
            title="Saved views"
            lead="Saved searches. Only visible to you."
            up=("/memories", "Memories")
        />
        {load_part(views, show)}
    }
    .into_any()
}

fn show(views: Vec<MemoryView>) -> AnyView {
    if views.is_empty() {
        return view! {
            <EmptyState
                title="No saved views yet"
                text="Search or set filters on the memories page, then save them as a view."
            >
                <a class="button" href="/memories">"All memories"</a>
            </EmptyState>
        }
        .into_any();
    }
    let rows = views
        .into_iter()
        .map(|view| view! { <Row view=view /> })
        .collect_view();
    view! { <ul class="view-rows">{rows}</ul> }.into_any()
}

#[component]
fn Row(view: MemoryView) -> impl IntoView {
    let rename = FormState::<MemoryViewRename>::new();
    let delete = FormState::<MemoryViewDelete>::new();
    let key = view.id.to_string();
    // The forms of all rows call the same function: its result belongs to one.
    let is_posted_row = rename.typed("id", "") == key;
    let error = rename.field_error("name").filter(|_| is_posted_row);
    let is_invalid = error.is_some().then_some("true");
    let name = if is_posted_row {
        rename.typed("name", &view.name)
    } else {
        view.name.clone()
    };
    let label = format!("Name of “{}”", view.name);
    let error_id = format!("error-{key}");
    let (described_by, delete_id) = (error_id.clone(), key.clone());
    let href = MemoryQuery::from_view(&view.query).path();
    view! {
        <li class="view-row">
            <a class="row-title" dir="auto" href=href>{view.name.clone()}</a>
            <PostForm state=rename class="inline-form">
                <input type="hidden" name="id" value=key />
                <input
                    type="text"
                    name="name"
                    value=name
                    aria-label=label
                    autocomplete="off"
                    dir="auto"
                    aria-describedby=described_by
                    aria-invalid=is_invalid
                />
                <button type="submit" class="button">"Rename"</button>
            </PostForm>
            <PostForm state=delete class="inline-form">
                <input type="hidden" name="id" value=delete_id />
                <Confirm
                    id=format!("delete-{}", view.id)
                    label="Delete…"
                    name=format!("Delete “{}”", view.name)
                    class=""
                    title=format!("Delete the view “{}”?", view.name)
                    act="Delete view"
                >
                    <p>"The memories that it shows are kept."</p>
                </Confirm>
            </PostForm>
            <div id=error_id role="alert" class="view-error">
                {error.map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
        </li>
    }
}
