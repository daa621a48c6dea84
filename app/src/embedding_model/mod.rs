//! The organisation's embedding model, and changing it.

mod api;
mod page;

pub(crate) use page::EmbeddingModelPage;

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[(
        "/settings/embedding",
        &[
            api::EmbeddingModelStart::PATH,
            api::EmbeddingModelPause::PATH,
            api::EmbeddingModelResume::PATH,
            api::EmbeddingModelCancel::PATH,
        ],
    )]
};
