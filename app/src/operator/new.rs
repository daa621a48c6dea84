//! Creating an organisation, and showing its owner's link once.

use domain::Permission;
use leptos::prelude::*;

use super::api::{CreatedTenant, TenantCreate};
use crate::{
    forms::{FormState, PostForm},
    ui::{CopyLine, PageHead, TextField, page_for},
};

const UP: (&str, &str) = ("/operator", "All organisations");

/// The page at `/operator/new`.
#[component]
pub(crate) fn TenantNewPage() -> impl IntoView {
    page_for(Permission::PlatformOperate, || {
        let state = FormState::<TenantCreate>::new();
        match state.answer() {
            Some(created) => view! { <OwnerLink created=created /> }.into_any(),
            None => view! { <NewForm state=state /> }.into_any(),
        }
    })
}

#[component]
fn NewForm(state: FormState<TenantCreate>) -> impl IntoView {
    view! {
        <PageHead
            title="New organisation"
            lead="Creates an organisation and an owner invitation link."
            up=UP
        />
        <PostForm state=state class="form">
            <TextField
                name="name"
                label="Name"
                value=state.typed("name", "")
                error=state.field_error("name")
            />
            <TextField
                name="slug"
                label="Short name"
                hint="Lower-case letters, digits and hyphens. Can’t be changed later."
                value=state.typed("slug", "")
                error=state.field_error("slug")
            />
            <TextField
                name="email"
                label="Owner’s email address"
                hint="Optional. Helps the person sign in with the right account. Anyone with the link can use it."
                value=state.typed("email", "")
                error=state.field_error("email")
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Create organisation"</button>
                <a class="button button-quiet" href=UP.0>"Cancel"</a>
            </div>
        </PostForm>
    }
}

#[component]
fn OwnerLink(created: CreatedTenant) -> impl IntoView {
    let page = format!("/operator/{}", created.id);
    view! {
        <PageHead
            title="Organisation created"
            lead="The person who opens the link and signs in becomes its owner."
            up=UP
            is_answer=true
        />
        <section class="reveal" aria-labelledby="link">
            <h2 id="link">"Copy the owner’s link now"</h2>
            <p>
                "You won’t be able to see this link again. It works once. If it’s lost, create a new one on the server with "
                <code>"atrium tenant invite-owner"</code> "."
            </p>
            <CopyLine text=created.link what="link" />
            <div class="form-actions">
                <a class="button button-primary" href=page rel="external">"Done"</a>
            </div>
        </section>
    }
}
