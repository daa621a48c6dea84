//! The installation's organisations, for those who run it.

mod api;
mod delete;
mod list;
mod new;
mod page;
mod parts;
mod query;

pub(crate) use delete::TenantDeletePage;
pub(crate) use list::TenantListPage;
pub(crate) use new::TenantNewPage;
pub(crate) use page::TenantPage;
