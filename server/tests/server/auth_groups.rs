//! Groups and app roles of the issuer become roles and teams (SEC-A10), and
//! the last owner keeps the role (SEC-A11).

use crate::support::{App, issuer::Context};
use axum::{
    Json,
    http::StatusCode,
    response::{Html, IntoResponse as _, Response},
};
use domain::{
    RoleId, TeamId, UserId,
    access::SystemRole,
    group_mapping::{GroupClaims, GroupId, GroupMapping, GroupSource},
};
use serde_json::{Value, json};
use store::{
    group_mapping::{group_mapping_create, user_claims_get},
    role::{RoleSource, user_role_grant},
    testing::{NOW, id},
};
use uuid::Uuid;

/// An app without a default role: roles come from groups and app roles only.
async fn app() -> App {
    App::start_with(|settings| settings.oidc.as_mut().unwrap().default_role = None).await
}

async fn rule(
    app: &App,
    source: GroupSource,
    group: &str,
    role: Option<SystemRole>,
    team: Option<TeamId>,
) {
    let role_id = match role {
        Some(role) => {
            let role: Uuid = sqlx::query_scalar("SELECT id FROM roles WHERE key = $1")
                .bind(role.key())
                .fetch_one(&app.db.admin)
                .await
                .unwrap();
            Some(RoleId(role))
        }
        None => None,
    };
    let mapping = GroupMapping {
        id: id(),
        source,
        group_id: GroupId::parse(group).unwrap(),
        label: group.to_owned(),
        role_id,
        team_id: team,
        priority: 100,
    };
    let mut tx = app.tenant.enter().await;
    group_mapping_create(&mut tx, &mapping, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

async fn user(app: &App) -> UserId {
    let user: Uuid = sqlx::query_scalar("SELECT user_id FROM identities")
        .fetch_one(&app.db.admin)
        .await
        .unwrap();
    user.into()
}

/// `role/source` of all members from the issuer.
async fn roles(app: &App) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT r.key || '/' || ur.source FROM user_roles ur JOIN roles r ON r.id = ur.role_id
          WHERE ur.user_id IN (SELECT user_id FROM identities) ORDER BY 1",
    )
    .fetch_all(&app.db.admin)
    .await
    .unwrap()
}

/// `team/source` of all members from the issuer.
async fn teams(app: &App) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT t.name || '/' || m.source FROM team_members m JOIN teams t ON t.id = m.team_id
          WHERE m.user_id IN (SELECT user_id FROM identities) ORDER BY 1",
    )
    .fetch_all(&app.db.admin)
    .await
    .unwrap()
}

/// Audit rows of `action`, oldest first.
async fn audited(app: &App, action: &str) -> Vec<(String, Value)> {
    sqlx::query_as(
        "SELECT outcome, coalesce(changes, 'null') FROM audit_log WHERE action = $1 ORDER BY seq",
    )
    .bind(action)
    .fetch_all(&app.db.admin)
    .await
    .unwrap()
}

async fn sign_in(app: &App) -> String {
    app.browser()
        .sign_in(&app.issuer)
        .await
        .location()
        .to_owned()
}

/// SEC-A10: roles from groups are granted at sign-in and removed when the claim
/// is gone; roles that were assigned manually stay.
#[tokio::test]
async fn groups_grant_roles_and_an_absent_claim_removes_them() {
    let app = app().await;
    let support = app.tenant.team("Support", &[]).await;
    rule(
        &app,
        GroupSource::Group,
        "engineers",
        Some(SystemRole::Admin),
        Some(support),
    )
    .await;
    rule(
        &app,
        GroupSource::Group,
        "others",
        Some(SystemRole::Billing),
        None,
    )
    .await;

    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["groups"] = json!(["engineers", "unknown"]));
    let mut browser = app.browser();
    assert_eq!(browser.sign_in(&app.issuer).await.location(), "/memories");
    assert_eq!(browser.who().await, "Mia Muster");
    assert_eq!(roles(&app).await, ["admin/group"]);
    assert_eq!(teams(&app).await, ["Support/group"]);
    let gained = json!({
        "gained": { "roles": ["admin"], "teams": ["Support"] },
        "lost": { "roles": [], "teams": [] },
    });
    assert_eq!(
        audited(&app, "user.grants_set").await,
        [("success".into(), gained)]
    );

    // Without a change, no audit row is written.
    sign_in(&app).await;
    assert_eq!(audited(&app, "user.grants_set").await.len(), 1);

    let mia = user(&app).await;
    let mut tx = app.tenant.enter().await;
    user_role_grant(&mut tx, mia, "viewer", RoleSource::Manual, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    app.issuer.behave();
    sign_in(&app).await;
    assert_eq!(roles(&app).await, ["viewer/manual"]);
    assert_eq!(teams(&app).await, [""; 0]);
    let lost = json!({
        "gained": { "roles": [], "teams": [] },
        "lost": { "roles": ["admin"], "teams": ["Support"] },
    });
    assert_eq!(audited(&app, "user.grants_set").await[1].1, lost);
}

