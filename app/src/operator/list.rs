//! The list of organisations.

use domain::{
    AppError, Page,
    tenant::{TenantStatus, TenantSummary},
};
use leptos::prelude::*;

use super::{
    api::tenant_list,
    parts::{Health, StatusBadge, time_or},
    query::TenantQuery,
};
use crate::ui::{
    Choice, EmptyState, FilterForm, Glyph, Icon, PageHead, Paging, SearchBox, SelectField, Time,
    count, load_page, use_query,
};

/// The page at `/operator`.
#[component]
pub(crate) fn TenantListPage() -> impl IntoView {
    let query = TenantQuery::from_params(&use_query());
    let data = async move {
        let page = tenant_list(query.clone()).await?;
        Ok::<_, AppError>((query, page))
    };
    load_page(data, |(query, page)| show(query, page))
}

fn show(query: TenantQuery, page: Page<TenantSummary>) -> impl IntoView {
    let first = (!query.after.is_empty()).then(|| query.starting_after(String::new()).path());
    let next = page.next.map(|next| query.starting_after(next).path());
    view! {
        <PageHead
            title="All organisations"
            lead="All organisations on this installation. You can see usage, not content."
        >
            <a class="button button-primary" href="/operator/new">
                <Glyph icon=Icon::Plus />
                "New organisation"
            </a>
        </PageHead>
        <Filters query=query />
        {if page.items.is_empty() {
            view! {
                <EmptyState title="No results" text="Remove a filter or clear all.">
                    <a class="button" href="/operator">"Show all organisations"</a>
                </EmptyState>
            }
                .into_any()
        } else {
            view! { <TenantTable tenants=page.items /> }.into_any()
        }}
        <Paging first=first next=next />
    }
}

#[component]
fn Filters(query: TenantQuery) -> impl IntoView {
    let filter = query.filter;
    let statuses = std::iter::once(Choice::new("", "Any status"))
        .chain(
            TenantStatus::ALL
                .iter()
                .map(|status| Choice::new(status.key(), status.label())),
        )
        .collect();
    view! {
        <FilterForm path="/operator" label="Search organisations" class="filters">
            <div class="filters-main">
                <SearchBox
                    label="Search organisations"
                    placeholder="Name or slug"
                    value=filter.query
                    max_chars=200
                    act="Search"
                />
            </div>
            <div class="filters-more">
                <SelectField name="status" label="Status" choices=statuses value=filter.status />
            </div>
        </FilterForm>
    }
}

#[component]
fn TenantTable(tenants: Vec<TenantSummary>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table class="tenants">
                <thead>
                    <tr>
                        <th scope="col">"Organisation"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col" class="optional">"Tier"</th>
                        <th scope="col" class="optional number">"Members"</th>
                        <th scope="col" class="optional number">"Sessions"</th>
                        <th scope="col" class="optional number">"Memories"</th>
                        <th scope="col" class="optional">"Last seen"</th>
                        <th scope="col" class="optional">"Created"</th>
                        <th scope="col" class="optional">"Jobs"</th>
                    </tr>
                </thead>
                <tbody>
                    {tenants.into_iter().map(|tenant| view! { <TenantRow tenant=tenant /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn TenantRow(tenant: TenantSummary) -> impl IntoView {
    let TenantSummary {
        id,
        slug,
        name,
        status,
        tier,
        created_at,
        counts,
    } = tenant;
    view! {
        <tr>
            <td>
                <div class="cell-line">
                    <a class="row-title" dir="auto" href=format!("/operator/{id}")>{name}</a>
                    <span class="row-excerpt">{slug}</span>
                </div>
            </td>
            <td><StatusBadge status=status /></td>
            <td class="optional">{tier.label()}</td>
            <td class="optional number">{count(counts.members)}</td>
            <td class="optional number">{count(counts.sessions)}</td>
            <td class="optional number">{count(counts.memories)}</td>
            <td class="optional">{time_or(counts.last_seen_at, "Never")}</td>
            <td class="optional"><Time at=created_at /></td>
            <td class="optional"><Health counts=counts /></td>
        </tr>
    }
}
