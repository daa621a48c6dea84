//! The forms to create and to edit a memory.

use domain::{
    AppError, Permission,
    memory::{Memory, MemoryKind},
    persona::Persona,
};
use islands::{LiveNotice, Watched};
use leptos::prelude::*;

use super::{
    api::{EditData, MemoryCreate, MemoryUpdate, memory_edit},
    attributes::MoreFields,
    parts::display_title,
};
use crate::{
    forms::{FormCall, FormState, PostForm},
    persona::persona_list,
    proposal::{PendingHint, ReviewHint},
    ui::{
        Choice, Glyph, Icon, PageHead, SelectField, TextArea, TextField, Time, load_page, page_for,
        path_id,
    },
};

/// The page at `/memories/new`.
#[component]
pub(crate) fn MemoryNewPage() -> impl IntoView {
    page_for(Permission::MemoryWrite, || {
        load_page(persona_list(), new_form)
    })
}

fn new_form(personas: Vec<Persona>) -> impl IntoView {
    let state = FormState::<MemoryCreate>::new();
    view! {
        <PageHead
            title="New memory"
            lead="Private until you share it."
            up=("/memories", "Memories")
        />
        <PostForm state=state class="form">
            <Fields state=state before=None personas=personas />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Create memory"</button>
                <a class="button button-quiet" href="/memories">"Cancel"</a>
            </div>
        </PostForm>
    }
}

/// The page at `/memories/{id}/edit`.
#[component]
pub(crate) fn MemoryEditPage() -> impl IntoView {
    let id = path_id("id");
    let data = async move { memory_edit(id?).await };
    load_page(data, edit_form)
}

fn edit_form(data: EditData) -> impl IntoView {
    let EditData {
        as_of,
        memory,
        pending,
        needs_review,
        personas,
    } = data;
    let (version, visibility, team) = (memory.version, memory.visibility, memory.team_name.clone());
    let is_waiting = pending
        .as_ref()
        .is_some_and(|pending| pending.is_change && !pending.is_stale);
    let id = memory.id;
    let state = FormState::<MemoryUpdate>::new();
    // On a conflict the current memory is shown beside the typed text, and
    // becomes the version that the next save replaces.
    let conflict = matches!(state.error(), Some(AppError::Conflict { .. }));
    let watched = Watched::Form { id, version };
    let back = format!("/memories/{id}");
    view! {
        <PageHead
            title="Edit memory"
            lead="Saving creates a new version."
            up=("/memories", "Memories")
        />
        <LiveNotice watched=watched as_of=as_of />
        {pending
            .filter(|pending| !pending.is_stale && !pending.is_change)
            .map(|pending| view! { <PendingHint pending=pending /> })}
        {needs_review
            .then(|| {
                view! { <ReviewHint version=version visibility=visibility team=team is_waiting=is_waiting /> }
            })}
        <PostForm state=state class="form" tells_conflict=true>
            {conflict.then(|| view! { <ConflictNotice memory=memory.clone() /> })}
            <input type="hidden" name="id" value=id.to_string() />
            <input type="hidden" name="version" value=version />
            <Fields state=state before=Some(memory) personas=personas />
            <TextField
                name="reason"
                label="Change note"
                hint=if needs_review {
                    "Optional. Shown to reviewers."
                } else {
                    "Optional. Shown in the version history."
                }
                value=state.typed("reason", "")
                error=state.field_error("reason")
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">
                    {match (conflict, needs_review) {
                        (true, false) => "Overwrite",
                        (false, false) => "Save changes",
                        (_, true) => "Propose changes",
                    }}
                </button>
                <a class="button button-quiet" href=back>"Cancel"</a>
            </div>
        </PostForm>
    }
}

/// Shows the version that was saved meanwhile.
#[component]
fn ConflictNotice(memory: Memory) -> impl IntoView {
    let title = display_title(&memory.title, &memory.content);
    view! {
        <div class="notice notice-warning notice-tall" role="alert">
            <Glyph icon=Icon::Warning />
            <div>
                <p>
                    "This memory was updated " <Time at=memory.updated_at />
                    ", while you were editing. Your text is kept below. Review the changes, then overwrite the current version, or cancel to discard yours."
                </p>
                <details>
                    <summary>"Show the current version: " <span dir="auto">{title}</span></summary>
                    <div class="memory-text" dir="auto">{memory.content}</div>
                </details>
            </div>
        </div>
    }
}

#[component]
fn Fields<S: FormCall>(
    state: FormState<S>,
    before: Option<Memory>,
    personas: Vec<Persona>,
) -> impl IntoView {
    let more = before.clone();
    let (title, content, kind, tags) = before.map_or_else(
        || {
            (
                String::new(),
                String::new(),
                MemoryKind::Fact.key(),
                String::new(),
            )
        },
        |memory| {
            (
                memory.title,
                memory.content,
                memory.kind.key(),
                memory.tags.join(", "),
            )
        },
    );
    let kinds = MemoryKind::ALL
        .iter()
        .map(|kind| Choice::new(kind.key(), kind.label()))
        .collect();
    view! {
        <TextField
            name="title"
            label="Title"
            hint="Optional. Defaults to the first line."
            value=state.typed("title", &title)
            error=state.field_error("title")
        />
        <TextArea
            name="content"
            label="Content"
            hint="Any text, up to 100 kB."
            rows=10
            value=state.typed("content", &content)
            error=state.field_error("content")
        />
        <div class="form-row">
            <SelectField
                name="kind"
                label="Kind"
                choices=kinds
                value=state.typed("kind", kind)
                error=state.field_error("kind")
            />
            <TextField
                name="tags"
                label="Tags"
                hint="Separated by commas."
                value=state.typed("tags", &tags)
                error=state.field_error("tags")
            />
        </div>
        <MoreFields state=state before=more personas=personas />
    }
}
