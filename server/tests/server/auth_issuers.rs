//! Several issuers, Entra for many directories (SEC-A3), and people who
//! belong to several organisations (SEC-B2).

use crate::support::{
    self, Answer, App, Browser, COOKIE, TestClock,
    issuer::{Context, Issuer},
    keys::rsa_jwk,
};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use domain::{UserId, access::SystemRole, identity::IdentityKey};
use serde_json::{Value, json};
use server::auth::{IssuerKind, OidcSettings};
use service::identity::Directory;
use store::{
    identity::identity_create,
    testing::{NOW, TestTenant, id},
    user::{UserStatus, user_status_set},
};
use uuid::Uuid;

const TID: Uuid = Uuid::from_u128(0x1111_1111_2222_4333_8444_5555_5555_5555);
const OTHER_TID: Uuid = Uuid::from_u128(0x9999_9999_2222_4333_8444_5555_5555_5555);
const OID: Uuid = Uuid::from_u128(7);
const OWNER: Uuid = Uuid::from_u128(8);

/// An app with a second issuer for the people of `other`.
async fn with_second() -> (App, Issuer, TestTenant) {
    let clock = TestClock::default();
    let second = Issuer::start(move || clock.now()).await;
    let app = App::start_with(|settings| {
        let primary = settings.oidc.as_mut().unwrap();
        primary.tenants = vec!["acme".into()];
        let further = OidcSettings {
            name: "second".into(),
            issuer: second.url.clone(),
            tenants: vec!["other".into()],
            ..primary.clone()
        };
        settings.further.push(further);
    })
    .await;
    let other = app.db.tenant("other").await;
    (app, second, other)
}

async fn begin(browser: &mut Browser, issuer: &str) -> url::Url {
    let answer = browser
        .get(&format!("/auth/login?issuer={issuer}&return_to=/memories"))
        .await;
    let location = answer.location().to_owned();
    location.parse().unwrap_or_else(|_| panic!("{location}"))
}

async fn come_back_at(
    browser: &mut Browser,
    path: &str,
    parameters: &[(String, String)],
) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    browser.get(&format!("{path}?{query}")).await
}

async fn slugs_with_users(app: &App) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT t.slug FROM users u JOIN tenants t ON t.id = u.tenant_id ORDER BY t.slug",
    )
    .fetch_all(&app.db.admin)
    .await
    .unwrap()
}

#[tokio::test]
async fn each_issuer_has_its_own_sign_in_and_its_own_organisations() {
    let (app, second, _) = with_second().await;
    let mut browser = app.browser();
    let asked = begin(&mut browser, "second").await;
    assert!(asked.as_str().starts_with(&second.url), "{asked}");
    let parameters = second.agree(&asked);
    let answer = come_back_at(&mut browser, "/auth/callback/second", &parameters).await;
    assert_eq!(answer.location(), "/memories");
    assert_eq!(slugs_with_users(&app).await, ["other"]);
    // Without a name, the primary issuer is used.
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    assert_eq!(slugs_with_users(&app).await, ["acme", "other"]);
    // Signing out goes to the issuer of the session.
    let answer = browser.post("/auth/logout").await;
    assert!(
        answer.location().starts_with(&second.url),
        "{}",
        answer.location()
    );

    let answer = app.browser().get("/auth/login?issuer=third").await;
    assert_eq!(answer.location(), "/sign-in?error=not_configured");
}

/// SEC-A1: an answer at the callback of another issuer is rejected before any
/// token is requested, whatever cookies the browser sends.
#[tokio::test]
async fn issuer_can_not_answer_for_another() {
    let (app, second, _) = with_second().await;
    for (begun_with, path) in [
        ("second", "/auth/callback"),
        ("oidc", "/auth/callback/second"),
        ("second", "/auth/callback/third"),
    ] {
        let mut browser = app.browser();
        let asked = begin(&mut browser, begun_with).await;
        let issuer = if begun_with == "second" {
            &second
        } else {
            &app.issuer
        };
        let parameters = issuer.agree(&asked);
        let answer = come_back_at(&mut browser, path, &parameters).await;
        assert!(
            answer.location().starts_with("/sign-in?error=state"),
            "{path}"
        );
    }
    assert_eq!(
        (second.token_requests(), app.issuer.token_requests()),
        (0, 0)
    );
    assert_eq!(app.sessions().await, 0);
}

