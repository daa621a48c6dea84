//! Tasks that wait for the viewer.

use domain::{
    import::Import,
    job::JobStatus,
    overview::{KEY_EXPIRY_DAYS, Overview},
};
use leptos::prelude::*;

use crate::ui::{Glyph, Icon, plural};

/// A link to what has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Need {
    text: String,
    href: String,
}

impl Need {
    fn new(text: String, href: impl Into<String>) -> Self {
        let href = href.into();
        Self { text, href }
    }

    /// `None` for a count of zero.
    fn counted(n: i64, one: &str, many: &str, href: &str) -> Option<Self> {
        (n > 0).then(|| Self::new(plural(n, one, many), href))
    }
}

/// The list, for viewers who can have something in it.
pub(super) fn needs_you(overview: &Overview) -> Option<impl IntoView + use<>> {
    let may_act = overview.proposals.is_some()
        || overview.keys.is_some()
        || overview.invites.is_some()
        || overview.groups.is_some();
    may_act.then(|| {
        let needs = needs_of(overview);
        view! {
            <section class="section" aria-labelledby="needs-you">
                <h2 id="needs-you">"Needs you"</h2>
                <Needs needs=needs />
            </section>
        }
    })
}

#[component]
fn Needs(needs: Vec<Need>) -> impl IntoView {
    if needs.is_empty() {
        return view! { <p class="muted">"Nothing needs your attention."</p> }.into_any();
    }
    let items: Vec<_> = needs
        .into_iter()
        .map(|need| {
            view! {
                <li>
                    <Glyph icon=Icon::Warning />
                    <a dir="auto" href=need.href>{need.text}</a>
                </li>
            }
        })
        .collect();
    view! { <ul class="rows needs-you">{items}</ul> }.into_any()
}

fn needs_of(overview: &Overview) -> Vec<Need> {
    let own_expiring = overview.keys.map_or(0, |keys| keys.expiring);
    let all_expiring = overview.organisation_keys.map_or(0, |keys| keys.expiring);
    let within = |what: &str| format!("{what} within {KEY_EXPIRY_DAYS} days");
    let figures = [
        overview.proposals.and_then(|proposals| {
            let (one, many) = ("proposal to review", "proposals to review");
            Need::counted(proposals.to_review, one, many, "/memories/proposals")
        }),
        Need::counted(
            own_expiring,
            &within("of your API keys expires"),
            &within("of your API keys expire"),
            "/keys",
        ),
        // The viewer's own alone are listed above.
        Need::counted(
            if all_expiring > own_expiring {
                all_expiring
            } else {
                0
            },
            &within("API key of the organisation expires"),
            &within("API keys of the organisation expire"),
            "/keys/all",
        ),
        overview.invites.and_then(|invites| {
            let (one, many) = ("invite expired unanswered", "invites expired unanswered");
            Need::counted(invites.expired, one, many, "/invites?status=expired")
        }),
        overview.groups.and_then(|groups| {
            Need::counted(
                groups.unmatched_people,
                "person has no role: no rule matches their directory groups",
                "people have no role: no rule matches their directory groups",
                "/groups",
            )
        }),
    ];
    let imports = overview.imports.iter().filter_map(import_need);
    figures.into_iter().flatten().chain(imports).collect()
}

fn import_need(import: &Import) -> Option<Need> {
    let name = &import.file_name;
    let text = match import.job.as_ref().map(|job| job.status) {
        None => format!("Review {name} to import it"),
        Some(JobStatus::Dead) => format!("Import of {name} failed"),
        Some(_) => return None,
    };
    Some(Need::new(text, format!("/memories/imports/{}", import.id)))
}
