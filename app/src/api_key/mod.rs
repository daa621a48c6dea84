//! API keys: the viewer's own, everybody's, and those of agents and services.

mod api;
mod list;
mod new;
mod page;
mod parts;
mod services;

#[cfg(feature = "ssr")]
pub(crate) use api::revoke;
pub(crate) use list::KeyListPage;
pub(crate) use new::KeyNewPage;
pub(crate) use page::KeyPage;
pub(crate) use parts::{KeyStateBadge, TimeOr};
pub(crate) use services::{ServiceNewPage, ServicesPage};

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
        ("/keys/new", &[api::ApiKeyCreate::PATH]),
        ("/keys/services/new", &[api::ServiceAccountCreate::PATH]),
        ("/keys/:id", &[api::ApiKeyRevoke::PATH]),
    ]
};