/// A failed sign-in is audited in the organisations of its issuer.
#[tokio::test]
async fn failed_sign_ins_are_audited_in_the_issuers_own_organisation() {
    let (app, second, other) = with_second().await;
    second.plan(|plan| plan.claims = |claims, _| claims["aud"] = json!("another"));
    let mut browser = app.browser();
    let asked = begin(&mut browser, "second").await;
    let parameters = second.agree(&asked);
    come_back_at(&mut browser, "/auth/callback/second", &parameters).await;
    let tenant: Uuid =
        sqlx::query_scalar("SELECT tenant_id FROM audit_log WHERE outcome = 'denied'")
            .fetch_one(&app.db.admin)
            .await
            .unwrap();
    assert_eq!(tenant, other.id.0);
}

/// Entra for all directories. Only `acme` is known, by its directory.
async fn entra(directories: Vec<Directory>) -> App {
    let app = App::start_with(|settings| {
        let oidc = settings.oidc.as_mut().unwrap();
        oidc.kind = IssuerKind::Entra;
        oidc.issuer = format!("{}/organizations/v2.0", oidc.issuer);
        oidc.directories = directories;
    })
    .await;
    sqlx::query("UPDATE tenants SET entra_tenant_id = $1")
        .bind(TID)
        .execute(&app.db.admin)
        .await
        .unwrap();
    app.issuer.plan(|plan| {
        plan.discovery = template;
        plan.claims = |claims, context| of_directory(claims, context, TID, OID);
    });
    app
}

/// The issuer as a template, as in Entra's document for `organizations` and `common`.
fn template(document: &mut Value) {
    let issuer = document["issuer"].as_str().unwrap();
    document["issuer"] = json!(issuer.replace("organizations", "{tenantid}"));
}

fn of_directory(claims: &mut Value, context: &Context, tid: Uuid, oid: Uuid) {
    claims["iss"] = json!(format!("{}/{tid}/v2.0", context.base));
    claims["tid"] = json!(tid);
    claims["oid"] = json!(oid);
}

/// SEC-A3
#[tokio::test]
async fn organisation_is_found_by_the_tokens_directory() {
    let app = entra(Vec::new()).await;
    app.db.tenant("other").await;
    let mut browser = app.browser();
    assert_eq!(browser.sign_in(&app.issuer).await.location(), "/memories");
    assert_eq!(slugs_with_users(&app).await, ["acme"]);
    // SEC-A13: logout tokens of that directory are accepted as well.
    let issuer = format!("{}/{TID}/v2.0", app.issuer.url);
    let token = app.issuer.logout_token(
        |claims| {
            claims["iss"] = json!(issuer);
            claims["sub"] = json!("mia");
        },
        |_| {},
    );
    let request = support::request(Method::POST, "/auth/backchannel-logout")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("logout_token={token}")));
    assert_eq!(
        app.browser().send(request.unwrap()).await.status,
        StatusCode::OK
    );
    assert_eq!(browser.who().await, "→ /sign-in");
}

type Claims = fn(&mut Value, &Context);

