//! A part of a page that follows a job.

use domain::JobId;
use islands::Refresh;
use leptos::prelude::*;

/// Shows `children` again whenever the job changes, as long as it is pending.
/// Without scripts the page reloads itself every two seconds.
#[component]
pub(crate) fn LiveRegion(
    /// Unique on the page.
    id: &'static str,
    is_pending: bool,
    /// The job whose changes the server announces; without one the browser
    /// asks every two seconds.
    job: Option<JobId>,
    children: Children,
) -> impl IntoView {
    view! {
        {is_pending
            .then(|| {
                view! {
                    <noscript inner_html="<meta http-equiv=\"refresh\" content=\"2\">"></noscript>
                    <Refresh region=id.to_owned() job=job />
                }
            })}
        <div class="page-region" id=id data-pending=is_pending.then_some("")>
            {children()}
        </div>
    }
}
