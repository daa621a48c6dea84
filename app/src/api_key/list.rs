//! The list of API keys.

use domain::{Page, Permission, api_key::ApiKey};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::parts::{KeyStateBadge, KeyTabs, TimeOr};
use crate::{
    profile::IfPermitted,
    ui::{
        Choice, Column, EmptyState, FilterForm, Glyph, Icon, ListKind, ListUrl, PageHead,
        SearchBox, SelectField, Time, list_view, load_list, plural,
    },
};

const LIST: ListKind = ListKind {
    class: "keys",
    nouns: ("key", "keys"),
    default_sort: "-created_at",
    export: "keys",
};

/// The page at `/keys` and at `/keys/all`.
#[component]
pub(crate) fn KeyListPage() -> impl IntoView {
    let path = use_location().pathname;
    let is_all = path.with_untracked(|path| path == "/keys/all");
    let (lead, list) = if is_all {
        (
            "All API keys in the organisation. A key never has more permissions than the member it acts as.",
            load_list::<service::OrganisationApiKeyList, _>(|url, page| show(&url, page, true)),
        )
    } else {
        (
            "API keys let programs act on your behalf.",
            load_list::<service::ApiKeyList, _>(|url, page| show(&url, page, false)),
        )
    };
    view! {
        <PageHead title="API keys" lead=lead>
            <a class="button" href="/reference">"API reference"</a>
            <IfPermitted permission=Permission::ApiKeyOwn>
                <a class="button button-primary" href="/keys/new">
                    <Glyph icon=Icon::Plus />
                    "New key"
                </a>
            </IfPermitted>
        </PageHead>
        <KeyTabs />
        {list}
    }
}

fn show(url: &ListUrl, page: Page<ApiKey>, is_all: bool) -> impl IntoView + use<> {
    let mut columns = vec![
        Column::new("Key", |key: &ApiKey| {
            view! {
                <span class="cell-line cell-wrap">
                    <a class="row-title" dir="auto" href=format!("/keys/{}", key.id)>{key.label.clone()}</a>
                    <code class="muted">{format!("{}…", key.prefix)}</code>
                </span>
            }
        })
        .ascending("label"),
        Column::new("Permissions", |key: &ApiKey| {
            plural(key.scopes.len(), "permission", "permissions")
        })
        .class("optional"),
        Column::new("Last used", |key: &ApiKey| {
            view! { <TimeOr at=key.last_used_at otherwise="Never" /> }
        })
        .descending("-last_used_at"),
        Column::new("Created", |key: &ApiKey| view! { <Time at=key.created_at /> })
            .class("optional")
            .descending("-created_at"),
        Column::new("Expires", |key: &ApiKey| {
            view! { <TimeOr at=key.expires_at otherwise="Never" /> }
        })
        .class("optional")
        .ascending("expires_at"),
        Column::new("Status", |key: &ApiKey| view! { <KeyStateBadge key=key.clone() /> })
            .class("narrow"),
    ];
    if is_all {
        let owner = Column::new("Acts as", |key: &ApiKey| {
            view! { <span dir="auto">{key.owner_name.clone()}</span> }
        });
        columns.insert(1, owner.ascending("owner"));
    }
    let list = ListKind {
        export: if is_all { "all-keys" } else { LIST.export },
        ..LIST
    };
    let path = url.path().to_owned();
    let empty = if url.get("ended").is_empty() {
        view! { <NoKeys /> }.into_any()
    } else {
        view! {
            <EmptyState title="No expired or revoked keys" text="Expired and revoked keys are listed here.">
                <a class="button" href=path>"Show active keys"</a>
            </EmptyState>
        }
        .into_any()
    };
    view! {
        <Filters url=url.clone() />
        {list_view(list, url, page, &columns, empty)}
    }
}

#[component]
fn Filters(url: ListUrl) -> impl IntoView {
    let states = vec![
        Choice::new("", "Active"),
        Choice::new("true", "Expired or revoked"),
    ];
    let (query, ended) = (url.get("query").to_owned(), url.get("ended").to_owned());
    let (path, sort) = (url.path().to_owned(), url.sort_field());
    view! {
        <FilterForm path=path label="Search keys" class="filters">
            {sort}
            <div class="filters-main">
                <SearchBox
                    label="Search keys"
                    placeholder="Name, owner or the key’s first characters"
                    value=query
                    max_chars=200
                    act="Search"
                />
            </div>
            <div class="filters-more">
                <SelectField name="ended" label="Status" choices=states value=ended />
            </div>
        </FilterForm>
    }
}

#[component]
fn NoKeys() -> impl IntoView {
    view! {
        <EmptyState
            title="No keys yet"
            text="Create a key for a script, an agent or another product that reads or writes memories for you."
        >
            <IfPermitted permission=Permission::ApiKeyOwn>
                <a class="button button-primary" href="/keys/new">"Create a key"</a>
            </IfPermitted>
            <a class="button" href="/reference">"API reference"</a>
        </EmptyState>
    }
}
