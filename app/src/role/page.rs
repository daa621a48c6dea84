//! One role: its permissions, its holders, and the edit form if it is the
//! organisation's own.

use domain::{
    RoleId,
    role::{Role, RoleDetail, RoleHolder},
};
use leptos::prelude::*;

use super::{
    api::{RoleDelete, RoleUpdate, role_get},
    edit::EditForm,
    parts::PermissionTable,
};
use crate::{
    forms::{FormState, PostForm},
    ui::{Confirm, Glyph, Icon, PageHead, count, load_page, path_id, plural, query_string},
};

/// The page at `/roles/{id}`.
#[component]
pub(crate) fn RolePage() -> impl IntoView {
    let id = path_id::<RoleId>("id");
    let role = async move { role_get(id?).await };
    load_page(role, show)
}

fn show(detail: RoleDetail) -> impl IntoView {
    let RoleDetail {
        role,
        holders,
        grantable,
        may_edit,
    } = detail;
    let state = FormState::<RoleUpdate>::new();
    let permissions = if may_edit {
        view! { <EditForm role=role.clone() grantable=grantable state=state /> }.into_any()
    } else {
        let notice = role
            .is_system
            .then_some("Built-in roles can’t be edited. Create a custom role instead.");
        view! {
            {notice
                .map(|text| {
                    view! {
                        <p class="notice">
                            <Glyph icon=Icon::Lock />
                            <span>{text}</span>
                        </p>
                    }
                })}
            <PermissionTable held=role.permissions.clone() />
        }
        .into_any()
    };
    view! {
        <PageHead title=role.name.clone() lead=role.description.clone() up=("/roles", "Roles") />
        {permissions}
        <Holders role=role.clone() holders=holders />
        {may_edit.then(|| view! { <Delete role=role /> })}
    }
}

#[component]
fn Holders(role: Role, holders: Vec<RoleHolder>) -> impl IntoView {
    let rest = role.holder_count - i64::try_from(holders.len()).unwrap_or(i64::MAX);
    let all = format!("/members{}", query_string(&[("role", &role.key)]));
    view! {
        <section class="section" aria-labelledby="holders">
            <div class="section-head">
                <h2 id="holders">"Assigned to " {plural(role.holder_count, "member", "members")}</h2>
                {(role.holder_count > 0).then(|| view! { <a href=all>"View members"</a> })}
            </div>
            {if holders.is_empty() {
                view! { <p class="muted">"No members have this role."</p> }.into_any()
            } else {
                view! {
                    <p class="names">
                        {holders
                            .into_iter()
                            .map(|holder| {
                                let href = format!("/members/{}", holder.id);
                                view! { <a class="badge" dir="auto" href=href>{holder.display_name}</a> }
                            })
                            .collect_view()}
                        {(rest > 0).then(|| view! { <span class="muted">{format!("and {} more", count(rest))}</span> })}
                    </p>
                }
                    .into_any()
            }}
        </section>
    }
}

/// Says who loses the role before it is deleted.
#[component]
fn Delete(role: Role) -> impl IntoView {
    let state = FormState::<RoleDelete>::new();
    let (text, button) = if role.holder_count == 0 {
        (
            "No members have this role.".to_owned(),
            "Delete role".to_owned(),
        )
    } else {
        let lose = plural(role.holder_count, "member loses", "members lose");
        let members = plural(role.holder_count, "member", "members");
        (
            format!("{lose} this role immediately."),
            format!("Remove from {members} and delete"),
        )
    };
    view! {
        <section class="section" aria-labelledby="delete">
            <h2 id="delete">"Delete this role"</h2>
            <PostForm state=state>
                <input type="hidden" name="id" value=role.id.to_string() />
                <input type="hidden" name="version" value=role.version.to_string() />
                <input type="hidden" name="holder_count" value=role.holder_count.to_string() />
                <Confirm id="delete-role" label="Delete role…" title=format!("Delete the role {}?", role.name) act=button>
                    <p>{text} " This can’t be undone."</p>
                </Confirm>
            </PostForm>
        </section>
    }
}
