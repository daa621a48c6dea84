//! The figures of the overview: what counts, and whose rows are counted.

use std::collections::BTreeSet;

use domain::{
    Actor, ActorKind, Permission, Vendor,
    access::SystemRole,
    api_key::NewApiKey,
    group_mapping::{GroupClaims, GroupId},
    overview::{GroupFigures, InviteFigures, KEY_EXPIRY_DAYS, KeyFigures, MemberFigures},
};
use store::{
    api_key::{ApiKeySecret, api_key_create},
    group_mapping::user_claims_set,
    invite::{NewInviteRow, invite_create},
    overview::{OverviewFigures, OverviewScope, overview_figures},
    testing::{NOW, TestDb, TestTenant, id},
    user::{NewUser, user_create},
};
use time::Duration;

const ALL: OverviewScope = OverviewScope {
    proposals: true,
    decides_proposals: true,
    own_keys: true,
    all_keys: true,
    members: true,
    invites: true,
    groups: true,
    audit: true,
};

const NOTHING: OverviewScope = OverviewScope {
    proposals: false,
    decides_proposals: false,
    own_keys: false,
    all_keys: false,
    members: false,
    invites: false,
    groups: false,
    audit: false,
};

async fn figures(db: &TestDb, actor: &Actor, scope: OverviewScope) -> OverviewFigures {
    let mut tx = db.store.begin_read(actor).await.unwrap();
    overview_figures(&mut tx, scope, NOW).await.unwrap()
}

async fn create_key(db: &TestDb, actor: &Actor, hash: u8, days: i64) {
    let key = NewApiKey {
        label: "Export".into(),
        scopes: BTreeSet::from([Permission::MemoryRead]),
        vendor: Vendor::Other,
        lifetime: Some(Duration::days(days)),
    };
    let secret = ApiKeySecret {
        hash: &[hash; 32],
        prefix: "atr_abcd",
    };
    let mut tx = db.store.begin(actor).await.unwrap();
    api_key_create(&mut tx, id(), actor.user_id, secret, &key, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn create_invite(db: &TestDb, actor: &Actor, hash: u8, days: i64) {
    let invite = NewInviteRow {
        id: id(),
        email: None,
        token_hash: &[hash; 32],
        role_id: None,
        team_id: None,
        expires_at: NOW + Duration::days(days),
    };
    let mut tx = db.store.begin(actor).await.unwrap();
    invite_create(&mut tx, &invite, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

/// Ben has a directory group but no role, and a service is active.
async fn fill(db: &TestDb, acme: &TestTenant) -> (Actor, Actor) {
    let olga = acme.actor(SystemRole::Owner, "Olga").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let ben = acme.user("Ben").await;
    let mut tx = acme.enter().await;
    let claims = GroupClaims {
        groups: BTreeSet::from([GroupId::parse("staff").unwrap()]),
        ..GroupClaims::default()
    };
    for member in [ben, mia.user_id] {
        user_claims_set(&mut tx, member, &claims, NOW)
            .await
            .unwrap();
    }
    let service = NewUser {
        id: id(),
        display_name: "Exporter",
        email: None,
        kind: ActorKind::Service,
    };
    user_create(&mut tx, &service, NOW).await.unwrap();
    tx.commit().await.unwrap();
    create_key(db, &olga, 1, KEY_EXPIRY_DAYS).await;
    create_key(db, &mia, 2, KEY_EXPIRY_DAYS + 1).await;
    create_invite(db, &olga, 1, 1).await;
    create_invite(db, &olga, 2, 0).await;
    acme.team("Garden", &[ben]).await;
    (olga, mia)
}

// SEC-C6
#[tokio::test]
async fn figures_count_only_rows_that_the_member_may_see() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let (olga, mia) = fill(&db, &acme).await;
    let stranger = db.tenant("globex").await;
    let stranger = stranger.actor(SystemRole::Owner, "Gus").await;

    let seen = figures(&db, &olga, ALL).await;
    let key = |active, expiring| Some(KeyFigures { active, expiring });
    assert_eq!((seen.own_keys, seen.all_keys), (key(1, 1), key(2, 1)));
    assert_eq!(
        seen.invites,
        Some(InviteFigures {
            pending: 1,
            expired: 1
        })
    );
    assert_eq!(
        seen.groups,
        Some(GroupFigures {
            rules: 0,
            unmatched_people: 1
        })
    );
    let members = MemberFigures {
        people: 3,
        suspended: 0,
        services: 1,
        agents: 0,
        teams: 1,
    };
    assert_eq!(seen.members, Some(members));

    // The scope is what the caller asks for; row security decides what is there.
    let seen = figures(&db, &mia, ALL).await;
    assert_eq!((seen.own_keys, seen.all_keys), (key(1, 0), key(1, 0)));
    assert_eq!(
        seen.invites,
        Some(InviteFigures {
            pending: 0,
            expired: 0
        })
    );
    assert_eq!(seen.groups.unwrap().unmatched_people, 0);
    assert_eq!(seen.audit.unwrap().entries, 0);

    let seen = figures(&db, &stranger, ALL).await;
    assert_eq!((seen.own_keys, seen.all_keys), (key(0, 0), key(0, 0)));
    assert_eq!(seen.invites.unwrap().pending, 0);
    let alone = MemberFigures {
        people: 1,
        suspended: 0,
        services: 0,
        agents: 0,
        teams: 0,
    };
    assert_eq!(seen.members, Some(alone));
}

#[tokio::test]
async fn figures_outside_the_scope_are_absent() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let (olga, _) = fill(&db, &acme).await;
    assert_eq!(
        figures(&db, &olga, NOTHING).await,
        OverviewFigures {
            proposals: None,
            own_keys: None,
            all_keys: None,
            members: None,
            invites: None,
            groups: None,
            audit: None,
        }
    );
    let own = OverviewScope {
        own_keys: true,
        ..NOTHING
    };
    let seen = figures(&db, &olga, own).await;
    assert_eq!(seen.own_keys.unwrap().active, 1);
    assert_eq!(seen.all_keys, None);
}
