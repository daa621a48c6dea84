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

/// The forms of these pages.
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
