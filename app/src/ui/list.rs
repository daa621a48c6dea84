//! Pages of a list: the URL with filters, order and place; the table from its
//! columns; totals, paging and export.

use std::fmt;

use domain::{AppError, Page, paging::MAX_TOTAL};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use serde::{Serialize, de::DeserializeOwned};
use service::{Endpoint, Part, read_input};

use super::{EmptyState, Glyph, Icon, Paging, Query, count, load_part, query_string, use_query};
use crate::api;

/// Fields that are not filters: the order, the place, and which list it is.
const NO_FILTERS: [&str; 4] = ["sort", "after", "view", "ended"];

/// The URL of a list page: its path, filters, order and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListUrl {
    path: String,
    /// Without empty ones.
    fields: Vec<(String, String)>,
}

/// The URL of this page, and the input of its list's operation. Other fields of
/// the URL are ignored.
///
/// # Errors
/// [`AppError::Invalid`] for a value that the operation can't take.
pub(crate) fn list_input<I>() -> Result<(ListUrl, I), AppError>
where
    I: Default + Serialize + DeserializeOwned,
{
    let path = use_location().pathname.get_untracked();
    parse_input(path, &use_query())
}

fn parse_input<I>(path: String, query: &Query) -> Result<(ListUrl, I), AppError>
where
    I: Default + Serialize + DeserializeOwned,
{
    let known = serde_json::to_value(I::default()).unwrap_or_default();
    let fields = query
        .fields()
        .map(|(name, value)| (name, value.trim()))
        .filter(|(name, value)| known.get(name).is_some() && !value.is_empty());
    let url = ListUrl::new(path, fields);
    let texts = url.fields.iter();
    let parts: Vec<_> = texts
        .map(|(name, value)| (name.clone(), Part::Text(value)))
        .collect();
    let input = read_input(&parts)?;
    Ok((url, input))
}

/// A page of the list that `E` reads for this page's URL.
pub(crate) fn load_list<E, V>(
    show: impl FnOnce(ListUrl, E::Output) -> V + Send + 'static,
) -> AnyView
where
    E: Endpoint,
    E::Input: Default + Serialize + DeserializeOwned + Send,
    E::Output: Send,
    V: IntoView + 'static,
{
    let list = list_input::<E::Input>();
    let list = async move {
        let (url, input) = list?;
        let (ctx, actor) = api::caller()?;
        let output = service::call::<E>(&ctx, &actor, input).await?;
        Ok((url, output))
    };
    load_part(list, |(url, output)| show(url, output))
}

impl ListUrl {
    /// A URL with these fields.
    pub(crate) fn new<'a>(
        path: impl Into<String>,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let fields = fields.into_iter();
        Self {
            path: path.into(),
            fields: fields
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// The value of a field, or an empty text.
    pub(crate) fn get(&self, name: &str) -> &str {
        let mut fields = self.fields.iter();
        fields
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The query with its question mark, or an empty text.
    pub(crate) fn query(&self) -> String {
        let fields = self.fields.iter();
        let fields: Vec<_> = fields
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        query_string(&fields)
    }

    /// The URL of the first page with the field `name` set to `value`.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let kept = self.fields.iter();
        let mut fields: Vec<_> = kept
            .filter(|(field, _)| field != name && field != "after")
            .map(|(field, value)| (field.as_str(), value.as_str()))
            .collect();
        fields.push((name, value));
        format!("{}{}", self.path, query_string(&fields))
    }

    /// True if the list is not complete.
    pub(crate) fn is_filtered(&self) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|(name, _)| !NO_FILTERS.contains(&name.as_str()))
    }

    /// Keeps the order when the list is filtered.
    pub(crate) fn sort_field(&self) -> impl IntoView + use<> {
        let sort = self.get("sort").to_owned();
        (!sort.is_empty()).then(|| view! { <input type="hidden" name="sort" value=sort /> })
    }

    /// The URL of the export of all pages.
    fn export(&self, file: &str, format: &str) -> String {
        let kept = self.fields.iter().filter(|(name, _)| name != "after");
        let fields: Vec<_> = kept
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        format!("/export/{file}.{format}{}", query_string(&fields))
    }
}

impl fmt::Display for ListUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.path, self.query())
    }
}

