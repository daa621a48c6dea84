//! Logout that begins at the issuer (SEC-A13), and invalid logout tokens
//! (SEC-A14).

use crate::support::{
    self, Answer, App, Browser,
    issuer::{CLIENT_ID, CLIENT_SECRET},
    keys::{Sign, ec_jwk, rsa_jwk, rsa_modulus},
};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};

const PATH: &str = "/auth/backchannel-logout";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The request that the issuer's server sends.
fn back_channel() -> axum::http::request::Builder {
    support::request(Method::POST, PATH)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

async fn tell(app: &App, token: &str) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", token)
        .finish();
    let request = back_channel().body(Body::from(body)).unwrap();
    app.browser().send(request).await
}

/// A browser whose session at the issuer is `sid`.
async fn signed_in(app: &App, sid: fn(&mut Value, &support::issuer::Context)) -> Browser {
    app.issuer.plan(|plan| plan.claims = sid);
    let mut browser = app.browser();
    assert_eq!(browser.sign_in(&app.issuer).await.location(), "/memories");
    app.issuer.plan(|plan| plan.claims = |_, _| {});
    browser
}

/// Outcome, channel and reason of each sign-out, oldest first.
async fn sign_outs(app: &App) -> Vec<(String, String, String)> {
    sqlx::query_as(
        "SELECT outcome, coalesce(metadata->>'channel', ''), coalesce(metadata->>'reason', '')
           FROM audit_log WHERE action = 'session.sign_out' ORDER BY seq",
    )
    .fetch_all(&app.db.admin)
    .await
    .unwrap()
}

fn success(channel: &str) -> (String, String, String) {
    ("success".into(), channel.into(), String::new())
}

/// SEC-A13
#[tokio::test]
async fn sid_ends_that_session_and_sub_ends_all() {
    let app = App::start().await;
    let mut first = signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    let mut second = signed_in(&app, |claims, _| claims["sid"] = json!("two")).await;
    let mut other = signed_in(&app, |claims, _| {
        claims["sub"] = json!("another");
        claims["sid"] = json!("three");
    })
    .await;

    let token = app
        .issuer
        .logout_token(|claims| claims["sid"] = json!("one"), |_| {});
    let answer = tell(&app, &token).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (StatusCode::OK, "no-store")
    );
    assert_eq!(first.who().await, "→ /sign-in");
    assert_eq!(second.who().await, "Mia Muster");
    assert_eq!(sign_outs(&app).await, [success("back_channel")]);

    // `sid` and `sub` don't belong together.
    let token = app.issuer.logout_token(
        |claims| {
            claims["sub"] = json!("mia");
            claims["sid"] = json!("three");
        },
        |_| {},
    );
    assert_eq!(tell(&app, &token).await.status, StatusCode::OK);
    assert_eq!(second.who().await, "Mia Muster");

    let token = app
        .issuer
        .logout_token(|claims| claims["sub"] = json!("mia"), |_| {});
    assert_eq!(tell(&app, &token).await.status, StatusCode::OK);
    assert_eq!(second.who().await, "→ /sign-in");
    assert_eq!(other.who().await, "Mia Muster");
    // No such session: there is nothing to do, and it is not an error.
    let token = app
        .issuer
        .logout_token(|claims| claims["sub"] = json!("stranger"), |_| {});
    assert_eq!(tell(&app, &token).await.status, StatusCode::OK);
    assert_eq!(sign_outs(&app).await.len(), 2);
}

/// SEC-A13: in every organisation, in one transaction, audited in each.
#[tokio::test]
async fn sessions_end_in_every_organisation() {
    let app = App::start().await;
    signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    let other = app.db.tenant("other").await;
    let mia = other.user("Mia").await;
    sqlx::query(
        "INSERT INTO web_sessions (tenant_id, id, id_hash, user_id, created_at, last_seen_at, idle_expires_at,
                                   absolute_expires_at, oidc_issuer, oidc_subject)
         SELECT $1, gen_random_uuid(), sha256('x'), $2, created_at, last_seen_at, idle_expires_at,
                absolute_expires_at, oidc_issuer, oidc_subject FROM web_sessions",
    )
    .bind(other.id)
    .bind(mia)
    .execute(&app.db.admin)
    .await
    .unwrap();
    let token = app
        .issuer
        .logout_token(|claims| claims["sub"] = json!("mia"), |_| {});
    assert_eq!(tell(&app, &token).await.status, StatusCode::OK);
    assert_eq!(
        app.count("SELECT count(*) FROM web_sessions WHERE revoked_at IS NULL")
            .await,
        0
    );
    let tenants =
        "SELECT count(DISTINCT tenant_id) FROM audit_log WHERE action = 'session.sign_out'";
    assert_eq!(app.count(tenants).await, 2);
}

