//! Teams: the list, and the page of one team.

mod api;
mod list;
mod page;

pub(crate) use list::TeamListPage;
pub(crate) use page::TeamPage;

#[cfg(feature = "ssr")]
pub(crate) const FORMS: crate::forms::PageForms = {
    use leptos::server_fn::ServerFn as _;
    &[
        ("/teams", &[api::TeamCreate::PATH]),
        (
            "/teams/:id",
            &[
                api::TeamRename::PATH,
                api::TeamMemberChange::PATH,
                api::TeamDelete::PATH,
            ],
        ),
    ]
};
