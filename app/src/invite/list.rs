//! The list of invites.

use domain::{
    Page, Permission,
    invite::{Invite, InviteStatus},
};
use leptos::prelude::*;

use super::parts::{InviteBadge, addressee};
use crate::ui::{
    Choice, Column, EmptyState, FilterForm, Glyph, Icon, ListKind, ListUrl, PageHead, SelectField,
    Time, list_view, load_list, page_for,
};

const LIST: ListKind = ListKind {
    class: "invites",
    nouns: ("invite", "invites"),
    default_sort: "-created_at",
    export: "invites",
};

/// The page at `/invites`.
#[component]
pub(crate) fn InviteListPage() -> impl IntoView {
    page_for(Permission::MemberInvite, || {
        view! {
            <PageHead title="Invites" lead="Single-use invitation links.">
                <a class="button button-primary" href="/invites/new">
                    <Glyph icon=Icon::Plus />
                    "Invite people"
                </a>
            </PageHead>
            {load_list::<service::InviteList, _>(|url, page| show(&url, page))}
        }
    })
}

fn show(url: &ListUrl, page: Page<Invite>) -> impl IntoView + use<> {
    let columns = [
        Column::new("Invitee", |invite: &Invite| {
            view! {
                <div class="cell-line">
                    <a class="row-title" href=format!("/invites/{}", invite.id)>
                        {addressee(invite.email.as_deref())}
                    </a>
                </div>
            }
        })
        .ascending("email"),
        Column::new("Role and team", |invite: &Invite| clip(grants(invite)))
            .class("optional col-roles"),
        Column::new("Invited by", |invite: &Invite| {
            clip(
                invite
                    .invited_by
                    .clone()
                    .unwrap_or_else(|| "The operator".to_owned()),
            )
        })
        .class("optional col-roles"),
        Column::new(
            "Created",
            |invite: &Invite| view! { <Time at=invite.created_at /> },
        )
        .class("optional col-time col-created")
        .descending("-created_at"),
        Column::new(
            "Expires",
            |invite: &Invite| view! { <Time at=invite.expires_at /> },
        )
        .class("optional col-time")
        .ascending("expires_at"),
        Column::new(
            "Status",
            |invite: &Invite| view! { <InviteBadge invite=invite.clone() /> },
        )
        .class("col-status")
        .ascending("status"),
    ];
    let empty = view! {
        <EmptyState title="No invites yet" text="Create a link for a new member, with their role and team.">
            <a class="button button-primary" href="/invites/new">"Invite people"</a>
        </EmptyState>
    };
    view! {
        <Filters url=url.clone() />
        {list_view(LIST, url, page, &columns, empty)}
    }
}

#[component]
fn Filters(url: ListUrl) -> impl IntoView {
    let statuses = std::iter::once(Choice::new("", "Any status"))
        .chain(
            InviteStatus::ALL
                .iter()
                .map(|status| Choice::new(status.key(), status.label())),
        )
        .collect();
    let (status, sort) = (url.get("status").to_owned(), url.sort_field());
    view! {
        <FilterForm path="/invites" label="Filter invites" class="filters">
            {sort}
            <div class="filters-more">
                <SelectField name="status" label="Status" choices=statuses value=status />
                <button type="submit" class="button">"Apply"</button>
            </div>
        </FilterForm>
    }
}

/// Role and team that the invite gives.
fn grants(invite: &Invite) -> String {
    let names = [
        invite.role.as_ref().map(|role| role.name.as_str()),
        invite.team.as_ref().map(|team| team.name.as_str()),
    ];
    let names: Vec<_> = names.into_iter().flatten().collect();
    if names.is_empty() {
        "No role".to_owned()
    } else {
        names.join(", ")
    }
}

fn clip(text: String) -> impl IntoView {
    let title = text.clone();
    view! { <div class="clip" dir="auto" title=title>{text}</div> }
}
