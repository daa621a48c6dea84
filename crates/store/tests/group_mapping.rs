//! Rules from groups to roles and teams, and the resulting grants (SEC-A10).

use domain::{
    AppError, RoleId,
    access::SystemRole,
    group_mapping::{GroupClaims, GroupId, GroupMapping, GroupSource, grants},
};
use store::{
    Store, StoreError, TenantTx,
    group_mapping::{
        group_mapping_create, group_mapping_delete, group_mapping_list, group_mapping_update,
        user_claims_get, user_claims_set, user_grants_set,
    },
    team::team_member_add,
    testing::{NOW, TestDb, TestTenant, id},
};

async fn role(db: &TestDb, tenant: &TestTenant, role: SystemRole) -> RoleId {
    let id: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM roles WHERE tenant_id = $1 AND key = $2")
            .bind(tenant.id)
            .bind(role.key())
            .fetch_one(&db.admin)
            .await
            .unwrap();
    RoleId(id)
}

fn mapping(group: &str, role_id: RoleId, priority: i32) -> GroupMapping {
    GroupMapping {
        id: id(),
        source: GroupSource::Group,
        group_id: GroupId::parse(group).unwrap(),
        label: group.to_owned(),
        role_id: Some(role_id),
        team_id: None,
        priority,
    }
}

async fn create(tx: &mut TenantTx, mapping: &GroupMapping) -> Result<(), AppError> {
    Ok(group_mapping_create(tx, mapping, NOW).await?)
}

#[tokio::test]
async fn rules_are_listed_in_the_order_of_precedence() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let admin = role(&db, &acme, SystemRole::Admin).await;
    let mut tx = acme.enter().await;
    let mut by_app_role = mapping("b", admin, 10);
    by_app_role.source = GroupSource::AppRole;
    let rules = [
        mapping("z", admin, 500),
        mapping("B", admin, 10),
        mapping("b", admin, 10),
        by_app_role,
        mapping("a", admin, 0),
    ];
    for rule in rules.iter().rev() {
        create(&mut tx, rule).await.unwrap();
    }
    assert_eq!(group_mapping_list(&mut tx).await.unwrap(), rules);
    // The rule itself has the same values as the list.
    let claims = GroupClaims::new(["a", "b"], ["b"]);
    assert_eq!(grants(&rules, &claims).roles[0].decided_by, rules[2].id);

    group_mapping_delete(&mut tx, rules[0].id).await.unwrap();
    let changed = GroupMapping {
        priority: 1000,
        ..rules[4].clone()
    };
    group_mapping_update(&mut tx, &changed, NOW).await.unwrap();
    let left = group_mapping_list(&mut tx).await.unwrap();
    assert_eq!((left.len(), &left[0]), (4, &changed));
    for missing in [
        group_mapping_delete(&mut tx, rules[0].id).await,
        group_mapping_update(&mut tx, &rules[0], NOW).await,
    ] {
        assert!(matches!(missing, Err(StoreError::NotFound)));
    }
}

