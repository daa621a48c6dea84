//! Components shared by the pages of memories and of proposals.

use domain::{
    memory::Visibility,
    proposal::ProposalStatus,
    share::{Viewer, Viewers},
};
use leptos::prelude::*;

use crate::ui::{Badge, Tone, count, plural};

/// The audience, for use inside a sentence.
pub(crate) fn audience_name(visibility: Visibility, team: Option<&str>) -> String {
    match (visibility, team) {
        (Visibility::Private, _) => "nobody else".to_owned(),
        (Visibility::Org, _) => "the organisation".to_owned(),
        (Visibility::Team, Some(team)) => team.to_owned(),
        (Visibility::Team, None) => "a team".to_owned(),
    }
}

#[component]
pub(super) fn StatusBadge(status: ProposalStatus) -> impl IntoView {
    let tone = match status {
        ProposalStatus::Pending => Tone::Accent,
        ProposalStatus::Accepted => Tone::Good,
        ProposalStatus::Declined => Tone::Bad,
        ProposalStatus::Withdrawn => Tone::Neutral,
    };
    view! { <Badge tone=tone text=status.label() /> }
}

/// Number of people and programs, e.g. “3 people and 1 program”.
pub(super) fn how_many(viewers: &Viewers) -> String {
    let people = plural(viewers.people, "person", "people");
    if viewers.programs == 0 {
        return people;
    }
    let programs = plural(viewers.programs, "agent or service", "agents and services");
    format!("{people} and {programs}")
}

/// The first viewers by name, folded.
#[component]
pub(super) fn Names(viewers: Viewers) -> impl IntoView {
    let Viewers {
        people,
        programs,
        first,
    } = viewers;
    let more = people + programs - i64::try_from(first.len()).unwrap_or(i64::MAX);
    (!first.is_empty()).then(|| {
        view! {
            <details class="who-names">
                <summary>"Show names"</summary>
                <ul>
                    {first
                        .into_iter()
                        .map(|Viewer { id, name, .. }| {
                            view! { <li><a dir="auto" href=format!("/members/{id}")>{name}</a></li> }
                        })
                        .collect_view()}
                    {(more > 0).then(|| view! { <li class="muted">{format!("and {} more", count(more))}</li> })}
                </ul>
            </details>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_programs_are_counted_separately() {
        let text = |people, programs| {
            how_many(&Viewers {
                people,
                programs,
                first: Vec::new(),
            })
        };
        assert_eq!(text(1, 0), "1 person");
        assert_eq!(text(1_200, 1), "1,200 people and 1 agent or service");
        assert_eq!(text(2, 3), "2 people and 3 agents and services");
    }
}
