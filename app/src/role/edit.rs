//! The forms of the organisation's own roles.

use std::collections::BTreeSet;

use domain::{Permission, role::Role};
use leptos::prelude::*;

use super::{
    api::{RoleCreate, RoleUpdate},
    parts::PermissionTable,
};
use crate::{
    forms::{FormCall, FormState, PostForm},
    start::viewer,
    ui::{PageHead, TextField, page_for},
};

/// The page at `/roles/new`.
#[component]
pub(crate) fn RoleNewPage() -> impl IntoView {
    page_for(Permission::RoleManage, || {
        let held = viewer()
            .map(|viewer| viewer.permissions)
            .unwrap_or_default();
        view! { <NewForm grantable=Permission::grantable(&held) /> }
    })
}

#[component]
fn NewForm(grantable: BTreeSet<Permission>) -> impl IntoView {
    let state = FormState::<RoleCreate>::new();
    view! {
        <PageHead
            title="New role"
            lead="You can only include permissions you have yourself."
            up=("/roles", "Roles")
        />
        <PostForm state=state class="form">
            <Fields state=state name="" description="" held=BTreeSet::new() grantable=grantable />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Create role"</button>
                <a class="button button-quiet" href="/roles">"Cancel"</a>
            </div>
        </PostForm>
    }
}

/// Changes a role. The change applies to its holders from their next request
/// on.
#[component]
pub(super) fn EditForm(
    role: Role,
    /// Permissions that the viewer may add and remove.
    grantable: BTreeSet<Permission>,
    state: FormState<RoleUpdate>,
) -> impl IntoView {
    view! {
        <PostForm state=state class="form">
            <input type="hidden" name="id" value=role.id.to_string() />
            // After a failed post without scripts it is still the version that
            // was read.
            <input type="hidden" name="version" value=state.typed("version", &role.version.to_string()) />
            <Fields
                state=state
                name=role.name
                description=role.description
                held=role.permissions
                grantable=grantable
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Save changes"</button>
                <a class="button button-quiet" href="/roles">"Cancel"</a>
            </div>
        </PostForm>
    }
}

#[component]
fn Fields<S: FormCall>(
    state: FormState<S>,
    #[prop(into)] name: String,
    #[prop(into)] description: String,
    held: BTreeSet<Permission>,
    grantable: BTreeSet<Permission>,
) -> impl IntoView {
    // Permissions that can't be changed are not sent, and stay ticked.
    let ticked = match state.typed_all("permissions[]") {
        Some(posted) => {
            let posted = posted.iter().filter_map(|key| key.parse().ok());
            posted.chain(held.difference(&grantable).copied()).collect()
        }
        None => held,
    };
    let error = state.field_error("permissions");
    view! {
        <TextField
            name="name"
            label="Name"
            value=state.typed("name", &name)
            error=state.field_error("name")
        />
        <TextField
            name="description"
            label="Description"
            hint="Optional."
            value=state.typed("description", &description)
            error=state.field_error("description")
        />
        <div role="group" aria-label="Permissions">
            <div role="alert">
                {error.map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
            <PermissionTable held=ticked grantable=Some(grantable) />
        </div>
    }
}