/// Sends a token that is wrong in one way and checks that it is rejected with
/// 400, that the audit log has the reason and that the session stays.
async fn refused(
    reason: &str,
    plan: impl FnOnce(&mut support::issuer::Plan),
    claims: impl FnOnce(&mut Value),
    header: impl FnOnce(&mut Value),
) {
    let app = App::start().await;
    let mut browser = signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    app.issuer.plan(plan);
    let token = app.issuer.logout_token(
        |token| {
            token["sid"] = json!("one");
            claims(token);
        },
        header,
    );
    let answer = tell(&app, &token).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{reason}");
    assert!(answer.body.contains("invalid_request"), "{}", answer.body);
    assert_eq!(
        sign_outs(&app).await,
        [("denied".into(), "back_channel".into(), reason.into())]
    );
    assert_eq!(browser.who().await, "Mia Muster");

    app.issuer.behave();
    let token = app
        .issuer
        .logout_token(|claims| claims["sid"] = json!("one"), |_| {});
    assert_eq!(tell(&app, &token).await.status, StatusCode::OK, "{reason}");
    assert_eq!(browser.who().await, "→ /sign-in");
}

fn remove(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name);
}

macro_rules! wrong_claims {
    ($($name:ident: $reason:literal, $claims:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            refused($reason, |_| {}, $claims, |_| {}).await;
        }
    )*};
}

// SEC-A14
wrong_claims! {
    wrong_iss: "issuer", |claims| claims["iss"] = json!("https://evil.example");
    missing_iss: "malformed", |claims| remove(claims, "iss");
    wrong_aud: "audience", |claims| claims["aud"] = json!("another-client");
    second_audience: "audience", |claims| claims["aud"] = json!([CLIENT_ID, "another-client"]);
    missing_aud: "malformed", |claims| remove(claims, "aud");
    missing_iat: "malformed", |claims| remove(claims, "iat");
    iat_in_the_future: "issued_in_the_future", |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 61);
    nbf_in_the_future: "not_yet_valid", |claims| claims["nbf"] = json!(claims["iat"].as_i64().unwrap() + 61);
    missing_exp: "malformed", |claims| remove(claims, "exp");
    expired: "expired", |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 60);
    exp_beyond_all_calendars: "malformed", |claims| claims["exp"] = json!(1e300);
    no_event: "malformed", |claims| remove(claims, "events");
    empty_events: "event", |claims| claims["events"] = json!({});
    wrong_event: "event", |claims| claims["events"] = json!({ "http://schemas.openid.net/event/other": {} });
    event_that_is_no_object: "event", |claims| claims["events"] = json!({ EVENT: true });
    with_nonce: "nonce", |claims| claims["nonce"] = json!("a nonce");
    neither_sub_nor_sid: "nobody_named", |claims| remove(claims, "sid");
    empty_sid: "nobody_named", |claims| claims["sid"] = json!(" ");
    missing_jti: "malformed", |claims| remove(claims, "jti");
    empty_jti: "token_id", |claims| claims["jti"] = json!("");
}

/// SEC-A14
#[tokio::test]
async fn wrong_alg_signature_key_and_type_are_rejected() {
    let hs256: fn(&mut Value) = |document| {
        document["id_token_signing_alg_values_supported"] = json!(["RS256", "HS256", "none"]);
    };
    refused("algorithm", |plan| plan.sign = Sign::None, |_| {}, |_| {}).await;
    refused(
        "algorithm",
        |plan| {
            plan.sign = Sign::Hs256(CLIENT_SECRET.into());
            plan.discovery = hs256;
        },
        |_| {},
        |_| {},
    )
    .await;
    refused(
        "algorithm",
        |plan| plan.sign = Sign::Hs256(rsa_modulus(0)),
        |_| {},
        |_| {},
    )
    .await;
    refused(
        "algorithm",
        |plan| {
            plan.jwks.push(ec_jwk(0, "ec"));
            plan.kid = Some("ec".into());
            plan.sign = Sign::Es256(0);
        },
        |_| {},
        |_| {},
    )
    .await;
    refused(
        "malformed",
        |_| {},
        |_| {},
        |header| header["alg"] = json!("RS257"),
    )
    .await;
    refused(
        "signature",
        |plan| plan.sign = Sign::Rs256(1),
        |_| {},
        |_| {},
    )
    .await;
    refused(
        "unknown_key",
        |plan| plan.kid = Some("other".into()),
        |_| {},
        |_| {},
    )
    .await;
    refused(
        "type",
        |_| {},
        |_| {},
        |header| header["typ"] = json!("JWT"),
    )
    .await;
    refused("type", |_| {}, |_| {}, |header| remove(header, "typ")).await;
    refused(
        "type",
        |_| {},
        |_| {},
        |header| header["crit"] = json!(["b64"]),
    )
    .await;
}