/// Creates in a separate transaction, which the error ends.
async fn refused(tenant: &TestTenant, mapping: &GroupMapping) -> AppError {
    create(&mut tenant.enter().await, mapping)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn invalid_rules_are_rejected_by_field() {
    let db = TestDb::new().await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let admin = role(&db, &acme, SystemRole::Admin).await;
    let rule = mapping("a", admin, 10);
    let mut tx = acme.enter().await;
    create(&mut tx, &rule).await.unwrap();
    tx.commit().await.unwrap();

    let twin = GroupMapping {
        id: id(),
        priority: 20,
        ..rule.clone()
    };
    assert!(refused(&acme, &twin).await.for_field("group_id").is_some());
    let of_nothing = GroupMapping {
        id: id(),
        role_id: None,
        ..rule.clone()
    };
    assert!(
        refused(&acme, &of_nothing)
            .await
            .for_field("role_id")
            .is_some()
    );
    for priority in [-1, 1001] {
        let out_of_range = mapping("b", admin, priority);
        assert!(
            refused(&acme, &out_of_range)
                .await
                .for_field("priority")
                .is_some()
        );
    }
    // SEC-C6: another tenant's role and team are not found.
    let foreign = mapping("a", admin, 10);
    assert_eq!(refused(&other, &foreign).await, AppError::NotFound);
    let team = acme.team("Support", &[]).await;
    let foreign = GroupMapping {
        role_id: None,
        team_id: Some(team),
        ..foreign
    };
    assert_eq!(refused(&other, &foreign).await, AppError::NotFound);
    // The same group can have a rule in another tenant.
    let own = role(&db, &other, SystemRole::Admin).await;
    create(&mut other.enter().await, &mapping("a", own, 10))
        .await
        .unwrap();
}

async fn claims_as(store: &Store, who: &domain::Actor, of: &domain::Actor) -> Option<GroupClaims> {
    let mut tx = store.begin(who).await.unwrap();
    user_claims_get(&mut tx, of.user_id)
        .await
        .unwrap()
        .map(|(claims, _)| claims)
}

/// SEC-C3: only members who may manage rules write them and see others' groups,
/// and no member writes the claims of the issuer.
#[tokio::test]
async fn row_security_protects_rules_and_claims() {
    let db = TestDb::new().await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let admin = acme.actor(SystemRole::Admin, "Ada").await;
    let member = acme.actor(SystemRole::Member, "Mia").await;
    let stranger = other.actor(SystemRole::Owner, "Otto").await;
    let rule = mapping("a", role(&db, &acme, SystemRole::Viewer).await, 10);

    let mut tx = db.store.begin(&member).await.unwrap();
    assert!(matches!(
        group_mapping_create(&mut tx, &rule, NOW).await,
        Err(StoreError::Other(_))
    ));
    let mut tx = db.store.begin(&admin).await.unwrap();
    create(&mut tx, &rule).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.store.begin(&member).await.unwrap();
    let denied = group_mapping_delete(&mut tx, rule.id).await;
    assert!(matches!(denied, Err(StoreError::NotFound)));
    let mut tx = db.store.begin(&stranger).await.unwrap();
    assert_eq!(group_mapping_list(&mut tx).await.unwrap(), []);

    let claims = GroupClaims::new(["a"], ["b"]);
    let mut tx = acme.enter().await;
    user_claims_set(&mut tx, member.user_id, &claims, NOW)
        .await
        .unwrap();
    user_claims_set(&mut tx, admin.user_id, &claims, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.store.begin(&admin).await.unwrap();
    assert!(
        user_claims_set(&mut tx, admin.user_id, &claims, NOW)
            .await
            .is_err()
    );
    for (who, of, sees) in [
        (&admin, &member, true),
        (&member, &member, true),
        (&member, &admin, false),
        (&stranger, &member, false),
    ] {
        assert_eq!(
            claims_as(&db.store, who, of).await.is_some(),
            sees,
            "{}",
            who.label
        );
    }
}

/// A manual membership and one by a group are independent, and the team counts
/// once.
#[tokio::test]
async fn manual_memberships_stay() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.user("Mia").await;
    let team = acme.team("Support", &[mia]).await;
    let rule = GroupMapping {
        team_id: Some(team),
        ..mapping("a", role(&db, &acme, SystemRole::Viewer).await, 1)
    };
    let granted = grants(
        std::slice::from_ref(&rule),
        &GroupClaims::new(["a"], [""; 0]),
    );
    let mut tx = acme.enter().await;
    let changed = user_grants_set(&mut tx, mia, &granted, NOW).await.unwrap();
    assert_eq!(
        (
            changed.roles_gained.as_slice(),
            changed.teams_gained.as_slice()
        ),
        (&["viewer".to_owned()][..], &["Support".to_owned()][..])
    );
    team_member_add(&mut tx, team, mia, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(acme.actor_of(mia).await.team_ids, [team]);

    let mut tx = acme.enter().await;
    let by_app_role = GroupMapping {
        source: GroupSource::AppRole,
        ..rule
    };
    let granted = grants(&[by_app_role], &GroupClaims::new([""; 0], ["a"]));
    let changed = user_grants_set(&mut tx, mia, &granted, NOW).await.unwrap();
    assert!(!changed.is_change(), "only the source changed: {changed:?}");
    let changed = user_grants_set(&mut tx, mia, &grants(&[], &GroupClaims::default()), NOW)
        .await
        .unwrap();
    assert_eq!((changed.roles_lost.len(), changed.teams_lost.len()), (1, 1));
    tx.commit().await.unwrap();
    assert_eq!(acme.actor_of(mia).await.team_ids, [team]);
}
