//! The page on which one chooses whom to be.

use super::{Authorize, DEMO_PEOPLE, DEMO_TENANTS};
use crate::http::escape;

/// Own style sheet and own form, nothing else. `form-action` covers the
/// redirect that answers the form as well: it leads back to this site.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/// One button for each person, grouped by organisation.
pub(super) fn choose(style: &str, request: &Authorize) -> String {
    let hidden: String = [
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
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .map(|(name, value)| {
        format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escape(value)
        )
    })
    .collect();

    let groups: String = DEMO_TENANTS
        .iter()
        .map(|(slug, name)| {
            let people: String = DEMO_PEOPLE
                .iter()
                .filter(|person| person.tenant == *slug)
                .map(|person| {
                    format!(
                        "<li><button class=\"button demo-person\" name=\"person\" value=\"{}\" \
                         aria-describedby=\"about-{0}\">{}</button> <span id=\"about-{0}\">{}</span></li>",
                        escape(person.subject),
                        escape(person.name),
                        escape(person.hint),
                    )
                })
                .collect();
            format!(
                "<h2>{}</h2><ul class=\"demo-people\">{people}</ul>",
                escape(name),
            )
        })
        .collect();

    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>Choose who you are · Atrium demo</title>\
         <link rel=\"stylesheet\" href=\"{}\"></head><body class=\"demo-issuer\"><main>\
         <h1>Choose who you are</h1>\
         <p>This is a demo: everything in it is made up, and this page stands in for your \
         identity provider. Nobody asks for a password.</p>\
         <form method=\"post\" action=\"/demo/issuer/authorize\">{hidden}{groups}\
         <p><button class=\"button demo-cancel\" name=\"person\" value=\"\">Cancel</button></p></form>\
         </main></body></html>",
        escape(style),
    )
}

/// A page with one sentence.
pub(super) fn refusal(sentence: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Atrium demo</title></head>\
         <body><main><h1>Nothing to sign in to</h1><p>{}</p><p><a href=\"/sign-in\">Go to the sign-in page</a></p></main></body></html>",
        escape(sentence)
    )
}
