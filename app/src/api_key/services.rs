//! Agents and services: members that sign in with keys only.

use domain::api_key::ServiceAccount;
use leptos::prelude::*;

use super::{
    api::service_account_list,
    parts::{KeyTabs, kind_label},
};
use crate::ui::{Badge, EmptyState, Glyph, Icon, PageHead, Tone, count, load_page, query_string};

/// The page at `/keys/services`.
#[component]
pub(crate) fn ServicesPage() -> impl IntoView {
    let services = service_account_list();
    load_page(services, show)
}

fn show(services: Vec<ServiceAccount>) -> impl IntoView {
    view! {
        <PageHead
            title="Agents and services"
            lead="Service accounts belong to the organisation, not to a person."
            up=("/keys", "API keys")
        >
            <a class="button button-primary" href="/keys/services/new">
                <Glyph icon=Icon::Plus />
                "New agent or service"
            </a>
        </PageHead>
        <KeyTabs />
        {if services.is_empty() {
            view! {
                <EmptyState
                    title="No agents or services yet"
                    text="Use a service account for programs that work for the organisation."
                >
                    <a class="button button-primary" href="/keys/services/new">"Create one"</a>
                </EmptyState>
            }
                .into_any()
        } else {
            view! { <ServiceTable services=services /> }.into_any()
        }}
    }
}

#[component]
fn ServiceTable(services: Vec<ServiceAccount>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col" class="optional">"Kind"</th>
                        <th scope="col">"Roles"</th>
                        <th scope="col" class="number optional">"Active keys"</th>
                        <th scope="col" class="narrow"><span class="visually-hidden">"Action"</span></th>
                    </tr>
                </thead>
                <tbody>
                    {services.into_iter().map(|service| view! { <ServiceRow service=service /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn ServiceRow(service: ServiceAccount) -> impl IntoView {
    let new = format!(
        "/keys/new{}",
        query_string(&[("for", &service.id.to_string())])
    );
    let label = format!("New key for {}", service.name);
    let roles = if service.roles.is_empty() {
        "None".to_owned()
    } else {
        service.roles.join(", ")
    };
    view! {
        <tr>
            <td dir="auto">
                <span class="cell-line cell-wrap">
                    <a href=format!("/members/{}", service.id)>{service.name}</a>
                    {(!service.is_active).then(|| view! { <Badge tone=Tone::Warning text="Inactive" /> })}
                </span>
            </td>
            <td class="optional">{kind_label(service.kind)}</td>
            <td>{roles}</td>
            <td class="number optional">{count(service.key_count)}</td>
            <td class="narrow">
                {service
                    .is_active
                    .then(|| view! { <a class="button button-small" href=new aria-label=label>"New key"</a> })}
            </td>
        </tr>
    }
}
