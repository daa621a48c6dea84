//! Pieces that the pages about roles share.

use std::collections::BTreeSet;

use domain::{Permission, role::areas};
use leptos::prelude::*;

use crate::ui::{Glyph, Icon};

/// The catalogue, by area: what is held is ticked. Inside a form and with
/// `grantable`, what may be granted can be changed.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(super) fn PermissionTable(
    /// What is ticked.
    held: BTreeSet<Permission>,
    /// What can be changed; none for reading only.
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

/// One permission: to be ticked (`Some(true)`), out of the editor's reach
/// (`Some(false)`), or only shown.
#[component]
fn PermissionRow(permission: Permission, is_held: bool, choice: Option<bool>) -> impl IntoView {
    let words = view! {
        <span class="permission-words">
            <span>{permission.sentence()}</span>
            <code class="muted">{permission.key()}</code>
        </span>
    };
    let why = if permission.is_entrusted() {
        "Only owners give it"
    } else {
        "You don’t hold it"
    };
    match choice {
        Some(may) => view! {
            <li>
                <label class="permission">
                    <input
                        type="checkbox"
                        name="permissions[]"
                        value=permission.key()
                        checked=is_held
                        disabled=!may
                    />
                    {words}
                    {(!may).then(|| view! { <span class="muted small">{why}</span> })}
                </label>
            </li>
        }
        .into_any(),
        None => view! {
            <li class="permission">
                <Tick on=is_held />
                {words}
            </li>
        }
        .into_any(),
    }
}

/// A mark for yes, a dash for no, each with its word.
#[component]
pub(super) fn Tick(
    /// Yes.
    on: bool,
) -> impl IntoView {
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
