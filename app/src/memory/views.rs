//! Saved views: above the list, and on their own page.

use domain::memory_view::MemoryView;
use leptos::prelude::*;

use super::{
    api::{MemoryViewCreate, MemoryViewDelete, MemoryViewRename, VIEWS_PATH, memory_view_list},
    query::MemoryQuery,
};
use crate::{
    forms::{FormState, PostForm},
    ui::{EmptyState, Glyph, Icon, Loaded, PageHead, TextField},
};

/// Links to the saved views, and a form to save the current query.
#[component]
pub(super) fn Views(
    views: Vec<MemoryView>,
    query: Memo<MemoryQuery>,
    create: FormState<MemoryViewCreate>,
) -> impl IntoView {
    let paths: Vec<_> = views
        .iter()
        .map(|view| MemoryQuery::from_view(&view.query).path())
        .collect();
    let saved_paths = paths.clone();
    // Not offered for the whole list, a query that is already saved, and
    // similar memories; the cursor is not saved.
    let new_query = Memo::new(move |_| {
        query.with(|query| {
            let query = query.starting_after(String::new());
            let is_new = !query.is_everything()
                && query.like.is_empty()
                && !saved_paths.contains(&query.path());
            is_new.then(|| query.to_query_string())
        })
    });
    let has_views = !views.is_empty();
    let links = views
        .into_iter()
        .zip(paths)
        .map(|(view, path)| {
            let view_path = path.clone();
            let current = move || {
                let path = query.with(|query| query.starting_after(String::new()).path());
                (path == view_path).then_some("page")
            };
            view! { <li><a class="chip" href=path aria-current=current dir="auto">{view.name}</a></li> }
        })
        .collect_view();
    let name = StoredValue::new(create.typed("name", ""));
    let error = create.field_error("name");
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
            <Show when=move || new_query.with(Option::is_some)>
                <details class="fold-always save-view" open=error.with_untracked(Option::is_some)>
                    <summary>
                        <Glyph icon=Icon::ChevronRight />
                        "Save as a view"
                    </summary>
                    <PostForm state=create class="ask">
                        <input type="hidden" name="shown" value=move || new_query.get().unwrap_or_default() />
                        <TextField name="name" label="Name of the view" value=name.get_value() error=error />
                        <button type="submit" class="button">"Save view"</button>
                    </PostForm>
                </details>
            </Show>
        </div>
    }
}

/// The page at `/memories/views`.
#[component]
pub(crate) fn MemoryViewListPage() -> impl IntoView {
    let rename = FormState::<MemoryViewRename>::new();
    let delete = FormState::<MemoryViewDelete>::new();
    provide_context((rename, delete));
    let (renamed, deleted) = (rename.done(), delete.done());
    let views = Resource::new(
        move || (renamed.get(), deleted.get()),
        |_| async move { memory_view_list().await },
    );
    view! {
        <PageHead
            title="Saved views"
            lead="Questions and filters that you gave a name. Nobody else sees them."
            up=("/memories", "Memories")
        />
        <Loaded resource=views view=show />
    }
    .into_any()
}

fn show(views: Vec<MemoryView>) -> AnyView {
    if views.is_empty() {
        return view! {
            <EmptyState
                title="No saved views yet"
                text="Ask for something or set filters, then save them above the list."
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
    let (rename, delete) =
        expect_context::<(FormState<MemoryViewRename>, FormState<MemoryViewDelete>)>();
    let id = view.id;
    let key = id.to_string();
    // One state serves the forms of all rows: the result of the last call
    // belongs to the row that made it.
    let is_posted_row = rename.typed("id", "") == key;
    let last_input = rename.action.input();
    let last_id = StoredValue::new(None);
    let name_error = rename.field_error("name");
    let error = Signal::derive(move || {
        if let Some(id) = last_input.with(|last_input| last_input.as_ref().map(|call| call.id)) {
            last_id.set_value(Some(id));
        }
        let is_own_result = last_id
            .get_value()
            .map_or(is_posted_row, |last_id| last_id == id);
        name_error.get().filter(|_| is_own_result)
    });
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
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                />
                <button type="submit" class="button">"Rename"</button>
            </PostForm>
            <PostForm state=delete class="inline-form">
                <input type="hidden" name="id" value=delete_id />
                <button type="submit" class="button">
                    <Glyph icon=Icon::Trash />
                    "Delete"
                    <span class="visually-hidden">" “" {view.name} "”"</span>
                </button>
            </PostForm>
            <div id=error_id role="alert" class="view-error">
                {move || error.get().map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
        </li>
    }
}