/// SEC-A14: keys that the token contains or points to are ignored.
#[tokio::test]
async fn jku_and_jwk_are_ignored() {
    let app = App::start().await;
    signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    app.issuer.plan(|plan| {
        plan.sign = Sign::Rs256(1);
        plan.kid = Some("foreign".into());
    });
    let jku = format!("{}/foreign-jwks", app.issuer.url);
    let token = app.issuer.logout_token(
        |claims| claims["sid"] = json!("one"),
        |header| {
            header["jku"] = json!(jku);
            header["jwk"] = rsa_jwk(1, Some("foreign"));
        },
    );
    assert_eq!(tell(&app, &token).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.issuer.foreign_fetches(), 0);
    assert_eq!(app.sessions().await, 1);
}

/// SEC-A14: an ID token is not a logout token.
#[tokio::test]
async fn id_token_is_rejected_as_logout_token() {
    let app = App::start().await;
    let mut browser = signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    let answer = browser.post("/auth/logout").await;
    let url: url::Url = answer.location().parse().unwrap();
    let (_, id_token) = url
        .query_pairs()
        .find(|(name, _)| name == "id_token_hint")
        .unwrap();
    let mut browser = signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    assert_eq!(tell(&app, &id_token).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.who().await, "Mia Muster");
}

