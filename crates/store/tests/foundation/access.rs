//! Tenants, members, roles and identities.

use domain::{AppError, Permission, access::SystemRole, identity::IdentityKey};
use store::{
    StoreError,
    actor::{actor_find, actor_load},
    identity::{identity_create, identity_find},
    role::{LAST_OWNER, RoleSource, user_role_grant, user_role_revoke},
    team::team_member_add,
    tenant::{
        NewTenant, TenantStatus, tenant_create, tenant_find_by_slug, tenant_find_only, tenant_list,
    },
    testing::{NOW, TestDb, id},
    user::{UserStatus, profile_get, user_find, user_profile_set, user_status_set, user_touch},
};
use time::Duration;
use uuid::Uuid;

fn is_last_owner<T: std::fmt::Debug>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Constraint(name)) if name == LAST_OWNER)
}

#[tokio::test]
async fn tenant_is_created_with_its_system_roles() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    for role in SystemRole::ALL {
        let actor = acme.actor(*role, role.label()).await;
        let held: Vec<_> = actor.permissions.iter().copied().collect();
        let mut meant = role.permissions().to_vec();
        meant.sort();
        assert_eq!(held, meant, "{role:?}");
    }
}

#[tokio::test]
async fn slug_is_unique_and_validated() {
    let db = TestDb::new().await;
    db.tenant("acme").await;
    for (slug, field) in [
        ("acme", "slug"),
        ("Acme", "slug"),
        ("-a", "slug"),
        ("", "slug"),
    ] {
        let tenant = NewTenant {
            id: id(),
            slug,
            name: "Acme",
            is_demo: false,
            entra_tenant_id: None,
            role_ids: std::array::from_fn(|_| id()),
            embedding_model_id: id(),
        };
        let mut tx = db.store.begin_operator().await.unwrap();
        let error = AppError::from(tenant_create(&mut tx, &tenant, NOW).await.unwrap_err());
        assert!(error.for_field(field).is_some(), "{slug}: {error:?}");
    }
}

#[tokio::test]
async fn auth_role_finds_tenants() {
    let db = TestDb::new().await;
    let mut tx = db.store.begin_auth().await.unwrap();
    assert_eq!(
        tenant_find_only(&mut tx).await.unwrap(),
        None,
        "there is no tenant"
    );
    let acme = db.tenant("acme").await;
    let found = tenant_find_only(&mut tx).await.unwrap().unwrap();
    assert_eq!((found.id, found.status), (acme.id, TenantStatus::Active));
    assert_eq!(
        tenant_find_by_slug(&mut tx, "acme").await.unwrap(),
        Some(found)
    );
    assert_eq!(tenant_find_by_slug(&mut tx, "other").await.unwrap(), None);

    db.tenant("other").await;
    assert_eq!(
        tenant_find_only(&mut tx).await.unwrap(),
        None,
        "two tenants are ambiguous"
    );
    let mut tx = db.store.begin_operator().await.unwrap();
    let slugs: Vec<_> = tenant_list(&mut tx)
        .await
        .unwrap()
        .into_iter()
        .map(|t| t.tenant.slug)
        .collect();
    assert_eq!(slugs, ["acme", "other"]);
}

// SEC-A9
#[tokio::test]
async fn identity_is_found_by_its_key_within_a_tenant_only() {
    let db = TestDb::new().await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let (mia, max) = (acme.user("Mia").await, other.user("Max").await);
    let key = |issuer: &str, subject: &str| IdentityKey::Subject {
        issuer: issuer.into(),
        subject: subject.into(),
    };
    let (tid, oid) = (id::<Uuid>(), id::<Uuid>());
    let mut tx = db.store.begin_auth().await.unwrap();
    identity_create(
        &mut tx,
        id(),
        acme.id,
        mia,
        &key("https://a.test", "1"),
        NOW,
    )
    .await
    .unwrap();
    identity_create(
        &mut tx,
        id(),
        acme.id,
        mia,
        &IdentityKey::Entra { tid, oid },
        NOW,
    )
    .await
    .unwrap();
    // The same person in another tenant is another member.
    identity_create(
        &mut tx,
        id(),
        other.id,
        max,
        &key("https://a.test", "1"),
        NOW,
    )
    .await
    .unwrap();

    for (tenant, key, found) in [
        (acme.id, key("https://a.test", "1"), Some(mia)),
        (other.id, key("https://a.test", "1"), Some(max)),
        (acme.id, key("https://a.test", "2"), None),
        (acme.id, key("https://b.test", "1"), None),
        (acme.id, key("https://A.test", "1"), None),
        (acme.id, IdentityKey::Entra { tid, oid }, Some(mia)),
        (acme.id, IdentityKey::Entra { tid: oid, oid: tid }, None),
        (other.id, IdentityKey::Entra { tid, oid }, None),
    ] {
        assert_eq!(
            identity_find(&mut tx, tenant, &key)
                .await
                .unwrap()
                .map(|identity| identity.user_id),
            found,
            "{key:?}"
        );
    }
    let again = identity_create(
        &mut tx,
        id(),
        acme.id,
        mia,
        &key("https://a.test", "1"),
        NOW,
    )
    .await;
    assert!(matches!(again, Err(StoreError::Constraint(name)) if name == "identities_subject_key"));
}

