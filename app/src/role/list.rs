//! The list of roles, and a matrix of their permissions.

use domain::{
    Permission,
    role::{Role, areas},
};
use leptos::prelude::*;

use super::{api::role_list, parts::Tick};
use crate::{
    profile::IfPermitted,
    ui::{Badge, Glyph, Icon, PageHead, Tone, load_part, plural, query_string},
};

/// The page at `/roles`.
#[component]
pub(crate) fn RoleListPage() -> impl IntoView {
    let roles = role_list();
    view! {
        <PageHead title="Roles" lead="Built-in and custom roles and what they allow.">
            <IfPermitted permission=Permission::RoleManage>
                <a class="button button-primary" href="/roles/new">
                    <Glyph icon=Icon::Plus />
                    "New role"
                </a>
            </IfPermitted>
        </PageHead>
        {load_part(roles, show)}
    }
    .into_any()
}

fn show(roles: Vec<Role>) -> impl IntoView {
    view! {
        <RoleTable roles=roles.clone() />
        <section class="section" aria-labelledby="matrix">
            <h2 id="matrix">"Permissions by role"</h2>
            <Matrix roles=roles />
        </section>
    }
}

#[component]
fn RoleTable(roles: Vec<Role>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table class="roles">
                <thead>
                    <tr>
                        <th scope="col">"Role"</th>
                        <th scope="col" class="optional">"Description"</th>
                        <th scope="col" class="col-status">"Members"</th>
                    </tr>
                </thead>
                <tbody>
                    {roles
                        .into_iter()
                        .map(|role| {
                            let href = format!("/roles/{}", role.id);
                            let holders = format!("/members{}", query_string(&[("role", &role.key)]));
                            view! {
                                <tr>
                                    <td>
                                        <div class="cell-line">
                                            <a class="row-title" dir="auto" href=href>{role.name}</a>
                                            {(!role.is_system).then(|| view! { <Badge tone=Tone::Accent text="Custom" /> })}
                                        </div>
                                    </td>
                                    <td class="optional"><div class="cell-line"><span class="clip" dir="auto">{role.description}</span></div></td>
                                    <td><a class="above-row" href=holders>{plural(role.holder_count, "member", "members")}</a></td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
}

/// Table of permissions by role.
#[component]
fn Matrix(roles: Vec<Role>) -> impl IntoView {
    let columns = roles.len() + 1;
    let heads = roles
        .iter()
        .map(|role| {
            view! {
                <th scope="col" class="matrix-role">
                    <a href=format!("/roles/{}", role.id) dir="auto">{role.name.clone()}</a>
                </th>
            }
        })
        .collect_view();
    let groups = areas()
        .into_iter()
        .map(|(area, permissions)| {
            let rows = permissions
                .into_iter()
                .map(|permission| {
                    let cells = roles
                        .iter()
                        .map(|role| {
                            let on = role.permissions.contains(&permission);
                            view! { <td class="matrix-cell"><Tick on=on /></td> }
                        })
                        .collect_view();
                    view! {
                        <tr>
                            <th scope="row" class="matrix-permission" title=permission.key()>
                                {permission.sentence()}
                            </th>
                            {cells}
                        </tr>
                    }
                })
                .collect_view();
            view! {
                <tbody>
                    <tr class="matrix-area">
                        <th scope="colgroup" colspan=columns.to_string()>{area}</th>
                    </tr>
                    {rows}
                </tbody>
            }
        })
        .collect_view();
    view! {
        <div class="table-frame" tabindex="0" role="region" aria-labelledby="matrix">
            <table class="matrix">
                <thead>
                    <tr>
                        <th scope="col">"Permission"</th>
                        {heads}
                    </tr>
                </thead>
                {groups}
            </table>
        </div>
    }
}
