//! The installation's organisations, for its operators.

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

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
        ("/operator/new", &[api::TenantCreate::PATH]),
        ("/operator/:id/delete", &[api::TenantDelete::PATH]),
        (
            "/operator/:id",
            &[
                api::TenantSuspend::PATH,
                api::TenantResume::PATH,
                api::TenantTierSet::PATH,
            ],
        ),
    ]
};