#[tokio::test]
async fn actor_has_the_permissions_of_its_current_roles_and_teams() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let viewer = acme.actor(SystemRole::Viewer, "Vera").await;
    let design = acme.team("Design", &[viewer.user_id]).await;
    assert!(!viewer.permissions.contains(&Permission::MemoryWrite));

    let mut tx = acme.enter().await;
    user_role_grant(&mut tx, viewer.user_id, "member", RoleSource::Group, NOW)
        .await
        .unwrap();
    user_role_grant(&mut tx, viewer.user_id, "member", RoleSource::Group, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let now = acme.actor_of(viewer.user_id).await;
    assert!(now.permissions.contains(&Permission::MemoryWrite));
    assert_eq!(now.team_ids, [design]);

    let mut tx = db.store.begin(&now).await.unwrap();
    let profile = profile_get(&mut tx).await.unwrap();
    assert_eq!(
        (profile.tenant_slug.as_str(), profile.display_name.as_str()),
        ("acme", "Vera")
    );
    assert_eq!(
        (profile.roles, profile.teams),
        (
            vec!["Member".into(), "Viewer".into()],
            vec!["Design".into()]
        )
    );

    let mut tx = acme.enter().await;
    user_role_revoke(&mut tx, viewer.user_id, "member", RoleSource::Group)
        .await
        .unwrap();
    let again = user_role_revoke(&mut tx, viewer.user_id, "member", RoleSource::Group).await;
    assert!(matches!(again, Err(StoreError::NotFound)));
    tx.commit().await.unwrap();
    assert!(
        !acme
            .actor_of(viewer.user_id)
            .await
            .permissions
            .contains(&Permission::MemoryWrite)
    );
}

// SEC-B3
#[tokio::test]
async fn inactive_member_can_not_act() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let find = async || {
        actor_find(&db.store, acme.id, mia.user_id, mia.request.clone())
            .await
            .unwrap()
    };
    assert_eq!(find().await, Some(mia.clone()));
    assert_eq!(
        actor_find(&db.store, acme.id, id(), mia.request.clone())
            .await
            .unwrap(),
        None
    );

    for status in [
        UserStatus::Suspended,
        UserStatus::Deactivated,
        UserStatus::Invited,
        UserStatus::Active,
    ] {
        let mut tx = acme.enter().await;
        user_status_set(&mut tx, mia.user_id, status, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            find().await.is_some(),
            status == UserStatus::Active,
            "{status:?}"
        );
    }
    sqlx::query("UPDATE tenants SET status = 'suspended'")
        .execute(&db.admin)
        .await
        .unwrap();
    assert_eq!(find().await, None);
    let record = actor_load(&mut acme.enter().await, mia.user_id)
        .await
        .unwrap();
    assert_eq!(
        (record.may_act(), record.tenant_status),
        (false, TenantStatus::Suspended)
    );
}

// SEC-A11
#[tokio::test]
async fn last_owner_is_kept_on_every_path() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let olga = acme.actor(SystemRole::Owner, "Olga").await.user_id;
    let mut tx = acme.enter().await;

    assert!(is_last_owner(
        user_role_revoke(&mut tx, olga, "owner", RoleSource::Manual).await
    ));
    for status in [
        UserStatus::Suspended,
        UserStatus::Deactivated,
        UserStatus::Invited,
    ] {
        assert!(
            is_last_owner(user_status_set(&mut tx, olga, status, NOW).await),
            "{status:?}"
        );
    }
    // The role has two sources, so one of them may be removed.
    user_role_grant(&mut tx, olga, "owner", RoleSource::Group, NOW)
        .await
        .unwrap();
    user_role_revoke(&mut tx, olga, "owner", RoleSource::Manual)
        .await
        .unwrap();
    assert!(is_last_owner(
        user_role_revoke(&mut tx, olga, "owner", RoleSource::Group).await
    ));
    tx.commit().await.unwrap();

    // An inactive owner doesn't count.
    let otto = acme.actor(SystemRole::Owner, "Otto").await.user_id;
    let mut tx = acme.enter().await;
    user_status_set(&mut tx, otto, UserStatus::Suspended, NOW)
        .await
        .unwrap();
    assert!(is_last_owner(
        user_status_set(&mut tx, olga, UserStatus::Deactivated, NOW).await
    ));
    user_status_set(&mut tx, otto, UserStatus::Active, NOW)
        .await
        .unwrap();
    user_status_set(&mut tx, olga, UserStatus::Deactivated, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

// SEC-A11
#[tokio::test]
async fn two_owners_who_remove_each_other_at_once_leave_one() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mut owners = Vec::new();
    for name in ["Olga", "Otto"] {
        owners.push(acme.actor(SystemRole::Owner, name).await.user_id);
    }
    let removals: Vec<_> = owners
        .into_iter()
        .map(|owner| {
            let acme = acme.clone();
            tokio::spawn(async move {
                let mut tx = acme.enter().await;
                user_role_revoke(&mut tx, owner, "owner", RoleSource::Manual).await?;
                tx.commit().await
            })
        })
        .collect();
    let mut removed = 0;
    for removal in removals {
        match removal.await.unwrap() {
            Ok(()) => removed += 1,
            refused => assert!(is_last_owner(refused)),
        }
    }
    assert_eq!(removed, 1);
}

