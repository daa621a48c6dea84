//! SEC-A14 for the code flow: an issuer whose ID tokens are wrong in one way
//! each. Nobody is signed in, the reason is in the audit log, and the same
//! person can sign in as soon as the issuer behaves.

use crate::support::{
    self, App,
    issuer::{CLIENT_ID, CLIENT_SECRET, Plan},
    keys::{Sign, ec_jwk, rsa_jwk, rsa_modulus},
};
use axum::http::StatusCode;
use serde_json::json;

/// Signs in while the issuer follows `misbehave`, which ends with `problem`
/// for the person and `reason` in the audit log; then signs in normally.
async fn refused(misbehave: impl FnOnce(&mut Plan), problem: &str, reason: &str) {
    let app = App::start().await;
    app.issuer.plan(misbehave);
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.issuer).await;

    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        answer.location(),
        format!("/sign-in?error={problem}&return_to=%2Fmemories")
    );
    assert!(
        !browser.jar.contains_key(support::COOKIE),
        "{:?}",
        browser.set
    );
    assert_eq!(app.sessions().await, 0);
    assert_eq!(app.count("SELECT count(*) FROM users").await, 0);
    assert_eq!(app.sign_ins().await, [("denied".into(), reason.into())]);

    app.issuer.behave();
    let answer = app.browser().sign_in(&app.issuer).await;
    assert_eq!(answer.location(), "/memories");
    assert_eq!(app.sessions().await, 1);
}

/// Signs in although the issuer follows `misbehave`.
async fn accepted(misbehave: impl FnOnce(&mut Plan)) {
    let app = App::start().await;
    app.issuer.plan(misbehave);
    let mut browser = app.browser();
    assert_eq!(browser.sign_in(&app.issuer).await.location(), "/memories");
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(app.sign_ins().await, [("success".into(), String::new())]);
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $reason:literal, $misbehave:expr;)*) => {$(
        $(#[$doc])*
        #[tokio::test]
        async fn $name() {
            refused($misbehave, "token", $reason).await;
        }
    )*};
}

