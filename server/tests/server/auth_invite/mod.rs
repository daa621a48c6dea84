//! Joining by an invite link, through the issuer and back.

mod issuer;
mod page;

use crate::support::{self, Answer, App, Browser, ctx, request};
use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use domain::{
    Actor, InviteId, RoleId, TeamId,
    access::SystemRole,
    invite::{InviteInput, InviteLink, InvitePath, InviteRenewInput},
};
use serde_json::{Value, json};
use service::{Ctx, InviteCreate, InviteRenew, InviteRevoke};
use store::{
    role::{RoleSource, user_role_revoke},
    testing::TestTenant,
    user::{UserStatus, user_status_set},
};
use time::Duration;
use url::Url;

/// An app in which new people get no role by default.
async fn app() -> App {
    App::start_with(|settings| settings.oidc.as_mut().unwrap().default_role = None).await
}

async fn role_of(tenant: &TestTenant, key: &str) -> RoleId {
    let mut tx = tenant.enter().await;
    let roles = store::role::role_list(&mut tx).await.unwrap();
    roles.into_iter().find(|role| role.key == key).unwrap().id
}

async fn invite(app: &App, actor: &Actor, draft: &InviteInput) -> InviteLink {
    let ctx = ctx(&app.db, app.clock.clock());
    service::call::<InviteCreate>(&ctx, actor, draft.clone())
        .await
        .unwrap()
}

async fn renew(ctx: &Ctx, actor: &Actor, id: InviteId, days: &str) -> InviteLink {
    let input = InviteRenewInput {
        id,
        days: days.into(),
    };
    service::call::<InviteRenew>(ctx, actor, input)
        .await
        .unwrap()
}

async fn revoke(ctx: &Ctx, actor: &Actor, id: InviteId) {
    service::call::<InviteRevoke>(ctx, actor, InvitePath { id })
        .await
        .unwrap();
}

fn draft(role: Option<RoleId>, team: Option<TeamId>) -> InviteInput {
    InviteInput {
        email: "nina@example.org".into(),
        role: role.map(|id| id.to_string()).unwrap_or_default(),
        team: team.map(|id| id.to_string()).unwrap_or_default(),
        days: "7".into(),
    }
}

/// An invite as a viewer, created by an admin.
async fn viewers_invite(app: &App) -> (Actor, InviteLink) {
    let ada = app.tenant.actor(SystemRole::Admin, "Ada").await;
    let viewer = role_of(&app.tenant, "viewer").await;
    let made = invite(app, &ada, &draft(Some(viewer), None)).await;
    (ada, made)
}

fn token(made: &InviteLink) -> &str {
    token_in(&made.link)
}

fn token_in(link: &str) -> &str {
    link.rsplit('/').next().unwrap()
}

/// Posts the form of the invite page.
async fn follow(browser: &mut Browser, token: &str, issuer: &str) -> Answer {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token)
        .append_pair("issuer", issuer)
        .finish();
    let request = request(Method::POST, "/auth/invite")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-site", "same-origin");
    browser.send(request.body(Body::from(form)).unwrap()).await
}

/// Follows the invite to the issuer, signs in there as `subject` and comes back.
async fn join(app: &App, browser: &mut Browser, token: &str, subject: &str) -> Answer {
    let answer = follow(browser, token, "oidc").await;
    if !answer.location().starts_with(&app.issuer.url) {
        return answer;
    }
    let asked: Url = answer.location().parse().unwrap();
    let subject = subject.to_owned();
    app.issuer.plan(|plan| plan.subject = subject);
    let parameters = app.issuer.agree(&asked);
    browser.come_back(&parameters).await
}

/// Audit rows of `invite.accept`: outcome, reason, invite.
async fn accepts(app: &App) -> Vec<(String, String, String)> {
    sqlx::query_as(
        "SELECT outcome, coalesce(metadata->>'reason', ''), resource_id FROM audit_log
          WHERE action = 'invite.accept' ORDER BY seq",
    )
    .fetch_all(&app.db.admin)
    .await
    .unwrap()
}

