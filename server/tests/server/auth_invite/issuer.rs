//! Which issuers and directories can admit to an organisation (SEC-A3).

use super::{follow, join, people, token, viewers_invite};
use crate::support::{
    App, TestClock,
    issuer::{Context, Issuer},
};
use serde_json::{Value, json};
use server::auth::{IssuerKind, OidcSettings};
use uuid::Uuid;

// SEC-A3: only an issuer that serves the organisation can admit to it.
#[tokio::test]
async fn issuer_of_another_organisation_is_rejected() {
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
    app.db.tenant("other").await;
    let (_, made) = viewers_invite(&app).await;
    for issuer in ["second", "third", ""] {
        let answer = follow(&mut app.browser(), token(&made), issuer).await;
        assert_eq!(
            answer.location(),
            "/sign-in?error=invite_elsewhere",
            "{issuer}"
        );
    }
    // Nor can a sign-in with the other issuer use the invite.
    let mut browser = app.browser();
    let answer = browser.get("/auth/login?issuer=second").await;
    sqlx::query(
        "UPDATE login_attempts SET invite_tenant_id = $1, invite_id = $2, invite_renewals = 0",
    )
    .bind(app.tenant.id)
    .bind(made.id)
    .execute(&app.db.admin)
    .await
    .unwrap();
    let parameters = second.agree(&answer.location().parse().unwrap());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&parameters)
        .finish();
    let answer = browser.get(&format!("/auth/callback/second?{query}")).await;
    assert_eq!(answer.location(), "/sign-in?error=invite_elsewhere");
    assert_eq!(people(&app).await, 0);
    let answer = join(&app, &mut app.browser(), token(&made), "nina").await;
    assert_eq!(answer.location(), "/?done=invite_accepted");
}

const TID: Uuid = Uuid::from_u128(0x1111_1111_2222_4333_8444_5555_5555_5555);
const OTHER_TID: Uuid = Uuid::from_u128(0x9999_9999_2222_4333_8444_5555_5555_5555);

fn of_directory(claims: &mut Value, context: &Context, tid: Uuid) {
    claims["iss"] = json!(format!("{}/{tid}/v2.0", context.base));
    claims["tid"] = json!(tid);
    claims["oid"] = json!(Uuid::from_u128(7));
}

// SEC-A3: if an issuer speaks for all directories, the token's directory decides.
#[tokio::test]
async fn person_of_another_directory_is_rejected() {
    let app = App::start_with(|settings| {
        let oidc = settings.oidc.as_mut().unwrap();
        oidc.kind = IssuerKind::Entra;
        oidc.issuer = format!("{}/organizations/v2.0", oidc.issuer);
    })
    .await;
    let (_, made) = viewers_invite(&app).await;
    app.issuer.plan(|plan| {
        plan.discovery = |document| {
            let issuer = document["issuer"].as_str().unwrap();
            document["issuer"] = json!(issuer.replace("organizations", "{tenantid}"));
        };
    });
    // The organisation has no directory yet.
    let answer = follow(&mut app.browser(), token(&made), "oidc").await;
    assert_eq!(answer.location(), "/sign-in?error=invite_elsewhere");
    for (slug, tid) in [("acme", TID), ("other", OTHER_TID)] {
        if slug != "acme" {
            app.db.tenant(slug).await;
        }
        sqlx::query("UPDATE tenants SET entra_tenant_id = $1 WHERE slug = $2")
            .bind(tid)
            .bind(slug)
            .execute(&app.db.admin)
            .await
            .unwrap();
    }
    app.issuer
        .plan(|plan| plan.claims = |claims, context| of_directory(claims, context, OTHER_TID));
    let answer = join(&app, &mut app.browser(), token(&made), "nina").await;
    assert_eq!(answer.location(), "/sign-in?error=invite_elsewhere");
    assert_eq!(people(&app).await, 0);
    app.issuer
        .plan(|plan| plan.claims = |claims, context| of_directory(claims, context, TID));
    let answer = join(&app, &mut app.browser(), token(&made), "nina").await;
    assert_eq!(answer.location(), "/?done=invite_accepted");
}