/// SEC-A3
#[tokio::test]
async fn tokens_with_an_invalid_directory_are_rejected() {
    let bad: [(&str, &str, Claims); 7] = [
        ("directory", "directory_unknown", |claims, context| {
            of_directory(claims, context, OTHER_TID, OID);
        }),
        ("token", "issuer", |claims, context| {
            of_directory(claims, context, OTHER_TID, OID);
            claims["tid"] = json!(TID);
        }),
        ("token", "issuer", |claims, context| {
            of_directory(claims, context, TID, OID);
            claims["iss"] = json!(format!("{}/{{tenantid}}/v2.0", context.base));
        }),
        ("token", "issuer", |claims, context| {
            of_directory(claims, context, TID, OID);
            claims["iss"] = json!(format!("{}/organizations/v2.0", context.base));
        }),
        ("token", "claims", |claims, context| {
            of_directory(claims, context, TID, OID);
            claims["tid"] = json!("contoso.example");
            claims["iss"] = json!(format!("{}/contoso.example/v2.0", context.base));
        }),
        ("token", "claims", |claims, context| {
            of_directory(claims, context, TID, OID);
            claims.as_object_mut().unwrap().remove("tid");
        }),
        ("token", "claims", |claims, context| {
            of_directory(claims, context, TID, OID);
            claims.as_object_mut().unwrap().remove("oid");
        }),
    ];
    for (n, (problem, reason, claims)) in bad.into_iter().enumerate() {
        let app = entra(Vec::new()).await;
        app.issuer.plan(|plan| plan.claims = claims);
        let answer = app.browser().sign_in(&app.issuer).await;
        assert_eq!(
            answer.location(),
            format!("/sign-in?error={problem}&return_to=%2Fmemories"),
            "{n}"
        );
        assert_eq!(
            app.sign_ins().await,
            [("denied".into(), reason.into())],
            "{n}"
        );
        assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
    }
}

/// SEC-A3
#[tokio::test]
async fn suspended_organisation_denies_people_of_its_directory() {
    let app = entra(Vec::new()).await;
    sqlx::query("UPDATE tenants SET status = 'suspended'")
        .execute(&app.db.admin)
        .await
        .unwrap();
    let answer = app.browser().sign_in(&app.issuer).await;
    assert!(
        answer
            .location()
            .starts_with("/sign-in?error=tenant_suspended")
    );
}

/// SEC-A3: a key signs for the directory that the key set names.
#[tokio::test]
async fn key_of_another_directory_is_rejected() {
    for (suffix, is_good) in [
        ("{tenantid}", true),
        ("11111111-2222-4333-8444-555555555555", true),
        ("99999999-2222-4333-8444-555555555555", false),
        ("organizations", false),
    ] {
        let app = entra(Vec::new()).await;
        let mut key = rsa_jwk(0, Some("key-0"));
        key["issuer"] = json!(format!("{}/{suffix}/v2.0", app.issuer.url));
        app.issuer.plan(|plan| plan.jwks = vec![key]);
        let answer = app.browser().sign_in(&app.issuer).await;
        if is_good {
            assert_eq!(answer.location(), "/memories", "{suffix}");
        } else {
            assert!(
                answer.location().starts_with("/sign-in?error=token"),
                "{suffix}"
            );
            assert_eq!(
                app.sign_ins().await,
                [("denied".into(), "foreign_key".into())]
            );
        }
    }
}

/// SEC-A3: also for a single-directory issuer.
#[tokio::test]
async fn key_of_another_issuer_is_rejected() {
    let app = App::start().await;
    let mut key = rsa_jwk(0, Some("key-0"));
    key["issuer"] = json!("https://evil.example");
    app.issuer.plan(|plan| plan.jwks = vec![key]);
    app.browser().sign_in(&app.issuer).await;
    assert_eq!(
        app.sign_ins().await,
        [("denied".into(), "foreign_key".into())]
    );
}

/// SEC-A3: the document must contain the template, not one directory.
#[tokio::test]
async fn document_for_one_directory_is_rejected_if_all_are_expected() {
    let app = entra(Vec::new()).await;
    app.issuer.plan(|plan| {
        plan.discovery = |document| {
            let issuer = document["issuer"].as_str().unwrap();
            document["issuer"] = json!(issuer.replace("organizations", &TID.to_string()));
        };
    });
    let answer = app.browser().get("/auth/login").await;
    assert_eq!(answer.location(), "/sign-in?error=token");
}

