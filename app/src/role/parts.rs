//! Components shared by the pages of roles.

use std::collections::BTreeSet;

use domain::{Permission, role::areas};
use leptos::prelude::*;

use crate::ui::{Glyph, Icon};

/// All permissions by area, with those of `held` ticked. With `grantable` it is
/// for use in a form, and those can be changed.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(super) fn PermissionTable(
    held: BTreeSet<Permission>,
    /// Permissions that can be changed; `None` for a read-only table.
    #[prop(optional_no_strip)]
    grantable: Option<BTreeSet<Permission>>,
) -> impl IntoView {
    let groups = areas()
        .into_iter()
        .map(|(area, permissions)| {
            let rows = permissions
                .into_iter()
                .map(|permission| {
                    let is_held = held.contains(&permission);
                    let choice = grantable
                        .as_ref()
                        .map(|grantable| grantable.contains(&permission));
                    view! { <PermissionRow permission=permission is_held=is_held choice=choice /> }
                })
                .collect_view();
            view! {
                <fieldset class="permissions">
                    <legend>{area}</legend>
                    <ul>{rows}</ul>
                </fieldset>
            }
        })
        .collect_view();
    view! { <div class="permission-groups">{groups}</div> }
}

/// One permission: changeable (`Some(true)`), not changeable by the viewer
/// (`Some(false)`), or read-only (`None`).
#[component]
fn PermissionRow(permission: Permission, is_held: bool, choice: Option<bool>) -> impl IntoView {
    let label = view! {
        <span class="permission-words">
            <span>{permission.sentence()}</span>
            <code class="muted">{permission.key()}</code>
        </span>
    };
    let reason = if permission.is_entrusted() {
        "Owners only"
    } else {
        "You don’t have this permission"
    };
    match choice {
        Some(is_changeable) => view! {
            <li>
                <label class="permission">
                    <input
                        type="checkbox"
                        name="permissions[]"
                        value=permission.key()
                        checked=is_held
                        disabled=!is_changeable
                    />
                    {label}
                    {(!is_changeable).then(|| view! { <span class="muted small">{reason}</span> })}
                </label>
            </li>
        }
        .into_any(),
        None => view! {
            <li class="permission">
                <Tick on=is_held />
                {label}
            </li>
        }
        .into_any(),
    }
}

/// A check mark or a dash, each with a text for screen readers.
#[component]
pub(super) fn Tick(on: bool) -> impl IntoView {
    if on {
        view! {
            <span class="tick">
                <Glyph icon=Icon::Check />
                <span class="visually-hidden">"Yes"</span>
            </span>
        }
        .into_any()
    } else {
        view! {
            <span class="tick tick-off">
                <span aria-hidden="true">"–"</span>
                <span class="visually-hidden">"No"</span>
            </span>
        }
        .into_any()
    }
}