/// SEC-A10, SEC-A11: a member who left the group has no role, and every page says so.
#[tokio::test]
async fn member_who_left_the_group_is_told_to_ask_an_admin() {
    let app = app().await;
    rule(
        &app,
        GroupSource::Group,
        "engineers",
        Some(SystemRole::Member),
        None,
    )
    .await;
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["groups"] = json!(["engineers"]));
    let mut browser = app.browser();
    browser.sign_in(&app.issuer).await;
    assert_eq!(browser.who().await, "Mia Muster");
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["groups"] = json!([]));
    sign_in(&app).await;
    // SEC-B3: also in the browser that was already signed in.
    assert_eq!(browser.who().await, "→ /no-access");
}

/// SEC-A10
#[tokio::test]
async fn app_roles_are_read_from_the_roles_claim() {
    let app = app().await;
    rule(
        &app,
        GroupSource::AppRole,
        "Atrium.Admin",
        Some(SystemRole::Admin),
        None,
    )
    .await;
    rule(
        &app,
        GroupSource::Group,
        "Atrium.Admin",
        Some(SystemRole::Viewer),
        None,
    )
    .await;
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["roles"] = json!(["Atrium.Admin"]));
    sign_in(&app).await;
    assert_eq!(roles(&app).await, ["admin/app_role"]);
    let mut tx = app.tenant.enter().await;
    let (claims, told_at) = user_claims_get(&mut tx, user(&app).await)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claims, GroupClaims::new([""; 0], ["Atrium.Admin"]));
    assert_eq!(told_at, NOW);
}

/// A claim that is a single string counts as a list of one.
#[tokio::test]
async fn single_group_may_be_a_string() {
    let app = app().await;
    rule(
        &app,
        GroupSource::Group,
        "engineers",
        Some(SystemRole::Admin),
        None,
    )
    .await;
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["groups"] = json!("engineers"));
    sign_in(&app).await;
    assert_eq!(roles(&app).await, ["admin/group"]);
}

/// SEC-A10: an unreadable claim is an error, not an empty list.
#[tokio::test]
async fn claims_that_are_not_lists_of_text_are_rejected() {
    for claims in [
        (|claims: &mut Value, _: &Context| claims["groups"] = json!({ "a": "b" }))
            as fn(&mut Value, &Context),
        |claims, _| claims["groups"] = json!(["a", 7]),
        |claims, _| claims["roles"] = json!([["a"]]),
        |claims, _| claims["roles"] = json!(true),
    ] {
        let app = app().await;
        app.issuer.plan(|plan| plan.claims = claims);
        assert_eq!(
            sign_in(&app).await,
            "/sign-in?error=token&return_to=%2Fmemories"
        );
        assert_eq!(app.sign_ins().await, [("denied".into(), "claims".into())]);
        assert_eq!(app.sessions().await, 0);
    }
}

/// Entra's answer for more groups than fit into the token. The endpoint that
/// the token names belongs to somebody else.
fn overage(claims: &mut Value, context: &Context) {
    claims["_claim_names"] = json!({ "groups": "src1" });
    claims["_claim_sources"] =
        json!({ "src1": { "endpoint": format!("{}/foreign-graph", context.base) } });
    claims["roles"] = json!(["Atrium.Viewer"]);
}

/// Two pages; the group is on the second.
fn two_pages(page: usize, context: &Context) -> Response {
    let next = format!("{}/graph/v1.0/me/transitiveMemberOf?page=1", context.base);
    let answer = match page {
        0 => json!({
            "value": [
                { "@odata.type": "#microsoft.graph.group", "id": "first" },
                { "@odata.type": "#microsoft.graph.directoryRole", "id": "a-directory-role" },
            ],
            "@odata.nextLink": next,
        }),
        _ => json!({ "value": [{ "@odata.type": "#microsoft.graph.group", "id": "second" }] }),
    };
    Json(answer).into_response()
}

