//! Text stays text: whatever a person, an issuer, a file or a program stores or
//! sends, a page has the same elements as with plain words.
//!
//! Two organisations are filled with texts that contain one plain word. In one
//! of them the word is replaced by markup in every column of the database; then
//! every page of both is rendered and compared.

mod document;
pub(crate) mod fill;
use std::fmt::Write as _;

use crate::support::request;
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use document::{Outline, forms, outline};
use fill::{Filled, WORD};
use leptos_axum::generate_route_list;

/// Markup that ends or opens elements, attributes, comments and scripts.
const MARKUP: &str = "</title></textarea></script><i x=\"'\u{2028}<!--<script>&lt;";
/// The same for names of at most 50 characters.
const SHORT: &str = "</title></script><i x=\"'\u{2028}<!--<b>&lt;";

/// A page's address with a word in its query.
fn with_word(path: &str, word: &str) -> String {
    let word: String = url::form_urlencoded::byte_serialize(word.as_bytes()).collect();
    path.replace(WORD, &word)
}

/// The status and outline of each page, by its address.
async fn outlines(filled: &mut Filled, word: &str) -> Vec<(String, StatusCode, Outline)> {
    let mut all = Vec::new();
    for path in filled.pages.clone() {
        let answer = filled.browser.get(&with_word(&path, word)).await;
        all.push((path, answer.status, outline(&answer.body)));
    }
    all
}

fn assert_same(what: &str, plain: &Outline, hostile: &Outline) {
    let differs = plain.iter().zip(hostile).position(|(a, b)| a != b);
    let at = differs.unwrap_or(plain.len().min(hostile.len()));
    let around = |outline: &Outline| {
        let from = at.saturating_sub(3);
        outline[from..outline.len().min(at + 3)].join("\n  ")
    };
    assert!(
        plain == hostile,
        "{what}: with markup in its texts the page has other elements. Plain:\n  {}\nWith markup:\n  {}",
        around(plain),
        around(hostile)
    );
}

#[tokio::test]
async fn stored_text_never_becomes_markup() {
    let mut filled = Filled::new().await;
    // Every route of the application is among the pages.
    let mut missing = String::new();
    for route in generate_route_list(app::App) {
        let route = route.path().to_owned();
        let is_there = filled.pages.iter().any(|page| {
            let page = page.split('?').next().unwrap_or(page);
            page.split('/').count() == route.split('/').count()
                && page
                    .split('/')
                    .zip(route.split('/'))
                    .all(|(a, b)| a == b || b.starts_with('{') || b.starts_with(':'))
        });
        if !is_there && !route.contains('*') {
            let _ = writeln!(missing, "{route}");
        }
    }
    assert!(
        missing.is_empty(),
        "give these pages an address in fill.rs:\n{missing}"
    );

    let plain = outlines(&mut filled, WORD).await;
    for (path, status, _) in &plain {
        let expected = if path == "/no-access" {
            // The page for members without a role.
            StatusCode::SEE_OTHER
        } else if path == "/nowhere" {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::OK
        };
        assert_eq!(*status, expected, "{path}");
    }
    // Another one, visited in the same order, because some pages audit who read them.
    let mut filled = Filled::new().await;
    filled.replace_word(MARKUP, SHORT).await;
    let hostile = outlines(&mut filled, MARKUP).await;
    let mut with_text = 0;
    for ((_, _, plain), (path, status, hostile)) in plain.iter().zip(&hostile) {
        assert!(!status.is_server_error(), "{path}: {status}");
        assert_same(path, plain, hostile);
        let answer = filled.browser.get(&with_word(path, MARKUP)).await;
        with_text += usize::from(answer.body.contains("&lt;/title>"));
    }
    // The pages do show the stored text.
    assert!(with_text > 20, "{with_text} pages show the markup as text");
}

#[tokio::test]
async fn typed_text_never_becomes_markup_in_a_returned_form() {
    let mut filled = Filled::new().await;
    let mut tried = 0;
    for path in filled.pages.clone() {
        let page = filled.browser.get(&path).await;
        for form in forms(&page.body) {
            let plain = filled.post(&path, form.faulty(WORD)).await;
            let hostile = filled.post(&path, form.faulty(MARKUP)).await;
            assert!(
                !plain.body.contains("does not belong to this page"),
                "name {} among the FORMS of the feature of {path}",
                form.call
            );
            if plain.status.is_redirection() {
                // The form has no field that could be wrong.
                continue;
            }
            assert!(
                plain.status.is_client_error() && plain.status == hostile.status,
                "{path} {}: {} and {}",
                form.call,
                plain.status,
                hostile.status
            );
            assert_same(&path, &outline(&plain.body), &outline(&hostile.body));
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried} forms came back");
}

/// SEC-G: injected markup can't make its reader's click call an operation that
/// the page itself does not offer.
#[tokio::test]
async fn page_calls_only_operations_of_its_own_forms() {
    let mut filled = Filled::new().await;
    let functions: Vec<_> = leptos::server_fn::axum::server_fn_paths()
        .filter_map(|(path, _)| path.strip_prefix("/api/").map(str::to_owned))
        .collect();
    let mut offered = 0;
    for path in filled.pages.clone() {
        let page = filled.browser.get(&path).await;
        let own: Vec<_> = forms(&page.body)
            .into_iter()
            .map(|form| form.call)
            .collect();
        offered += own.len();
        for call in &own {
            assert!(functions.contains(call), "{path} {call}");
        }
    }
    assert!(offered > 60, "{offered} forms");

    // The attack that was found: a memory's page that grants its author a role.
    let member = filled.member.to_string();
    let grant = format!(
        "call=member_role_grant&id={member}&role={}",
        filled.viewer_role
    );
    let before = filled.role_count().await;
    for path in filled.pages.clone() {
        // A member's page has that form.
        let is_member = |id: &str| id.len() == member.len() && !id.contains('/');
        if path.strip_prefix("/members/").is_some_and(is_member) {
            continue;
        }
        let answer = filled.post(&path, grant.clone()).await;
        assert!(
            matches!(
                answer.status,
                StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED
            ),
            "{path}: {}",
            answer.status
        );
    }
    // Nor does posting to the function itself help, which no page does.
    let direct = request(Method::POST, "/api/member_role_grant")
        .header("sec-fetch-site", "same-origin")
        .header("sec-fetch-mode", "navigate")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = filled
        .browser
        .send(direct.body(Body::from(grant.clone())).unwrap())
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(filled.role_count().await, before);

    let answer = filled.post(&format!("/members/{member}"), grant).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(filled.role_count().await, before + 1);
}
