//! The page of the demo's issuer on which a person is chosen.

use super::{Authorize, DemoCast, DemoPerson, DemoTenant};
use crate::http::escape;

/// Allows only our own style sheet and form. `form-action` also covers the
/// redirect after the form, which leads back to this site.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/// One button for each person, grouped by organisation.
pub(super) fn choose(style: &str, cast: &DemoCast, request: &Authorize) -> String {
    let fields = [
        ("response_type", Some(&request.response_type)),
        ("client_id", Some(&request.client_id)),
        ("redirect_uri", Some(&request.redirect_uri)),
        ("scope", Some(&request.scope)),
        ("state", request.state.as_ref()),
        ("nonce", request.nonce.as_ref()),
        ("code_challenge", Some(&request.code_challenge)),
        (
            "code_challenge_method",
            Some(&request.code_challenge_method),
        ),
    ];
    let hidden: Vec<_> = fields
        .iter()
        .filter_map(|(name, value)| Some(field(name, value.as_ref()?)))
        .collect();
    let groups: Vec<_> = cast
        .tenants
        .iter()
        .map(|tenant| group(cast, tenant))
        .collect();
    let body = format!(
        "<aside class=\"demo-banner\" aria-label=\"About this demo\">Demo: the organisation and its people are made up.</aside>\
         <main class=\"gate\"><div class=\"gate-card gate-card-wide\"><h1>Choose who you are</h1>\
         <p>This page stands in for your identity provider. Nobody here has a password.</p>\
         <form method=\"post\" action=\"/demo/issuer/authorize\">{}{}\
         <button class=\"button\" name=\"person\" value=\"\">Cancel</button></form></div></main>",
        hidden.concat(),
        groups.concat(),
    );
    document(Some(style), "Choose who you are", &body)
}

pub(super) fn refusal(sentence: &str) -> String {
    let body = format!(
        "<main><h1>Nothing to sign in to</h1><p>{}</p><p><a href=\"/sign-in\">Go to the sign-in page</a></p></main>",
        escape(sentence)
    );
    document(None, "Nothing to sign in to", &body)
}

fn field(name: &str, value: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
        escape(value)
    )
}

fn group(cast: &DemoCast, tenant: &DemoTenant) -> String {
    let people: Vec<_> = cast.people_of(tenant.slug).map(button).collect();
    format!(
        "<h2>{}</h2><p class=\"people-about\">{}</p><ul class=\"people\">{}</ul>",
        escape(tenant.heading),
        escape(tenant.about),
        people.concat()
    )
}

fn button(person: &DemoPerson) -> String {
    format!(
        "<li><button class=\"person\" name=\"person\" value=\"{}\">\
         <span class=\"avatar\" aria-hidden=\"true\">{}</span>\
         <span class=\"person-text\"><span class=\"person-name\">{}</span> \
         <span class=\"badge\">{}</span> \
         <span class=\"person-task\">{}</span></span></button></li>",
        escape(person.subject),
        escape(&person.initials()),
        escape(person.name),
        escape(person.title),
        escape(person.task),
    )
}

fn document(style: Option<&str>, title: &str, body: &str) -> String {
    let style = style.map_or_else(String::new, |style| {
        format!("<link rel=\"stylesheet\" href=\"{}\">", escape(style))
    });
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title} · Atrium demo</title>{style}</head><body>{body}</body></html>"
    )
}