macro_rules! positives {
    ($($(#[$doc:meta])* $name:ident: $misbehave:expr;)*) => {$(
        $(#[$doc])*
        #[tokio::test]
        async fn $name() {
            accepted($misbehave).await;
        }
    )*};
}

refusals! {
    // SEC-A3
    invalid_iss: "issuer", |plan| plan.claims = |claims, _| claims["iss"] = json!("https://evil.example");
    iss_with_a_slash_more: "issuer", |plan| {
        plan.claims = |claims, context| claims["iss"] = json!(format!("{}/", context.base));
    };
    missing_iss: "token_answer", |plan| plan.claims = |claims, _| drop(claims.as_object_mut().unwrap().remove("iss"));
    // SEC-A4
    invalid_aud: "audience", |plan| plan.claims = |claims, _| claims["aud"] = json!("another-client");
    missing_aud: "audience", |plan| plan.claims = |claims, _| drop(claims.as_object_mut().unwrap().remove("aud"));
    empty_aud: "audience", |plan| plan.claims = |claims, _| claims["aud"] = json!([]);
    second_audience: "audience", |plan| plan.claims = |claims, _| claims["aud"] = json!([CLIENT_ID, "another-client"]);
    second_audience_with_azp: "audience", |plan| plan.claims = |claims, _| {
        claims["aud"] = json!([CLIENT_ID, "another-client"]);
        claims["azp"] = json!(CLIENT_ID);
    };
    repeated_audience: "claims", |plan| plan.claims = |claims, _| claims["aud"] = json!([CLIENT_ID, CLIENT_ID]);
    azp_of_another_client: "claims", |plan| plan.claims = |claims, _| claims["azp"] = json!("another-client");
    // SEC-A9
    missing_sub: "token_answer", |plan| plan.claims = |claims, _| drop(claims.as_object_mut().unwrap().remove("sub"));
    empty_sub: "claims", |plan| plan.claims = |claims, _| claims["sub"] = json!(" ");
    // SEC-A6
    missing_iat: "token_answer", |plan| plan.claims = |claims, _| drop(claims.as_object_mut().unwrap().remove("iat"));
    iat_in_the_future: "claims", |plan| plan.claims = |claims, context| claims["iat"] = json!(context.now + 61);
    missing_exp: "token_answer", |plan| plan.claims = |claims, _| drop(claims.as_object_mut().unwrap().remove("exp"));
    expired: "expired", |plan| plan.claims = |claims, context| claims["exp"] = json!(context.now - 60);
    exp_beyond_all_calendars: "token_answer", |plan| plan.claims = |claims, _| claims["exp"] = json!(1e300);
    nbf_in_the_future: "claims", |plan| plan.claims = |claims, context| claims["nbf"] = json!(context.now + 61);
    nbf_that_is_no_number: "token_answer", |plan| plan.claims = |claims, _| claims["nbf"] = json!("now");
    // SEC-A2
    nonce_invalid: "nonce", |plan| plan.claims = |claims, _| claims["nonce"] = json!("another");
    nonce_missing: "nonce", |plan| plan.claims = |claims, _| drop(claims.as_object_mut().unwrap().remove("nonce"));
    // SEC-A5
    invalid_sig_rs256: "signature", |plan| plan.sign = Sign::Rs256(1);
    invalid_sig_hs256: "signature", |plan| {
        plan.sign = Sign::Hs256(b"a guess".to_vec());
        plan.discovery = |document| document["id_token_signing_alg_values_supported"] = json!(["RS256", "HS256"]);
    };
    hs256_with_our_own_secret: "signature", |plan| {
        plan.sign = Sign::Hs256(CLIENT_SECRET.into());
        plan.discovery = |document| document["id_token_signing_alg_values_supported"] = json!(["RS256", "HS256"]);
    };
    hs256_with_the_public_key_as_secret: "signature", |plan| plan.sign = Sign::Hs256(rsa_modulus(0));
    invalid_sig_es256: "signature", |plan| {
        plan.jwks.push(ec_jwk(0, "ec"));
        plan.kid = Some("ec".into());
        plan.sign = Sign::Es256(1);
        plan.discovery = |document| document["id_token_signing_alg_values_supported"] = json!(["RS256", "ES256"]);
    };
    es256_that_discovery_does_not_know: "signature", |plan| {
        plan.jwks.push(ec_jwk(0, "ec"));
        plan.kid = Some("ec".into());
        plan.sign = Sign::Es256(0);
    };
    sig_none: "signature", |plan| plan.sign = Sign::None;
    sig_none_that_discovery_offers: "signature", |plan| {
        plan.sign = Sign::None;
        plan.discovery = |document| document["id_token_signing_alg_values_supported"] = json!(["RS256", "none"]);
    };
    alg_that_nobody_knows: "token_answer", |plan| plan.header = |header, _| header["alg"] = json!("RS257");
    critical_header: "claims", |plan| plan.header = |header, _| header["crit"] = json!(["b64"]);
    // SEC-A7
    kid_that_nobody_knows: "unknown_key", |plan| plan.kid = Some("other".into());
    kid_absent_with_several_keys: "key_not_named", |plan| {
        plan.kid = None;
        plan.jwks.push(rsa_jwk(1, Some("key-1")));
    };
    kid_absent_with_several_kinds_of_keys: "key_not_named", |plan| {
        plan.kid = None;
        plan.jwks.push(ec_jwk(0, "ec"));
    };
    // SEC-A8
    at_hash_of_another_token: "claims", |plan| plan.claims = |claims, _| claims["at_hash"] = json!("LDktKdoQak3Pk0cnXxCltA");
    no_id_token: "id_token_missing", |plan| plan.answer = |answer| drop(answer.as_object_mut().unwrap().remove("id_token"));
    id_token_that_is_none: "token_answer", |plan| plan.answer = |answer| answer["id_token"] = json!("a.b.c");
}

positives! {
    behaving: |_| {};
    // SEC-A6: clocks may differ by a minute.
    skew_within_a_minute: |plan| plan.claims = |claims, context| {
        claims["iat"] = json!(context.now + 60);
        claims["nbf"] = json!(context.now + 60);
        claims["exp"] = json!(context.now - 59);
    };
    azp_of_ours: |plan| plan.claims = |claims, _| claims["azp"] = json!(CLIENT_ID);
    aud_as_a_list: |plan| plan.claims = |claims, _| claims["aud"] = json!([CLIENT_ID]);
    // SEC-A8: SHA-256 of "an access token", its left half.
    at_hash_of_this_token: |plan| plan.claims = |claims, _| claims["at_hash"] = json!(at_hash("an access token"));
    kid_absent_with_one_key: |plan| plan.kid = None;
    es256_that_discovery_knows: |plan| {
        plan.jwks.push(ec_jwk(0, "ec"));
        plan.kid = Some("ec".into());
        plan.sign = Sign::Es256(0);
        plan.discovery = |document| document["id_token_signing_alg_values_supported"] = json!(["RS256", "ES256"]);
    };
    ps256_that_discovery_knows: |plan| {
        plan.sign = Sign::Ps256(0);
        plan.discovery = |document| document["id_token_signing_alg_values_supported"] = json!(["RS256", "PS256"]);
    };
}

fn at_hash(token: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use sha2::{Digest as _, Sha256};
    URL_SAFE_NO_PAD.encode(&Sha256::digest(token)[..16])
}

/// SEC-A5: keys that the token contains or points to are ignored and never
/// fetched.
#[tokio::test]
async fn jku_x5u_and_jwk_are_ignored() {
    let app = App::start().await;
    app.issuer.plan(|plan| {
        plan.sign = Sign::Rs256(1);
        plan.kid = Some("foreign".into());
        plan.header = |header, context| {
            header["jku"] = json!(format!("{}/foreign-jwks", context.base));
            header["x5u"] = json!(format!("{}/foreign-jwks", context.base));
            header["jwk"] = rsa_jwk(1, Some("foreign"));
        };
    });
    let answer = app.browser().sign_in(&app.issuer).await;
    assert_eq!(
        answer.location(),
        "/sign-in?error=token&return_to=%2Fmemories"
    );
    assert_eq!(
        app.sign_ins().await,
        [("denied".into(), "unknown_key".into())]
    );
    assert_eq!(app.issuer.foreign_fetches(), 0);
}

/// SEC-A7
#[tokio::test]
async fn keys_rotate_between_two_sign_ins() {
    let app = App::start().await;
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    app.issuer.plan(|plan| {
        plan.sign = Sign::Rs256(1);
        plan.kid = Some("key-1".into());
        plan.jwks = vec![rsa_jwk(1, Some("key-1"))];
    });
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    assert_eq!(app.issuer.jwks_fetches(), 2);
}

/// SEC-A7: the only key has no `kid` and is replaced by another one.
#[tokio::test]
async fn key_without_a_kid_rotates() {
    let app = App::start().await;
    app.issuer.plan(|plan| plan.kid = None);
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    app.issuer.plan(|plan| {
        plan.sign = Sign::Rs256(1);
        plan.jwks = vec![rsa_jwk(1, None)];
    });
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
}

/// SEC-A7
#[tokio::test]
async fn keys_rotate_just_before_signing() {
    let app = App::start().await;
    app.issuer.plan(|plan| {
        plan.before_signing = |plan| {
            plan.sign = Sign::Rs256(1);
            plan.kid = Some("key-1".into());
            plan.jwks = vec![rsa_jwk(1, Some("key-1"))];
        };
    });
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
}

/// SEC-A7: tokens with an unknown `kid` cause one fetch in five minutes, however
/// many there are.
#[tokio::test]
async fn unknown_kid_causes_one_fetch_in_five_minutes() {
    let app = App::start().await;
    app.issuer.plan(|plan| plan.kid = Some("unknown".into()));
    let attempts = (0..8).map(|_| {
        let (mut browser, issuer) = (app.browser(), app.issuer.clone());
        async move { browser.sign_in(&issuer).await.location().to_owned() }
    });
    for location in futures::future::join_all(attempts).await {
        assert_eq!(location, "/sign-in?error=token&return_to=%2Fmemories");
    }
    // Discovery fetched the keys once, the unknown `kid` once more.
    assert_eq!(
        (app.issuer.discoveries(), app.issuer.jwks_fetches()),
        (1, 2)
    );

    app.clock.forward(time::Duration::seconds(299));
    app.browser().sign_in(&app.issuer).await;
    assert_eq!(app.issuer.jwks_fetches(), 2);
    app.clock.forward(time::Duration::seconds(2));
    app.browser().sign_in(&app.issuer).await;
    assert_eq!(app.issuer.jwks_fetches(), 3);
}

/// SEC-A7: keys are cached for a day; after that the last good answer is used
/// while the issuer's metadata is unavailable.
#[tokio::test]
async fn last_good_keys_are_used_during_an_outage() {
    let app = App::start().await;
    app.browser().sign_in(&app.issuer).await;
    app.clock.forward(time::Duration::hours(23));
    app.browser().sign_in(&app.issuer).await;
    assert_eq!(app.issuer.discoveries(), 1);

    app.issuer.plan(|plan| plan.is_down = true);
    app.clock.forward(time::Duration::hours(2));
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    assert_eq!(
        app.issuer.discoveries(),
        2,
        "a failed fetch is not retried for a minute"
    );

    app.issuer.plan(|plan| plan.is_down = false);
    app.clock.forward(time::Duration::minutes(2));
    assert_eq!(
        app.browser().sign_in(&app.issuer).await.location(),
        "/memories"
    );
    assert_eq!(app.issuer.discoveries(), 3);
}
