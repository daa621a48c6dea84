//! Components without data access: the same on every page, styled by `style/`.

pub(crate) mod badge;
pub(crate) mod chart;
pub(crate) mod confirm;
pub(crate) mod copy;
pub(crate) mod field;
pub(crate) mod filter;
pub(crate) mod head;
pub(crate) mod list;
pub(crate) mod live_region;
pub(crate) mod number;
pub(crate) mod paging;
pub(crate) mod query;
pub(crate) mod state;
pub(crate) mod tabs;
pub(crate) mod time;
pub(crate) mod title;

pub(crate) use badge::{Badge, Tone};
pub(crate) use chart::{DailyChart, Series};
pub(crate) use confirm::{Confirm, ConfirmDialog};
pub(crate) use copy::{CopyBlock, CopyId, CopyLine};
pub(crate) use field::{Choice, SelectField, TextArea, TextField};
pub(crate) use filter::{FilterForm, SearchBox};
pub(crate) use head::PageHead;
pub(crate) use islands::{Glyph, Icon};
pub(crate) use list::{
    Column, ListKind, ListUrl, list_head, list_input, list_paging, list_table, list_view, load_list,
};
pub(crate) use live_region::LiveRegion;
pub(crate) use number::{bytes, count, plural};
pub(crate) use paging::Paging;
pub(crate) use query::{
    Query, path_id, path_text, query_string, return_to_here, use_query, with_fields,
};
pub(crate) use state::{
    EmptyState, ErrorState, grant_hint, load_item, load_page, load_part, page_for,
};
pub(crate) use tabs::Tabs;
pub(crate) use time::{Time, absolute_time};
pub(crate) use title::PageTitle;