/// SEC-A13: each token works once, so that an intercepted one can't end the
/// person's next session.
#[tokio::test]
async fn logout_token_works_once() {
    let app = App::start().await;
    signed_in(&app, |_, _| {}).await;
    let token = app
        .issuer
        .logout_token(|claims| claims["sub"] = json!("mia"), |_| {});
    assert_eq!(tell(&app, &token).await.status, StatusCode::OK);
    let mut browser = signed_in(&app, |_, _| {}).await;
    assert_eq!(tell(&app, &token).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(sign_outs(&app).await.pop().unwrap().2, "replayed");
    // Its `jti` is deleted once the token has expired.
    app.clock.forward(time::Duration::hours(2));
    app.browser().begin("/").await;
    assert_eq!(app.count("SELECT count(*) FROM logout_tokens").await, 0);
}

/// SEC-A7: a rotated key is fetched for a logout token as well, and junk with
/// unknown keys does not use up the fetch of a sign-in.
#[tokio::test]
async fn rotated_key_is_fetched_for_a_logout_token() {
    let app = App::start().await;
    let mut browser = signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    app.issuer.plan(|plan| {
        plan.sign = Sign::Rs256(1);
        plan.kid = Some("key-1".into());
        plan.jwks = vec![rsa_jwk(1, Some("key-1"))];
    });
    let token = app
        .issuer
        .logout_token(|claims| claims["sid"] = json!("one"), |_| {});
    assert_eq!(tell(&app, &token).await.status, StatusCode::OK);
    assert_eq!(browser.who().await, "→ /sign-in");
    assert_eq!(app.issuer.jwks_fetches(), 2);

    app.issuer.plan(|plan| plan.kid = Some("junk".into()));
    for _ in 0..3 {
        let junk = app
            .issuer
            .logout_token(|claims| claims["sid"] = json!("one"), |_| {});
        assert_eq!(tell(&app, &junk).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(app.issuer.jwks_fetches(), 2);
    app.issuer.plan(|plan| {
        plan.sign = Sign::Rs256(2);
        plan.kid = Some("key-2".into());
        plan.jwks = vec![rsa_jwk(2, Some("key-2"))];
    });
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
}

/// SEC-B10, SEC-B9
#[tokio::test]
async fn junk_is_rejected_without_filling_the_audit_log() {
    let app = App::start_with(|settings| settings.limits.failures = 5).await;
    for junk in ["", "a", "a.b.c", "....", "e30.e30.e30"] {
        assert_eq!(
            tell(&app, junk).await.status,
            StatusCode::BAD_REQUEST,
            "{junk}"
        );
    }
    for _ in 0..3 {
        assert_eq!(
            tell(&app, "junk").await.status,
            StatusCode::TOO_MANY_REQUESTS
        );
    }
    assert_eq!(sign_outs(&app).await.len(), 5);
    // A valid token is accepted nevertheless.
    let token = app
        .issuer
        .logout_token(|claims| claims["sub"] = json!("mia"), |_| {});
    assert_eq!(tell(&app, &token).await.status, StatusCode::OK);
}

/// SEC-B4: no browser sends these on its own, so another site made it.
#[tokio::test]
async fn logout_token_sent_by_a_browser_is_rejected() {
    let app = App::start().await;
    let mut browser = signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    let token = app
        .issuer
        .logout_token(|claims| claims["sid"] = json!("one"), |_| {});
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("cookie", "a=b"),
    ] {
        let request = back_channel().header(name, value);
        let body = Body::from(format!("logout_token={token}"));
        let answer = app.browser().send(request.body(body).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(browser.who().await, "Mia Muster");
}

/// If the database or the issuer is unavailable, the answer is 503 and the
/// token is not used up, so that the issuer tries again.
#[tokio::test]
async fn outage_asks_the_issuer_to_retry() {
    let app = App::start().await;
    let mut browser = signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    let token = app
        .issuer
        .logout_token(|claims| claims["sid"] = json!("one"), |_| {});
    app.issuer.plan(|plan| plan.is_down = true);
    let (_, fresh) = support::build(&app.db, &app.clock, app.auth.settings().clone());
    let body = Body::from(format!("logout_token={token}"));
    let mut visitor = app.browser();
    visitor.router = fresh;
    let answer = visitor.send(back_channel().body(body).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(tell(&app, &token).await.status, StatusCode::OK);
    assert_eq!(browser.who().await, "→ /sign-in");
}

async fn front_channel(app: &App, query: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    let request = Request::get(format!("/auth/frontchannel-logout?{query}"))
        .header(header::ACCEPT, "text/html")
        // In a frame of the issuer's page, without Atrium's cookie.
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-dest", "iframe");
    app.browser()
        .send(request.body(Body::empty()).unwrap())
        .await
}

/// SEC-A13: by `iss` and `sid`; only the issuer may show it in a frame.
#[tokio::test]
async fn front_channel_ends_the_session_with_that_sid() {
    let app = App::start().await;
    let mut browser = signed_in(&app, |claims, _| claims["sid"] = json!("one")).await;
    let mut other = signed_in(&app, |claims, _| claims["sid"] = json!("two")).await;
    let issuer = app.issuer.url.clone();
    for bad in [
        vec![("iss", issuer.as_str())],
        vec![("iss", issuer.as_str()), ("sid", "")],
        vec![("sid", "one")],
        vec![("iss", "https://evil.example"), ("sid", "one")],
        vec![("iss", issuer.as_str()), ("sid", "one"), ("sid", "two")],
    ] {
        assert_eq!(
            front_channel(&app, &bad).await.status,
            StatusCode::BAD_REQUEST,
            "{bad:?}"
        );
        assert_eq!(sign_outs(&app).await.pop().unwrap().0, "denied");
    }
    let answer = front_channel(&app, &[("iss", &issuer), ("sid", "unknown")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(browser.who().await, "Mia Muster");

    let answer = front_channel(&app, &[("iss", &issuer), ("sid", "one")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(browser.who().await, "→ /sign-in");
    assert_eq!(other.who().await, "Mia Muster");
    assert_eq!(
        sign_outs(&app).await.pop().unwrap(),
        success("front_channel")
    );
    let policy = answer.header("content-security-policy");
    assert!(
        policy.ends_with(&format!("frame-ancestors {issuer}")),
        "{policy}"
    );
    assert_eq!(answer.header("x-frame-options"), "");
    assert_eq!(answer.header("cache-control"), "no-store");
    // SEC-B6: no other page may be framed.
    assert_eq!(other.get("/").await.header("x-frame-options"), "DENY");
}

/// SEC-A13: Entra sends only the session's id.
#[tokio::test]
async fn entra_may_omit_iss() {
    let app = App::start_with(|settings| {
        let oidc = settings.oidc.as_mut().unwrap();
        oidc.kind = server::auth::IssuerKind::Entra;
        oidc.issuer = format!("{}/{}/v2.0", oidc.issuer, uuid::Uuid::from_u128(5));
    })
    .await;
    let mut browser = signed_in(&app, |claims, context| {
        let tid = uuid::Uuid::from_u128(5);
        claims["iss"] = json!(format!("{}/{tid}/v2.0", context.base));
        claims["tid"] = json!(tid);
        claims["oid"] = json!(uuid::Uuid::from_u128(7));
        claims["sid"] = json!("one");
    })
    .await;
    assert_eq!(
        front_channel(&app, &[("sid", "two")]).await.status,
        StatusCode::OK
    );
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(
        front_channel(&app, &[("sid", "one")]).await.status,
        StatusCode::OK
    );
    assert_eq!(browser.who().await, "→ /sign-in");
}