async fn roles(app: &App, subject: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT r.key FROM identities i
           JOIN user_roles ur ON ur.tenant_id = i.tenant_id AND ur.user_id = i.user_id
           JOIN roles r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
          WHERE i.subject = $1 ORDER BY r.key",
    )
    .bind(subject)
    .fetch_all(&app.db.admin)
    .await
    .unwrap()
}

async fn people(app: &App) -> i64 {
    app.count("SELECT count(*) FROM identities").await
}

#[tokio::test]
async fn new_person_joins_with_the_role_and_the_team_of_the_invite() {
    let app = app().await;
    let ada = app.tenant.actor(SystemRole::Admin, "Ada").await;
    let (team, viewer) = (
        app.tenant.team("Desk", &[]).await,
        role_of(&app.tenant, "viewer").await,
    );
    let made = invite(&app, &ada, &draft(Some(viewer), Some(team))).await;
    let mut browser = app.browser();
    let answer = follow(&mut browser, token(&made), "oidc").await;
    let asked: Url = answer.location().parse().unwrap();
    let hint = asked.query_pairs().find(|(name, _)| name == "login_hint");
    assert_eq!(hint.unwrap().1, "nina@example.org");
    assert!(!asked.as_str().contains(token(&made)));

    app.issuer.plan(|plan| plan.subject = "nina".into());
    let parameters = app.issuer.agree(&asked);
    let answer = browser.come_back(&parameters).await;
    assert_eq!(answer.location(), "/?done=invite_accepted");
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(roles(&app, "nina").await, ["viewer"]);
    let teams: Vec<String> =
        sqlx::query_scalar("SELECT t.name FROM team_members m JOIN teams t ON t.id = m.team_id")
            .fetch_all(&app.db.admin)
            .await
            .unwrap();
    assert_eq!(teams, ["Desk"]);
    let written = accepts(&app).await;
    assert_eq!(
        written,
        [("success".into(), String::new(), made.id.to_string())]
    );
    let (label, changes): (String, Value) =
        sqlx::query_as("SELECT actor_label, changes FROM audit_log WHERE action = 'invite.accept'")
            .fetch_one(&app.db.admin)
            .await
            .unwrap();
    assert_eq!(label, "Mia Muster");
    assert_eq!(changes["after"]["role"], json!("viewer"));
    assert_eq!(
        changes["after"]["invited_by"],
        json!(ada.user_id.to_string())
    );
}

// SEC-A1: a link works once, also for the person who used it.
#[tokio::test]
async fn used_link_is_rejected() {
    let app = app().await;
    let (_, made) = viewers_invite(&app).await;
    // Two people begin while the invite is open; the slower one is rejected at the end.
    let (mut slow, mut quick) = (app.browser(), app.browser());
    let begun = follow(&mut slow, token(&made), "oidc").await;
    let answer = join(&app, &mut quick, token(&made), "nina").await;
    assert_eq!(answer.location(), "/?done=invite_accepted");
    app.issuer.plan(|plan| plan.subject = "nils".into());
    let parameters = app.issuer.agree(&begun.location().parse().unwrap());
    let answer = slow.come_back(&parameters).await;
    assert_eq!(answer.location(), "/sign-in?error=invite_used");
    assert_eq!(slow.who().await, "→ /sign-in");
    assert_eq!(people(&app).await, 1);
    let answer = join(&app, &mut app.browser(), token(&made), "nina").await;
    assert_eq!(answer.location(), "/sign-in?error=invite_used");
    let id = made.id.to_string();
    let refused = ("denied".to_owned(), "invite_used".to_owned(), id.clone());
    assert_eq!(
        accepts(&app).await,
        [
            ("success".into(), String::new(), id),
            refused.clone(),
            refused
        ]
    );
}

