//! The page of an invite link, and the owner's invite.

use super::{app, join, roles, token, token_in, viewers_invite};
use crate::support::{self, App, ctx, product::product, request};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use service::{NewOrganisation, Owner};

const ORIGIN: &str = support::ORIGIN;

// SEC-B4: login CSRF. Another site can't make a browser accept an invite.
#[tokio::test]
async fn invite_can_not_be_accepted_from_another_site() {
    let app = app().await;
    let (_, made) = viewers_invite(&app).await;
    let form = format!("token={}&issuer=oidc", token(&made));
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("x-nothing", "neither of them"),
    ] {
        let post = request(Method::POST, "/auth/invite")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value);
        let mut browser = app.browser();
        let answer = browser
            .send(post.body(Body::from(form.clone())).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
        assert!(browser.set.is_empty());
    }
    let answer = app.browser().get(&format!("/auth/invite?{form}")).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(app.count("SELECT count(*) FROM login_attempts").await, 0);
}

// SEC-A11, SEC-G: the first person to sign in gets nothing; the owner is who has the link.
#[tokio::test]
async fn owner_is_the_person_who_accepts_the_operators_invite() {
    let app = App::start_with(|settings| {
        let oidc = settings.oidc.as_mut().unwrap();
        oidc.tenants = vec!["nova".into()];
        oidc.default_role = None;
    })
    .await;
    let context = ctx(&app.db, app.clock.clock());
    let organisation = NewOrganisation {
        slug: "nova",
        name: "Nova",
        is_demo: false,
        directory: None,
    };
    let owner = Owner::Invited { email: None };
    let created = service::tenant_create(&context, service::Initiator::Cli, &organisation, owner)
        .await
        .unwrap();
    let link = created.invite.unwrap().link(ORIGIN);
    app.issuer.plan(|plan| plan.subject = "first".into());
    app.browser().sign_in(&app.issuer).await;
    assert_eq!(roles(&app, "first").await, [""; 0]);
    let answer = join(&app, &mut app.browser(), token_in(&link), "nina").await;
    assert_eq!(answer.location(), "/?done=invite_accepted");
    assert_eq!(roles(&app, "nina").await, ["owner"]);
    let answer = join(&app, &mut app.browser(), token_in(&link), "first").await;
    assert_eq!(answer.location(), "/sign-in?error=invite_used");
    assert_eq!(roles(&app, "first").await, [""; 0]);
}

// SEC-B6, SEC-B10, SEC-C6: the page itself, before and after signing in.
#[tokio::test]
async fn invite_page_names_inviter_and_role_and_does_not_leak_the_link() {
    let app = app().await;
    let (_, made) = viewers_invite(&app).await;
    let mut browser = app.browser();
    browser.router = product(&app);
    let path = made.link.strip_prefix(ORIGIN).unwrap();
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for text in ["Join acme Ltd", "Ada", "Viewer", "Sign in and join"] {
        assert!(answer.body.contains(text), "{text}: {}", answer.body);
    }
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert!(answer.body.contains("action=\"/auth/invite\""));

    // A member who is signed in sees their own name.
    app.issuer.plan(|plan| plan.subject = "nina".into());
    browser.sign_in(&app.issuer).await;
    let answer = browser.get(path).await;
    assert!(
        answer.body.contains("You are signed in as"),
        "{}",
        answer.body
    );
    let answer = join(&app, &mut browser, token(&made), "nina").await;
    assert_eq!(answer.location(), "/?done=invite_accepted");

    // The attempt is rejected and audited, without the link.
    let evil = request(Method::POST, path).header("sec-fetch-site", "cross-site");
    let answer = browser.send(evil.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let told = "SELECT count(*) FROM audit_log WHERE action = 'request.cross_site' AND metadata->>'path' = '/invite/'";
    assert_eq!(app.count(told).await, 1);

    let mut stranger = app.browser();
    stranger.router = browser.router.clone();
    for (path, reason) in [
        (path, "was already used"),
        (
            "/invite/atri_000000000000000000000000000000000",
            "not valid",
        ),
        ("/invite/%3Cscript%3E", "not valid"),
    ] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.contains(reason), "{path}: {}", answer.body);
        assert!(!answer.body.contains("acme"), "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
    let audited = "SELECT count(*) FROM audit_log t WHERE t::text LIKE '%atri\\_%'";
    assert_eq!(app.count(audited).await, 0);
}
