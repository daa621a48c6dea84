//! The list of API keys.

use domain::{AppError, Page, Permission, api_key::ApiKey};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::{
    api::api_key_list,
    parts::{KeyStateBadge, KeyTabs, TimeOr},
};
use crate::{
    profile::IfPermitted,
    ui::{
        Choice, EmptyState, FilterForm, Glyph, Icon, PageHead, Paging, Query, SelectField, Time,
        load_page, plural, query_string, use_query,
    },
};

/// Filter and cursor of the list, as in the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct KeyQuery {
    all: bool,
    ended: bool,
    after: String,
}

impl KeyQuery {
    fn from_url(path: &str, params: &Query) -> Self {
        Self {
            all: path == "/keys/all",
            ended: params.get("state") == "ended",
            after: params.get("after").to_owned(),
        }
    }

    fn base(&self) -> &'static str {
        if self.all { "/keys/all" } else { "/keys" }
    }

    fn path(&self) -> String {
        let state = if self.ended { "ended" } else { "" };
        let query = query_string(&[("state", state), ("after", &self.after)]);
        format!("{}{query}", self.base())
    }

    fn starting_after(&self, after: String) -> Self {
        Self { after, ..*self }
    }
}

/// The page at `/keys` and at `/keys/all`.
#[component]
pub(crate) fn KeyListPage() -> impl IntoView {
    let path = use_location().pathname;
    let query = path.with_untracked(|path| KeyQuery::from_url(path, &use_query()));
    let keys = async move {
        let page = api_key_list(query.all, query.ended, query.after.clone()).await?;
        Ok::<_, AppError>((query, page))
    };
    load_page(keys, |(query, page)| show(query, page))
}

fn show(query: KeyQuery, page: Page<ApiKey>) -> impl IntoView {
    let newest = query.starting_after(String::new()).path();
    let older = page.next.map(|next| query.starting_after(next).path());
    let first = query.after.is_empty();
    let all = query.all;
    let lead = if all {
        "All API keys in the organisation. A key never has more permissions than the member it acts as."
    } else {
        "API keys let programs act on your behalf."
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
        <Filters query=query.clone() />
        {if page.items.is_empty() {
            view! { <NoKeys query=query /> }.into_any()
        } else {
            view! { <KeyTable keys=page.items all=all /> }.into_any()
        }}
        <Paging newest=newest older=older first=first />
    }
}

#[component]
fn Filters(query: KeyQuery) -> impl IntoView {
    let states = vec![
        Choice::new("", "Active"),
        Choice::new("ended", "Expired or revoked"),
    ];
    let chosen = if query.ended { "ended" } else { "" };
    view! {
        <FilterForm path=query.base() label="Filter keys" class="filters">
            <div class="filters-more">
                <SelectField name="state" label="Status" choices=states value=chosen />
                <button type="submit" class="button">"Apply"</button>
            </div>
        </FilterForm>
    }
}

#[component]
fn NoKeys(query: KeyQuery) -> impl IntoView {
    let base = query.base();
    if query.ended {
        return view! {
            <EmptyState title="No expired or revoked keys" text="Expired and revoked keys are listed here.">
                <a class="button" href=base>"Show active keys"</a>
            </EmptyState>
        }
        .into_any();
    }
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
    .into_any()
}

#[component]
fn KeyTable(keys: Vec<ApiKey>, all: bool) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table class="keys">
                <thead>
                    <tr>
                        <th scope="col">"Key"</th>
                        {all.then(|| view! { <th scope="col">"Acts as"</th> })}
                        <th scope="col" class="optional">"Permissions"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col" class="optional">"Created"</th>
                        <th scope="col" class="optional">"Expires"</th>
                        <th scope="col" class="narrow">"Status"</th>
                    </tr>
                </thead>
                <tbody>
                    {keys.into_iter().map(|key| view! { <KeyRow key=key all=all /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn KeyRow(key: ApiKey, all: bool) -> impl IntoView {
    view! {
        <tr>
            <td>
                <span class="cell-line cell-wrap">
                    <a class="row-title" dir="auto" href=format!("/keys/{}", key.id)>{key.label.clone()}</a>
                    <code class="muted">{format!("{}…", key.prefix)}</code>
                </span>
            </td>
            {all.then(|| view! { <td dir="auto">{key.owner_name.clone()}</td> })}
            <td class="optional">{plural(key.scopes.len(), "permission", "permissions")}</td>
            <td><TimeOr at=key.last_used_at otherwise="Never" /></td>
            <td class="optional"><Time at=key.created_at /></td>
            <td class="optional"><TimeOr at=key.expires_at otherwise="Never" /></td>
            <td class="narrow"><KeyStateBadge key=key /></td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_and_cursor_are_read_from_the_url() {
        let query = KeyQuery::from_url("/keys/all", &Query::parse("state=ended&after=x%7E"));
        assert!(query.all && query.ended);
        assert_eq!(query.path(), "/keys/all?state=ended&after=x%7E");
        let own = KeyQuery::from_url("/keys", &Query::parse("state=nonsense"));
        assert_eq!(own, KeyQuery::default());
        assert_eq!(own.path(), "/keys");
    }
}
