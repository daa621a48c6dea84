//! The list of one's organisations, with buttons to switch.

use domain::{profile::Organisation, sign_in::SignInProblem};
use leptos::prelude::*;

use super::api::organisation_list;
use crate::ui::{Badge, Glyph, Icon, PageHead, Tone, load_part, use_query};

/// The page at `/organisations`.
#[component]
pub(crate) fn OrganisationListPage() -> impl IntoView {
    let query = use_query();
    let problem = SignInProblem::from_code(query.get("error"));
    let organisations = organisation_list();
    view! {
        <PageHead
            title="Organisations"
            lead="Each organisation has its own memories, roles and settings."
        />
        {problem
                .map(|problem| {
                    view! {
                        <p class="notice notice-bad" role="alert">
                            <Glyph icon=Icon::Warning />
                            <span>{problem.sentence()}</span>
                        </p>
                    }
                })}
        {load_part(organisations, show)}
    }
    .into_any()
}

fn show(organisations: Vec<Organisation>) -> impl IntoView {
    let is_alone = organisations.len() == 1;
    view! {
        // One form for all rows: the pressed button names the organisation.
        <form method="post" action="/auth/switch">
            <div class="table-frame">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Organisation"</th>
                            <th scope="col" class="optional">"Short name"</th>
                            <th scope="col" class="narrow"><span class="visually-hidden">"Action"</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        {organisations
                            .into_iter()
                            .map(|organisation| view! { <Row organisation=organisation /> })
                            .collect_view()}
                    </tbody>
                </table>
            </div>
        </form>
        {is_alone
            .then(|| {
                view! {
                    <p class="muted">
                        "You belong to one organisation."
                    </p>
                }
            })}
    }
}

#[component]
fn Row(organisation: Organisation) -> impl IntoView {
    let Organisation {
        slug,
        name,
        is_current,
        is_active,
    } = organisation;
    let action = match (is_current, is_active) {
        (true, _) => view! { <Badge tone=Tone::Good text="Current" /> }.into_any(),
        (false, false) => view! { <Badge tone=Tone::Warning text="Suspended" /> }.into_any(),
        (false, true) => view! {
            <button
                type="submit"
                class="button button-small"
                name="organisation"
                value=slug.clone()
                aria-label=format!("Switch to {name}")
            >
                "Switch"
            </button>
        }
        .into_any(),
    };
    view! {
        <tr>
            <th scope="row" dir="auto">{name.clone()}</th>
            <td class="optional">{slug}</td>
            <td class="narrow">{action}</td>
        </tr>
    }
}