fn admitted() -> Vec<Directory> {
    vec![Directory {
        tid: OTHER_TID,
        owner: OWNER,
        slug: "contoso".into(),
        name: "Contoso".into(),
    }]
}

async fn roles_of(app: &App, oid: Uuid) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT r.key FROM identities i JOIN user_roles ur ON ur.user_id = i.user_id
           JOIN roles r ON r.id = ur.role_id WHERE i.entra_oid = $1",
    )
    .bind(oid)
    .fetch_all(&app.db.admin)
    .await
    .unwrap()
}

/// SEC-A3, SEC-A11: an admitted directory becomes an organisation with its
/// first sign-in, and its owner is the named person, not the first to sign in.
#[tokio::test]
async fn admitted_directory_becomes_an_organisation_of_its_named_owner() {
    let app = entra(admitted()).await;
    app.issuer
        .plan(|plan| plan.claims = |claims, context| of_directory(claims, context, OTHER_TID, OID));
    let attempts = (0..6).map(|_| {
        let (mut browser, issuer) = (app.browser(), app.issuer.clone());
        async move { browser.sign_in(&issuer).await.location().to_owned() }
    });
    for location in futures::future::join_all(attempts).await {
        assert_eq!(location, "/memories");
    }
    assert_eq!(
        app.count("SELECT count(*) FROM tenants WHERE slug = 'contoso' AND name = 'Contoso'")
            .await,
        1
    );
    assert_eq!(roles_of(&app, OID).await, ["member"]);
    assert_eq!(roles_of(&app, OWNER).await, ["owner"]);

    app.issuer.plan(|plan| {
        plan.subject = "the owner".into();
        plan.claims = |claims, context| of_directory(claims, context, OTHER_TID, OWNER);
    });
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    assert_eq!(roles_of(&app, OWNER).await, ["owner"]);
    assert_eq!(slugs_with_users(&app).await, ["contoso", "contoso"]);
}

/// SEC-A9: the same address in two directories is two people.
#[tokio::test]
async fn same_email_in_two_directories_is_two_people() {
    let app = entra(admitted()).await;
    app.browser().sign_in(&app.issuer).await;
    app.issuer
        .plan(|plan| plan.claims = |claims, context| of_directory(claims, context, OTHER_TID, OID));
    app.browser().sign_in(&app.issuer).await;
    let same = "SELECT count(DISTINCT tenant_id) FROM users WHERE email = 'mia@example.test'";
    assert_eq!(app.count(same).await, 2);
}

/// Makes the person of the primary issuer a member of `tenant` as well.
async fn joins(app: &App, tenant: &TestTenant, role: SystemRole) -> UserId {
    let actor = tenant.actor(role, "Mia elsewhere").await;
    let key = IdentityKey::Subject {
        issuer: app.issuer.url.clone(),
        subject: "mia".into(),
    };
    let mut tx = app.db.store.begin_auth().await.unwrap();
    identity_create(&mut tx, id(), tenant.id, actor.user_id, &key, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    actor.user_id
}

/// A browser signed in to `acme`, whose person is also a member of `other`.
async fn in_two() -> (App, Browser, TestTenant, UserId) {
    let app = App::start_with(|settings| {
        settings.oidc.as_mut().unwrap().tenants = vec!["acme".into(), "other".into()];
    })
    .await;
    let other = app.db.tenant("other").await;
    let elsewhere = joins(&app, &other, SystemRole::Viewer).await;
    // The first sign-in leads to `acme`, where the person is known.
    joins(&app, &app.tenant, SystemRole::Member).await;
    let mut browser = app.browser();
    browser.sign_in(&app.issuer).await;
    (app, browser, other, elsewhere)
}

async fn switch(browser: &mut Browser, organisation: &str) -> Answer {
    let request = support::request(Method::POST, "/auth/switch")
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("organisation={organisation}")));
    browser.send(request.unwrap()).await
}

async fn tenant_of_session(app: &App) -> Vec<String> {
    sqlx::query_scalar("SELECT t.slug FROM web_sessions s JOIN tenants t ON t.id = s.tenant_id")
        .fetch_all(&app.db.admin)
        .await
        .unwrap()
}

