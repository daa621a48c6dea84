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
            lead="Makes an empty organisation, and a link that makes one person its owner."
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
                hint="Lower-case letters, digits and hyphens, for commands and configuration. It never changes."
                value=state.typed("slug", "")
                error=state.field_error("slug")
            />
            <TextField
                name="email"
                label="The owner’s e-mail address"
                hint="Optional. Helps the person sign in with the right account; whoever has the link can use it."
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
            lead="Whoever opens the link and signs in owns it. Nobody else comes in before."
            up=UP
            is_answer=true
        />
        <section class="reveal" aria-labelledby="link">
            <h2 id="link">"Copy the owner’s link now"</h2>
            <p>
                "This is the only time that the link is shown; Atrium keeps a fingerprint of it only. It works once. A lost one is replaced on the machine with "
                <code>"atrium tenant invite-owner"</code> "."
            </p>
            <CopyLine text=created.link what="link" />
            <div class="form-actions">
                <a class="button button-primary" href=page rel="external">"I have copied it"</a>
            </div>
        </section>
    }
}