// Renewing or revoking a link also ends sign-ins that began with it.
#[tokio::test]
async fn sign_in_that_began_with_an_old_link_is_rejected() {
    let app = app().await;
    for (ended, problem, reason) in [
        ("renewed", "invite_unknown", "invite_renewed"),
        ("revoked", "invite_revoked", "invite_revoked"),
    ] {
        let (ada, made) = viewers_invite(&app).await;
        let mut slow = app.browser();
        let begun = follow(&mut slow, token(&made), "oidc").await;
        let ctx = support::ctx(&app.db, app.clock.clock());
        let renewed = if ended == "renewed" {
            Some(renew(&ctx, &ada, made.id, "7").await)
        } else {
            revoke(&ctx, &ada, made.id).await;
            None
        };
        let subject = format!("nina-{ended}");
        app.issuer.plan(|plan| plan.subject.clone_from(&subject));
        let parameters = app.issuer.agree(&begun.location().parse().unwrap());
        let before = (people(&app).await, app.sessions().await);
        let answer = slow.come_back(&parameters).await;
        let refused = format!("/sign-in?error={problem}");
        assert_eq!(answer.location(), refused, "{ended}");
        assert_eq!((people(&app).await, app.sessions().await), before);
        let denied = ("denied".to_owned(), reason.to_owned(), made.id.to_string());
        assert_eq!(accepts(&app).await.last(), Some(&denied));
        if let Some(renewed) = renewed {
            let answer = join(&app, &mut app.browser(), token(&renewed), &subject).await;
            assert_eq!(answer.location(), "/?done=invite_accepted");
        }
    }
}

// SEC-A1, SEC-F
#[tokio::test]
async fn link_followed_by_several_at_once_admits_one() {
    let app = app().await;
    let (_, made) = viewers_invite(&app).await;
    let mut begun = Vec::new();
    for n in 0..4 {
        let mut browser = app.browser();
        let answer = follow(&mut browser, token(&made), "oidc").await;
        app.issuer.plan(|plan| plan.subject = format!("nina-{n}"));
        let parameters = app.issuer.agree(&answer.location().parse().unwrap());
        begun.push((browser, parameters));
    }
    let attempts = begun
        .iter_mut()
        .map(|(browser, parameters)| browser.come_back(parameters));
    let answers = futures::future::join_all(attempts).await;
    let joined = answers
        .iter()
        .filter(|answer| answer.location() == "/?done=invite_accepted");
    assert_eq!(joined.count(), 1);
    assert_eq!((people(&app).await, app.sessions().await), (1, 1));
}

#[tokio::test]
async fn ended_invite_is_rejected_with_its_reason() {
    let app = app().await;
    let (ada, revoked) = viewers_invite(&app).await;
    let (_, expired) = viewers_invite(&app).await;
    let (_, renewed) = viewers_invite(&app).await;
    let context = ctx(&app.db, app.clock.clock());
    revoke(&context, &ada, revoked.id).await;
    // Begins in time and finishes too late.
    let mut late = app.browser();
    let begun = follow(&mut late, token(&expired), "oidc").await;
    renew(&context, &ada, renewed.id, "30").await;
    app.clock.forward(Duration::days(7) - Duration::seconds(1));
    let begun_late = follow(&mut late, token(&expired), "oidc").await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    app.clock.forward(Duration::seconds(2));
    let parameters = app.issuer.agree(&begun_late.location().parse().unwrap());
    let answer = late.come_back(&parameters).await;
    assert_eq!(answer.location(), "/sign-in?error=invite_expired");
    for (token, problem) in [
        (token(&revoked), "invite_revoked"),
        (token(&expired), "invite_expired"),
        (token(&renewed), "invite_unknown"),
        ("atri_nothing", "invite_unknown"),
        ("", "invite_unknown"),
    ] {
        let answer = follow(&mut app.browser(), token, "oidc").await;
        assert_eq!(answer.location(), format!("/sign-in?error={problem}"));
    }
    assert_eq!((people(&app).await, app.sessions().await), (0, 0));
    assert_eq!(app.issuer.token_requests(), 1);
}

