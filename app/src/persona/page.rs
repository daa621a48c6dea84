//! The list of personas, and the page of one.

use domain::{Page, Permission, persona::Persona};
use leptos::prelude::*;

use super::api::{PersonaCreate, PersonaDelete, PersonaUpdate};
use crate::{
    forms::{FormCall, FormState, PostForm},
    profile::IfPermitted,
    ui::{
        Column, Confirm, EmptyState, ListKind, ListUrl, PageHead, TextArea, TextField, count,
        list_view, load_item, load_list, plural,
    },
};

const LIST: ListKind = ListKind {
    class: "personas",
    nouns: ("persona", "personas"),
    default_sort: "",
    export: "",
};

/// The page at `/memories/personas`.
#[component]
pub(crate) fn PersonaListPage() -> impl IntoView {
    view! {
        <PageHead
            title="Personas"
            lead="Group your memories, for example Work and Home. Only visible to you."
            up=("/memories", "Memories")
        />
        {load_list::<service::PersonaList, _>(|url, page| show(&url, page))}
        <IfPermitted permission=Permission::MemoryWrite>
            <Create />
        </IfPermitted>
    }
    .into_any()
}

fn show(url: &ListUrl, page: Page<Persona>) -> AnyView {
    let columns = [
        Column::new("Persona", |persona: &Persona| {
            let href = format!("/memories/personas/{}", persona.id);
            view! { <a class="row-title" dir="auto" href=href>{persona.name.clone()}</a> }
        }),
        Column::new("Description", |persona: &Persona| {
            view! { <span dir="auto">{persona.description.clone()}</span> }
        })
        .class("optional wrap"),
        Column::new("Memories", |persona: &Persona| count(persona.memory_count))
            .class("number col-status"),
    ];
    let empty = view! {
        <EmptyState
            title="No personas yet"
            text="Create a persona to keep groups of memories apart, such as Work and Home."
        >
            <a class="button" href="/memories">"Back to memories"</a>
        </EmptyState>
    };
    list_view(LIST, url, page, &columns, empty)
}

#[component]
fn Create() -> impl IntoView {
    let state = FormState::<PersonaCreate>::new();
    view! {
        <section class="section" aria-labelledby="create">
            <h2 id="create">"New persona"</h2>
            <PostForm state=state class="form">
                <Fields state=state name="" description="" />
                <div class="form-actions">
                    <button type="submit" class="button">"Create persona"</button>
                </div>
            </PostForm>
        </section>
    }
}

#[component]
fn Fields<S: FormCall>(
    state: FormState<S>,
    #[prop(into)] name: String,
    #[prop(into)] description: String,
) -> impl IntoView {
    view! {
        <TextField
            name="name"
            label="Name"
            value=state.typed("name", &name)
            error=state.field_error("name")
        />
        <TextArea
            name="description"
            label="Description"
            hint="Optional, up to 500 characters."
            rows=3
            optional=true
            value=state.typed("description", &description)
            error=state.field_error("description")
        />
    }
}

/// The page at `/memories/personas/{id}`.
#[component]
pub(crate) fn PersonaPage() -> impl IntoView {
    load_item::<service::PersonaGet, _>(edit)
}

fn edit(persona: Persona) -> impl IntoView {
    view! {
        <PageHead title=persona.name.clone() up=("/memories/personas", "Personas") />
        <IfPermitted permission=Permission::MemoryWrite>
            <Change persona=persona.clone() />
            <Delete persona=persona />
        </IfPermitted>
    }
}

#[component]
fn Change(persona: Persona) -> impl IntoView {
    let state = FormState::<PersonaUpdate>::new();
    view! {
        <PostForm state=state class="form">
            <input type="hidden" name="id" value=persona.id.to_string() />
            <Fields state=state name=persona.name description=persona.description />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Save changes"</button>
                <a class="button button-quiet" href="/memories/personas">"Cancel"</a>
            </div>
        </PostForm>
    }
}

#[component]
fn Delete(persona: Persona) -> impl IntoView {
    let state = FormState::<PersonaDelete>::new();
    let memories = plural(persona.memory_count, "memory", "memories");
    view! {
        <section class="section" aria-labelledby="delete">
            <h2 id="delete">"Delete"</h2>
            <PostForm state=state>
                <input type="hidden" name="id" value=persona.id.to_string() />
                <Confirm
                    id="delete-persona"
                    label="Delete persona…"
                    title=format!("Delete “{}”?", persona.name)
                    act="Delete persona"
                >
                    <p>{format!("{memories} will be kept, without a persona.")}</p>
                </Confirm>
            </PostForm>
        </section>
    }
}
