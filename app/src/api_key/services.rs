//! Agents and services: members that sign in with keys only.

use domain::{Permission, api_key::ServiceAccount};
use leptos::prelude::*;

use super::{
    api::{ServiceAccountCreate, service_account_list},
    parts::{KeyTabs, kind_label},
};
use crate::{
    forms::{FormState, PostForm},
    ui::{
        Badge, Choice, EmptyState, Glyph, Icon, PageHead, SelectField, TextField, Tone, count,
        load_page, page_for, query_string,
    },
};

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
            lead="Programs that are members of their own, with roles and keys. They outlast the person who set them up."
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
                    text="Give a program a membership of its own when it works for the organisation and not for one person."
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
                        <th scope="col" class="number optional">"Keys that work"</th>
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
                    {(!service.is_active).then(|| view! { <Badge tone=Tone::Warning text="Not active" /> })}
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

/// The page at `/keys/services/new`.
#[component]
pub(crate) fn ServiceNewPage() -> impl IntoView {
    page_for(Permission::ApiKeyManage, || view! { <NewForm /> })
}

#[component]
fn NewForm() -> impl IntoView {
    let state = FormState::<ServiceAccountCreate>::new();
    let kinds = vec![
        Choice::new("service", "Service: a program that does what it is told"),
        Choice::new("agent", "Agent: an AI that acts by itself"),
    ];
    view! {
        <PageHead
            title="New agent or service"
            lead="A member of its own that signs in with keys only. It begins without any role and may do nothing until it has one."
            up=("/keys/services", "Agents and services")
        />
        <PostForm state=state class="form">
            <TextField
                name="name"
                label="Name"
                hint="As it stands beside what it does, for example “Nightly export”."
                value=state.typed("name", "")
                error=state.field_error("name")
            />
            <SelectField
                name="kind"
                label="Kind"
                choices=kinds
                value=state.typed("kind", "service")
                error=state.field_error("kind")
            />
            <div class="form-actions">
                <button type="submit" class="button button-primary">"Create"</button>
                <a class="button button-quiet" href="/keys/services">"Cancel"</a>
            </div>
        </PostForm>
    }
    .into_any()
}