// SEC-B3: an invite doesn't grant what its inviter can't grant any more.
#[tokio::test]
async fn invite_whose_inviter_lost_the_permission_changes_nothing() {
    let app = app().await;
    for status in [None, Some(UserStatus::Deactivated)] {
        let (ada, made) = viewers_invite(&app).await;
        let mut tx = app.tenant.enter().await;
        match status {
            Some(status) => user_status_set(&mut tx, ada.user_id, status, app.clock.now()).await,
            None => user_role_revoke(&mut tx, ada.user_id, "admin", RoleSource::Manual).await,
        }
        .unwrap();
        tx.commit().await.unwrap();
        let answer = join(&app, &mut app.browser(), token(&made), "nina").await;
        assert_eq!(answer.location(), "/sign-in?error=invite_refused");
        let last = accepts(&app).await.pop().unwrap();
        let reason = if status.is_some() {
            "inviter_inactive"
        } else {
            "inviter_may_not"
        };
        assert_eq!(last, ("denied".into(), reason.into(), made.id.to_string()));
    }
    assert_eq!((people(&app).await, app.sessions().await), (0, 0));
    let pending = "SELECT count(*) FROM invites WHERE status = 'pending'";
    assert_eq!(app.count(pending).await, 2);
}

#[tokio::test]
async fn member_gains_what_the_invite_grants_and_a_suspended_one_stays_out() {
    let app = App::start().await;
    let mut browser = app.browser();
    browser.sign_in(&app.issuer).await;
    assert_eq!(roles(&app, "mia").await, ["member"]);
    let (_, made) = viewers_invite(&app).await;
    let answer = join(&app, &mut browser, token(&made), "mia").await;
    assert_eq!(answer.location(), "/?done=invite_accepted");
    assert_eq!(roles(&app, "mia").await, ["member", "viewer"]);
    assert_eq!(people(&app).await, 1);

    let (_, made) = viewers_invite(&app).await;
    sqlx::query("UPDATE users SET status = 'suspended' WHERE display_name = 'Mia Muster'")
        .execute(&app.db.admin)
        .await
        .unwrap();
    let answer = join(&app, &mut app.browser(), token(&made), "mia").await;
    assert_eq!(answer.location(), "/sign-in?error=suspended");
    let last = accepts(&app).await.pop().unwrap();
    assert_eq!(
        last,
        ("denied".into(), "suspended".into(), made.id.to_string())
    );
}

/// An invite with a role replaces the default role; one without keeps it.
#[tokio::test]
async fn default_role_applies_if_the_invite_has_no_role() {
    let app = App::start().await;
    let (ada, made) = viewers_invite(&app).await;
    join(&app, &mut app.browser(), token(&made), "nina").await;
    assert_eq!(roles(&app, "nina").await, ["viewer"]);
    let made = invite(&app, &ada, &draft(None, None)).await;
    join(&app, &mut app.browser(), token(&made), "nils").await;
    assert_eq!(roles(&app, "nils").await, ["member"]);
}

#[tokio::test]
async fn invite_of_a_suspended_organisation_is_rejected() {
    let app = app().await;
    let (_, made) = viewers_invite(&app).await;
    let mut early = app.browser();
    let begun = follow(&mut early, token(&made), "oidc").await;
    sqlx::query("UPDATE tenants SET status = 'suspended'")
        .execute(&app.db.admin)
        .await
        .unwrap();
    let answer = follow(&mut app.browser(), token(&made), "oidc").await;
    assert_eq!(answer.location(), "/sign-in?error=tenant_suspended");
    let parameters = app.issuer.agree(&begun.location().parse().unwrap());
    let answer = early.come_back(&parameters).await;
    assert_eq!(answer.location(), "/sign-in?error=tenant_suspended");
    assert_eq!(people(&app).await, 0);
}
