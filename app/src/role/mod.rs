//! Roles: what each allows, and the organisation's own.

mod api;
mod edit;
mod list;
mod page;
mod parts;

pub(crate) use edit::RoleNewPage;
pub(crate) use list::RoleListPage;
pub(crate) use page::RolePage;