/// A column of a list's table.
pub(crate) struct Column<T> {
    title: &'static str,
    class: &'static str,
    /// The order for the first click, and whether it is descending.
    sort: Option<(&'static str, bool)>,
    /// Checkboxes to select rows.
    is_selection: bool,
    cell: Box<dyn Fn(&T) -> AnyView>,
}

impl<T> Column<T> {
    pub(crate) fn new<V: IntoView + 'static>(
        title: &'static str,
        cell: impl Fn(&T) -> V + 'static,
    ) -> Self {
        Self {
            title,
            class: "",
            sort: None,
            is_selection: false,
            cell: Box::new(move |row| cell(row).into_any()),
        }
    }

    /// Checkboxes named `ids` that select rows; `row` returns the value and what
    /// it is called.
    pub(crate) fn selection(row: impl Fn(&T) -> (String, String) + 'static) -> Self {
        let cell = move |item: &T| {
            let (value, name) = row(item);
            let label = format!("Select {name}");
            view! {
                <label class="tick-target">
                    <input type="checkbox" name="ids" value=value aria-label=label autocomplete="off" />
                </label>
            }
        };
        Self {
            is_selection: true,
            ..Self::new("Select", cell).class("col-tick")
        }
    }

    /// Class of the column's cells.
    pub(crate) const fn class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// The list's input takes `sort`, which is ascending.
    pub(crate) const fn ascending(mut self, sort: &'static str) -> Self {
        self.sort = Some((sort, false));
        self
    }

    /// The list's input takes `sort`, which is descending.
    pub(crate) const fn descending(mut self, sort: &'static str) -> Self {
        self.sort = Some((sort, true));
        self
    }

    /// The column in a table whose order is fixed.
    pub(crate) fn unsorted(self) -> Self {
        Self { sort: None, ..self }
    }

    fn head(&self, url: &ListUrl, default_sort: &str) -> AnyView {
        let (title, class) = (self.title, self.class);
        if self.is_selection {
            return view! {
                <th scope="col" class=class>
                    <label class="tick-target needs-script">
                        <input type="checkbox" data-select-all="" aria-label="Select all on this page" autocomplete="off" />
                    </label>
                </th>
            }
            .into_any();
        }
        let Some((first, is_descending)) = self.sort else {
            return view! { <th scope="col" class=class>{title}</th> }.into_any();
        };
        let reversed = first
            .strip_prefix('-')
            .map_or_else(|| format!("-{first}"), str::to_owned);
        let current = Some(url.get("sort"))
            .filter(|sort| !sort.is_empty())
            .unwrap_or(default_sort);
        let (href, direction) = if current == first {
            (url.with("sort", &reversed), Some(is_descending))
        } else if current == reversed {
            (url.with("sort", first), Some(!is_descending))
        } else {
            (url.with("sort", first), None)
        };
        let arrow = direction.map(|is_descending| {
            let icon = if is_descending {
                Icon::ArrowDown
            } else {
                Icon::ArrowUp
            };
            view! { <Glyph icon=icon /> }
        });
        let sorted = direction.map(|is_descending| {
            if is_descending {
                "descending"
            } else {
                "ascending"
            }
        });
        view! {
            <th scope="col" class=class aria-sort=sorted>
                <a class="sort" href=href>{title}{arrow}</a>
            </th>
        }
        .into_any()
    }
}

/// Names and defaults of a list.
#[derive(Clone, Copy)]
pub(crate) struct ListKind {
    /// Class of the table.
    pub(crate) class: &'static str,
    /// A row, and several.
    pub(crate) nouns: (&'static str, &'static str),
    /// The order without `sort`.
    pub(crate) default_sort: &'static str,
    /// Name of the exported file; empty if the list is exported elsewhere.
    pub(crate) export: &'static str,
}

/// A page of a list: total, export, table and paging; `empty` without rows and
/// filters.
pub(crate) fn list_view<T: 'static>(
    kind: ListKind,
    url: &ListUrl,
    page: Page<T>,
    columns: &[Column<T>],
    empty: impl IntoView + 'static,
) -> AnyView {
    if page.items.is_empty() {
        return if url.is_filtered() {
            let all = url.path().to_owned();
            let (_, many) = kind.nouns;
            view! {
                <EmptyState title="No results" text="Remove a filter or clear all.">
                    <a class="button" href=all>{format!("Show all {many}")}</a>
                </EmptyState>
            }
            .into_any()
        } else {
            empty.into_any()
        };
    }
    let Page {
        items,
        next,
        prev,
        total,
    } = page;
    view! {
        {list_head(kind, url, total)}
        {list_table(kind, url, &items, columns)}
        {list_paging(url, prev, next)}
    }
    .into_any()
}

