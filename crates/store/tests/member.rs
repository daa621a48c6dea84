//! Reading members: lists, filters, roles.

use domain::{
    ActorKind, UserId,
    access::SystemRole,
    member::{MemberListInput, UserStatus},
};
use sqlx::{Connection, PgConnection};
use store::{
    Login, StoreError,
    member::{member_get, member_list},
    testing::{NOW, TestDb, TestTenant, id},
    user::{NewUser, user_create, user_status_set},
};

async fn names(tenant: &TestTenant, filter: &MemberListInput) -> Vec<String> {
    let mut tx = tenant.enter().await;
    let page = member_list(&mut tx, filter, 50).await.unwrap();
    page.items.into_iter().map(|m| m.display_name).collect()
}

fn filter(change: impl FnOnce(&mut MemberListInput)) -> MemberListInput {
    let mut filter = MemberListInput::default();
    change(&mut filter);
    filter
}

#[tokio::test]
async fn pages_by_name_have_no_gap_or_repeat() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    db.tenant("other").await.user("Stranger").await;
    for name in ["mia", "Ada", "Mia", "béa", "Zoe", "Mia"] {
        acme.user(name).await;
    }
    let all = names(&acme, &MemberListInput::default()).await;
    assert_eq!(all.len(), 6);
    assert!(all.is_sorted_by_key(|name| name.to_lowercase()), "{all:?}");

    let mut tx = acme.enter().await;
    let mut paged = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let input = filter(|f| f.after.clone_from(&after));
        let page = member_list(&mut tx, &input, 2).await.unwrap();
        paged.extend(page.items.into_iter().map(|m| m.display_name));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn members_are_found_by_name_address_role_team_kind_and_status() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let ada = acme.actor(SystemRole::Admin, "Ada Lovelace").await;
    let ben = acme.user("Ben").await;
    let team = acme.team("Design", &[ben]).await;
    let bot: UserId = id();
    let mut tx = acme.enter().await;
    let new = NewUser {
        id: bot,
        display_name: "Filing clerk",
        email: None,
        kind: ActorKind::Agent,
    };
    user_create(&mut tx, &new, NOW).await.unwrap();
    user_status_set(&mut tx, ben, UserStatus::Suspended, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    for (of, found) in [
        (filter(|f| f.query = "LOVE".into()), vec!["Ada Lovelace"]),
        (filter(|f| f.query = "ben@".into()), vec!["Ben"]),
        (filter(|f| f.query = "%".into()), vec![]),
        (filter(|f| f.query = "' OR 1=1 --".into()), vec![]),
        (filter(|f| f.role = "admin".into()), vec!["Ada Lovelace"]),
        (filter(|f| f.role = "nonsense".into()), vec![]),
        (filter(|f| f.team = team.to_string()), vec!["Ben"]),
        (filter(|f| f.kind = "agent".into()), vec!["Filing clerk"]),
        (filter(|f| f.status = "suspended".into()), vec!["Ben"]),
        (
            filter(|f| {
                f.status = "active".into();
                f.kind = "human".into();
            }),
            vec!["Ada Lovelace"],
        ),
    ] {
        assert_eq!(names(&acme, &of).await, found, "{of:?}");
    }
    for (field, of) in [
        ("status", filter(|f| f.status = "x".into())),
        ("kind", filter(|f| f.kind = "x".into())),
        ("team", filter(|f| f.team = "x".into())),
    ] {
        let refused = member_list(&mut acme.enter().await, &of, 5).await;
        assert!(matches!(refused, Err(StoreError::Filter(name)) if name == field));
    }
    let of = filter(|f| f.after = Some("x".into()));
    let refused = member_list(&mut acme.enter().await, &of, 5).await;
    assert!(matches!(refused, Err(StoreError::Cursor)));

    let seen = member_get(&mut acme.enter().await, ada.user_id)
        .await
        .unwrap();
    assert_eq!(seen.roles.len(), 1);
    assert_eq!((seen.is_owner, seen.is_last_owner), (false, false));
}

#[tokio::test]
async fn page_of_many_members_is_read_by_the_index() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    sqlx::query(
        "INSERT INTO users (tenant_id, id, display_name, kind, status, created_at, updated_at)
         SELECT $1, gen_random_uuid(), 'Member ' || n, 'human', 'active', $2, $2
           FROM generate_series(1, 20000) AS n",
    )
    .bind(acme.id)
    .bind(NOW)
    .execute(&db.admin)
    .await
    .unwrap();
    sqlx::query("ANALYZE users")
        .execute(&db.admin)
        .await
        .unwrap();
    // As the application's role, so that row security is part of the plan.
    let mut conn = PgConnection::connect_with(&db.login_options(Login::App))
        .await
        .unwrap();
    sqlx::query("SELECT set_config('role', 'atrium_app', false), set_config('app.current_tenant_id', $1, false)")
        .bind(acme.id.to_string())
        .execute(&mut conn)
        .await
        .unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT id FROM users WHERE tenant_id = $1
            AND (sort_name, id) > ('member 5000', '00000000-0000-0000-0000-000000000000'::uuid)
          ORDER BY sort_name, id LIMIT 51",
    )
    .bind(acme.id)
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(
        plan.contains("users_sort_name_idx")
            && plan.contains("Index Cond")
            && plan.contains("ROW(sort_name, id)"),
        "{plan}"
    );
}