// SEC-C6
#[tokio::test]
async fn ids_of_another_tenant_are_not_found() {
    let db = TestDb::new().await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let (mia, max) = (acme.user("Mia").await, other.user("Max").await);
    let team = other.team("Theirs", &[max]).await;

    for stranger in [max, id()] {
        assert!(matches!(
            user_find(&mut acme.enter().await, stranger).await,
            Err(StoreError::NotFound)
        ));
        assert!(matches!(
            actor_load(&mut acme.enter().await, stranger).await,
            Err(StoreError::NotFound)
        ));
        let grant = user_role_grant(
            &mut acme.enter().await,
            stranger,
            "member",
            RoleSource::Manual,
            NOW,
        )
        .await;
        assert_eq!(AppError::from(grant.unwrap_err()), AppError::NotFound);
        let status = user_status_set(
            &mut acme.enter().await,
            stranger,
            UserStatus::Suspended,
            NOW,
        )
        .await;
        assert!(matches!(status, Err(StoreError::NotFound)));
        let describe = user_profile_set(&mut acme.enter().await, stranger, "X", None, NOW).await;
        assert!(matches!(describe, Err(StoreError::NotFound)));
    }
    for stranger in [team, id()] {
        let join = team_member_add(&mut acme.enter().await, stranger, mia, NOW).await;
        assert_eq!(AppError::from(join.unwrap_err()), AppError::NotFound);
    }
}

// SEC-G: even if the service forgot to check the permission.
#[tokio::test]
async fn database_does_not_change_the_organisation_without_the_permission() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let moe = acme.user("Moe").await;
    let team = acme.team("Kitchen", &[mia.user_id]).await;
    let (owner, member) = (SystemRole::Owner.key(), SystemRole::Member.key());
    let manual = RoleSource::Manual;

    let mut tx = db.store.begin(&mia).await.unwrap();
    let grant = user_role_grant(&mut tx, mia.user_id, owner, manual, NOW).await;
    assert!(grant.is_err());
    let mut tx = db.store.begin(&mia).await.unwrap();
    let revoke = user_role_revoke(&mut tx, mia.user_id, member, manual).await;
    assert!(matches!(revoke, Err(StoreError::NotFound)));
    let suspend = user_status_set(&mut tx, moe, UserStatus::Suspended, NOW).await;
    assert!(matches!(suspend, Err(StoreError::NotFound)));
    let join = team_member_add(&mut tx, team, moe, NOW).await;
    assert!(join.is_err());

    // The same in a system transaction.
    let mut tx = acme.enter().await;
    user_role_grant(&mut tx, moe, member, manual, NOW)
        .await
        .unwrap();
    team_member_add(&mut tx, team, moe, NOW).await.unwrap();
    user_status_set(&mut tx, moe, UserStatus::Suspended, NOW)
        .await
        .unwrap();
}

#[tokio::test]
async fn member_profile_comes_from_the_issuer_and_is_seen_once_a_minute() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.user("Mia").await;
    let mut tx = acme.enter().await;
    user_profile_set(&mut tx, mia, "Mia Lang", Some("mia@acme.test"), NOW)
        .await
        .unwrap();
    for (seconds, seen) in [(0, 0), (59, 0), (60, 60)] {
        user_touch(&mut tx, mia, NOW + Duration::seconds(seconds))
            .await
            .unwrap();
        let user = user_find(&mut tx, mia).await.unwrap();
        assert_eq!(user.last_seen_at, Some(NOW + Duration::seconds(seen)));
    }
    let user = user_find(&mut tx, mia).await.unwrap();
    assert_eq!(
        (user.display_name.as_str(), user.email.as_deref()),
        ("Mia Lang", Some("mia@acme.test"))
    );
}