/// SEC-B2: switching creates another session with another id.
#[tokio::test]
async fn switching_opens_a_new_session_in_the_other_organisation() {
    let (app, mut browser, _, _) = in_two().await;
    assert_eq!(tenant_of_session(&app).await, ["acme"]);
    let before = browser.clone();
    let ends = "SELECT extract(epoch FROM absolute_expires_at)::bigint FROM web_sessions";
    let end = app.count(ends).await;
    app.clock.forward(time::Duration::hours(1));

    let answer = switch(&mut browser, "other").await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/")
    );
    assert_ne!(browser.jar[COOKIE], before.jar[COOKIE]);
    assert_eq!(browser.who().await, "Mia elsewhere");
    assert_eq!(before.clone().who().await, "→ /sign-in");
    assert_eq!(tenant_of_session(&app).await, ["other"]);
    assert_eq!(
        app.count(ends).await,
        end,
        "the new session expires when the old one would have"
    );

    let audited: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.slug, outcome FROM audit_log a JOIN tenants t ON t.id = a.tenant_id
          WHERE action = 'session.switch' ORDER BY t.slug",
    )
    .fetch_all(&app.db.admin)
    .await
    .unwrap();
    let success = |slug: &str| (slug.to_owned(), "success".to_owned());
    assert_eq!(audited, [success("acme"), success("other")]);

    // The tokens moved along: signing out there ends the issuer's session.
    let mut copy = browser.clone();
    assert_eq!(switch(&mut copy, "acme").await.location(), "/");
    let answer = copy.post("/auth/logout").await;
    assert!(
        answer.location().contains("id_token_hint="),
        "{}",
        answer.location()
    );
}

/// SEC-C6: an organisation that one doesn't belong to looks like one that doesn't exist.
#[tokio::test]
async fn switching_to_a_foreign_organisation_is_rejected() {
    let (app, mut browser, _, _) = in_two().await;
    app.db.tenant("third").await;
    // A member of it, but the issuer doesn't serve that organisation.
    let fourth = app.db.tenant("fourth").await;
    joins(&app, &fourth, SystemRole::Owner).await;
    for slug in ["third", "fourth", "nowhere", "", "acme%00", "ACME"] {
        let answer = switch(&mut browser, slug).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{slug}");
    }
    assert_eq!(tenant_of_session(&app).await, ["acme"]);
    assert!(browser.who().await.starts_with("Mia"));
}

#[tokio::test]
async fn switching_where_one_is_suspended_is_denied_with_the_reason() {
    let (app, mut browser, other, elsewhere) = in_two().await;
    let mut tx = other.enter().await;
    user_status_set(&mut tx, elsewhere, UserStatus::Suspended, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let answer = switch(&mut browser, "other").await;
    assert_eq!(answer.location(), "/organisations?error=suspended");
    assert_eq!(tenant_of_session(&app).await, ["acme"]);
    sqlx::query("UPDATE tenants SET status = 'suspended' WHERE slug = 'other'")
        .execute(&app.db.admin)
        .await
        .unwrap();
    let answer = switch(&mut browser, "other").await;
    assert_eq!(answer.location(), "/organisations?error=tenant_suspended");
    assert_eq!(tenant_of_session(&app).await, ["acme"]);
    assert_eq!(
        app.count("SELECT count(*) FROM audit_log WHERE action = 'session.switch'")
            .await,
        0
    );
}

/// SEC-B4
#[tokio::test]
async fn another_site_can_not_switch() {
    let (app, mut browser, _, _) = in_two().await;
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        let request = support::request(Method::POST, "/auth/switch")
            .header(header.0, header.1)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("organisation=other"));
        let answer = browser.clone().send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let answer = browser.get("/auth/switch?organisation=other").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(tenant_of_session(&app).await, ["acme"]);
    let mut visitor = app.browser();
    assert_eq!(switch(&mut visitor, "other").await.location(), "/sign-in");
}