/// SEC-A10: with more than 200 groups, Graph is queried page by page at the
/// configured address.
#[tokio::test]
async fn groups_beyond_the_token_come_from_graph() {
    for claims in [
        overage as fn(&mut Value, &Context),
        |claims, _| claims["hasgroups"] = json!(true),
        |claims, _| claims["hasgroups"] = json!("true"),
    ] {
        let app = app().await;
        rule(
            &app,
            GroupSource::Group,
            "second",
            Some(SystemRole::Admin),
            None,
        )
        .await;
        rule(
            &app,
            GroupSource::Group,
            "foreign",
            Some(SystemRole::Owner),
            None,
        )
        .await;
        rule(
            &app,
            GroupSource::Group,
            "a-directory-role",
            Some(SystemRole::Billing),
            None,
        )
        .await;
        app.issuer.plan(|plan| {
            plan.claims = claims;
            plan.graph = two_pages;
        });
        assert_eq!(sign_in(&app).await, "/memories");
        assert_eq!(roles(&app).await, ["admin/group"]);
        assert_eq!(app.issuer.graph_requests(), 2);
        assert_eq!(app.issuer.foreign_fetches(), 0);
    }
}

type Graph = fn(usize, &Context) -> Response;

/// SEC-A10: if Graph fails or answers nonsense, the sign-in is denied and the
/// earlier roles stay.
#[tokio::test]
async fn failing_graph_denies_the_sign_in() {
    let app = app().await;
    rule(
        &app,
        GroupSource::Group,
        "engineers",
        Some(SystemRole::Admin),
        None,
    )
    .await;
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["groups"] = json!(["engineers"]));
    sign_in(&app).await;

    let bad: [(&str, Graph); 8] = [
        ("graph_refused", |_, _| {
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }),
        ("graph_refused", |_, _| {
            StatusCode::FORBIDDEN.into_response()
        }),
        // A redirect is not followed: the access token would be sent along.
        ("graph_refused", |_, context| {
            axum::response::Redirect::to(&format!("{}/foreign-graph", context.base)).into_response()
        }),
        ("graph_answer", |_, _| {
            Html("<h1>Sign in</h1>").into_response()
        }),
        ("graph_answer", |_, _| {
            Json(json!({ "value": [{ "id": 7 }] })).into_response()
        }),
        ("graph_answer", |_, _| {
            Json(json!({ "error": "none" })).into_response()
        }),
        ("graph_answer", |_, context| {
            let next = format!("{}/graph/v1.0/../../foreign-graph", context.base);
            Json(json!({ "value": [], "@odata.nextLink": next })).into_response()
        }),
        // An endless list of pages.
        ("graph_answer", |_, context| {
            let next = format!("{}/graph/v1.0/me/transitiveMemberOf?page=1", context.base);
            Json(json!({ "value": [], "@odata.nextLink": next })).into_response()
        }),
    ];
    for (reason, graph) in bad {
        app.issuer.plan(|plan| {
            plan.claims = overage;
            plan.graph = graph;
        });
        assert_eq!(
            sign_in(&app).await,
            "/sign-in?error=groups&return_to=%2Fmemories"
        );
        assert_eq!(
            app.sign_ins().await.pop().unwrap(),
            ("denied".into(), reason.into())
        );
    }
    assert_eq!(app.issuer.foreign_fetches(), 0);
    assert_eq!(roles(&app).await, ["admin/group"]);
    assert_eq!(app.sessions().await, 1);
}

/// SEC-A10: the issuer keeps the groups at an endpoint that Atrium doesn't query.
#[tokio::test]
async fn groups_at_an_unknown_endpoint_deny_the_sign_in() {
    let app = App::start_with(|settings| settings.oidc.as_mut().unwrap().graph_url = None).await;
    app.issuer.plan(|plan| plan.claims = overage);
    assert_eq!(
        sign_in(&app).await,
        "/sign-in?error=groups&return_to=%2Fmemories"
    );
    assert_eq!(
        app.sign_ins().await,
        [("denied".into(), "graph_unknown".into())]
    );
    assert_eq!(app.issuer.foreign_fetches(), 0);
}

/// SEC-A11: the last owner by a group keeps the role after leaving the group.
#[tokio::test]
async fn last_owner_keeps_the_role() {
    let app = app().await;
    rule(
        &app,
        GroupSource::Group,
        "chiefs",
        Some(SystemRole::Owner),
        None,
    )
    .await;
    app.issuer
        .plan(|plan| plan.claims = |claims, _| claims["groups"] = json!(["chiefs"]));
    sign_in(&app).await;
    assert_eq!(roles(&app).await, ["owner/group"]);

    app.issuer.behave();
    assert_eq!(sign_in(&app).await, "/memories");
    assert_eq!(roles(&app).await, ["owner/group"]);
    assert_eq!(
        audited(&app, "user.last_owner_kept").await,
        [("denied".into(), Value::Null)]
    );

    app.tenant.actor(SystemRole::Owner, "Olga").await;
    sign_in(&app).await;
    assert_eq!(roles(&app).await, [""; 0]);
    assert_eq!(audited(&app, "user.last_owner_kept").await.len(), 1);
}
