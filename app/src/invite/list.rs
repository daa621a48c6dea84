//! The list of invites.

use domain::{
    AppError, Page,
    invite::{Invite, InviteStatus},
};
use leptos::prelude::*;

use super::{
    api::invite_list,
    parts::{InviteBadge, addressee},
};
use crate::ui::{
    Choice, EmptyState, FilterForm, Glyph, Icon, PageHead, Paging, Query, SelectField, Time,
    load_page, query_string, use_query,
};

/// Filter and cursor of the list, as in the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct InviteQuery {
    status: String,
    after: String,
}

impl InviteQuery {
    fn from_url(params: &Query) -> Self {
        Self {
            status: params.get("status").to_owned(),
            after: params.get("after").to_owned(),
        }
    }

    fn path_after(&self, after: &str) -> String {
        let query = query_string(&[("status", &self.status), ("after", after)]);
        format!("/invites{query}")
    }
}

/// The page at `/invites`.
#[component]
pub(crate) fn InviteListPage() -> impl IntoView {
    let query = InviteQuery::from_url(&use_query());
    let invites = async move {
        let page = invite_list(query.status.clone(), query.after.clone()).await?;
        Ok::<_, AppError>((query, page))
    };
    load_page(invites, |(query, page)| show(query, page))
}

fn show(query: InviteQuery, page: Page<Invite>) -> impl IntoView {
    let newest = query.path_after("");
    let older = page.next.map(|next| query.path_after(&next));
    let first = query.after.is_empty();
    let status = query.status;
    view! {
        <PageHead title="Invites" lead="Single-use invitation links.">
            <a class="button button-primary" href="/invites/new">
                <Glyph icon=Icon::Plus />
                "Invite people"
            </a>
        </PageHead>
        <Filters status=status.clone() />
        {if page.items.is_empty() {
            view! { <NoInvites filtered=!status.is_empty() /> }.into_any()
        } else {
            view! { <InviteTable invites=page.items /> }.into_any()
        }}
        <Paging newest=newest older=older first=first />
    }
}

#[component]
fn Filters(status: String) -> impl IntoView {
    let statuses = std::iter::once(Choice::new("", "Any status"))
        .chain(
            InviteStatus::ALL
                .iter()
                .map(|status| Choice::new(status.key(), status.label())),
        )
        .collect();
    view! {
        <FilterForm path="/invites" label="Filter invites" class="filters">
            <div class="filters-more">
                <SelectField name="status" label="Status" choices=statuses value=status />
                <button type="submit" class="button">"Apply"</button>
            </div>
        </FilterForm>
    }
}

#[component]
fn NoInvites(filtered: bool) -> impl IntoView {
    if filtered {
        return view! {
            <EmptyState title="No results" text="Choose another status or show all invites.">
                <a class="button" href="/invites">"Show all invites"</a>
            </EmptyState>
        }
        .into_any();
    }
    view! {
        <EmptyState
            title="No invites yet"
            text="Create a link for a new member, with their role and team."
        >
            <a class="button button-primary" href="/invites/new">"Invite people"</a>
        </EmptyState>
    }
    .into_any()
}

#[component]
fn InviteTable(invites: Vec<Invite>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table class="invites">
                <thead>
                    <tr>
                        <th scope="col">"Invitee"</th>
                        <th scope="col" class="optional col-roles">"Role and team"</th>
                        <th scope="col" class="optional col-roles">"Invited by"</th>
                        <th scope="col" class="optional col-time col-created">"Created"</th>
                        <th scope="col" class="optional col-time">"Expires"</th>
                        <th scope="col" class="col-status">"Status"</th>
                    </tr>
                </thead>
                <tbody>
                    {invites.into_iter().map(|invite| view! { <InviteRow invite=invite /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn InviteRow(invite: Invite) -> impl IntoView {
    let grants: Vec<_> = [
        invite.role.as_ref().map(|role| role.name.clone()),
        invite.team.as_ref().map(|team| team.name.clone()),
    ]
    .into_iter()
    .flatten()
    .collect();
    view! {
        <tr>
            <td>
                <div class="cell-line">
                    <a class="row-title" href=format!("/invites/{}", invite.id)>{addressee(invite.email.as_deref())}</a>
                </div>
            </td>
            <td class="optional" dir="auto">
                {if grants.is_empty() {
                    view! { <span class="muted">"No role"</span> }.into_any()
                } else {
                    let all = grants.join(", ");
                    let title = all.clone();
                    view! { <div class="clip" title=title>{all}</div> }.into_any()
                }}
            </td>
            <td class="optional" dir="auto">
                <div class="clip">{invite.invited_by.clone().unwrap_or_else(|| "The operator".to_owned())}</div>
            </td>
            <td class="optional col-time col-created"><Time at=invite.created_at /></td>
            <td class="optional col-time"><Time at=invite.expires_at /></td>
            <td><InviteBadge invite=invite /></td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_and_cursor_are_read_from_the_url() {
        let query = InviteQuery::from_url(&Query::parse("status=expired&after=x%7E"));
        assert_eq!(
            query.path_after(&query.after),
            "/invites?status=expired&after=x%7E"
        );
        assert_eq!(InviteQuery::default().path_after(""), "/invites");
    }
}
