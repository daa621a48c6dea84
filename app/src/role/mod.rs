//! Roles and their permissions.

mod api;
mod edit;
mod list;
mod page;
mod parts;

pub(crate) use edit::RoleNewPage;
pub(crate) use list::RoleListPage;
pub(crate) use page::RolePage;

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
        ("/roles/new", &[api::RoleCreate::PATH]),
        (
            "/roles/:id",
            &[api::RoleUpdate::PATH, api::RoleDelete::PATH],
        ),
    ]
};