/// The total, and links to the exports.
pub(crate) fn list_head(kind: ListKind, url: &ListUrl, total: Option<i64>) -> impl IntoView {
    let total = total.map(|total| total_text(total, kind.nouns));
    let exports = (!kind.export.is_empty()).then(|| {
        [("csv", "CSV"), ("json", "JSON")].map(|(format, name)| {
            let href = url.export(kind.export, format);
            let label = format!("Export as {name}");
            view! { <a class="list-export" href=href download="" aria-label=label><Glyph icon=Icon::Download />{name}</a> }
        })
    });
    view! {
        <div class="list-head">
            <p class="muted">{total}</p>
            <p>{exports.map(CollectView::collect_view)}</p>
        </div>
    }
}

/// The rows as a table.
pub(crate) fn list_table<T>(
    kind: ListKind,
    url: &ListUrl,
    items: &[T],
    columns: &[Column<T>],
) -> AnyView {
    let heads = columns
        .iter()
        .map(|column| column.head(url, kind.default_sort));
    let row = |item: &T| {
        let cells = columns.iter();
        let cells = cells.map(|column| view! { <td class=column.class>{(column.cell)(item)}</td> });
        view! { <tr>{cells.collect_view()}</tr> }
    };
    view! {
        <div class="table-frame list-frame">
            <table class=kind.class>
                <thead>
                    <tr>{heads.collect_view()}</tr>
                </thead>
                <tbody>{items.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Links to the pages before and after this one.
pub(crate) fn list_paging(
    url: &ListUrl,
    prev: Option<String>,
    next: Option<String>,
) -> impl IntoView {
    let at = |cursor: Option<String>| cursor.map(|cursor| url.with("after", &cursor));
    view! { <Paging prev=at(prev) next=at(next) /> }
}

/// A total that was counted up to [`MAX_TOTAL`], in words.
fn total_text(total: i64, (one, many): (&str, &str)) -> String {
    match total {
        1 => format!("1 {one}"),
        _ if total > MAX_TOTAL => format!("More than {} {many}", count(MAX_TOTAL)),
        _ => format!("{} {many}", count(total)),
    }
}

#[cfg(test)]
mod tests {
    use domain::member::MemberListInput;

    use super::*;

    fn parse(query: &str) -> Result<(ListUrl, MemberListInput), AppError> {
        parse_input("/members".to_owned(), &Query::parse(query))
    }

    #[test]
    fn known_fields_are_read_and_kept_in_the_url() {
        let (url, input) =
            parse("query=+mia+&status=active&role=&team=x&sort=-name&after=y&done=x").unwrap();
        assert_eq!(input.query, "mia");
        assert_eq!(input.after.as_deref(), Some("y"));
        assert_eq!(
            url.with("after", "z"),
            "/members?query=mia&status=active&team=x&sort=-name&after=z"
        );
        assert_eq!(
            url.with("status", ""),
            "/members?query=mia&team=x&sort=-name"
        );
        assert!(url.is_filtered());
        assert_eq!(
            url.export("members", "csv"),
            "/export/members.csv?query=mia&status=active&team=x&sort=-name"
        );
    }

    #[test]
    fn order_and_place_are_no_filters() {
        let (url, _) = parse("sort=status&after=x").unwrap();
        assert!(!url.is_filtered());
    }

    #[test]
    fn heads_link_to_the_first_order_then_to_the_reverse() {
        let owner = Owner::new();
        owner.set();
        let head = |query: &str, column: Column<()>| {
            let (url, _) = parse(query).unwrap();
            column.head(&url, "name").to_html()
        };
        let name = || Column::new("Name", |(): &()| "").ascending("name");
        let seen = || Column::new("Seen", |(): &()| "").descending("-last_seen_at");
        let html = head("", name());
        assert!(
            html.contains("sort=-name") && html.contains("\"ascending\""),
            "{html}"
        );
        let html = head("sort=-name", name());
        assert!(
            html.contains("sort=name") && html.contains("\"descending\""),
            "{html}"
        );
        let html = head("sort=-name", seen());
        assert!(
            html.contains("sort=-last_seen_at") && !html.contains("aria-sort"),
            "{html}"
        );
        let html = head("sort=-last_seen_at", seen());
        assert!(
            html.contains("sort=last_seen_at") && html.contains("\"descending\""),
            "{html}"
        );
    }

    #[test]
    fn totals_are_counted_up_to_a_limit() {
        let text = |total| total_text(total, ("key", "keys"));
        assert_eq!(text(1), "1 key");
        assert_eq!(text(1_000), "1,000 keys");
        assert_eq!(text(1_001), "More than 1,000 keys");
    }
}
