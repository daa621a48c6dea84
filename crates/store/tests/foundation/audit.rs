//! The audit log is append-only, ordered and complete.

use domain::{
    Actor, AppError,
    access::SystemRole,
    audit::{AuditListInput, Outcome},
};
use serde_json::json;
use sqlx::PgPool;
use store::{
    Login, StoreError,
    audit::{
        AuditEvent, AuditProblem, AuditVerdict, audit_append, audit_list, audit_partitions_ensure,
        audit_verify,
    },
    testing::{NOW, TestDb, TestTenant},
};
use time::{Duration, macros::datetime};
use tlog::{Edge, TreeHead};

pub(crate) async fn append(
    db: &TestDb,
    actor: &Actor,
    events: &[AuditEvent],
) -> Result<i64, StoreError> {
    // Some events can only be written by a system transaction.
    let mut tx = db.store.begin_as_system(actor.tenant_id).await?;
    let seq = audit_append(&mut tx, events).await?;
    tx.commit().await?;
    Ok(seq)
}

/// `count` events a second apart, in which every kind of field occurs.
pub(crate) fn events(actor: &Actor, count: i64) -> Vec<AuditEvent> {
    (0..count)
        .map(|n| {
            let at = NOW + Duration::seconds(n) + Duration::microseconds(n);
            let mut event = AuditEvent::by_actor(actor, "memory.update", Outcome::Success, at);
            match n % 4 {
                0 => {
                    event.resource_type = Some("memory".into());
                    event.resource_id = Some(format!("größe,{n}:-"));
                }
                1 => {
                    event.changes =
                        Some(json!({ "title": ["Ü", "\u{1f680}"], "n": 1.50, "a": null }));
                }
                2 => event = AuditEvent::by_system("session.sign_in", Outcome::Failure, at),
                _ => {
                    event.ip = Some("2001:db8::1".parse().unwrap());
                    event.metadata = Some(json!({ "permission": "memory.write" }));
                }
            }
            event
        })
        .collect()
}

pub(crate) async fn verify(acme: &TestTenant, known: &[TreeHead]) -> AuditVerdict {
    audit_verify(&mut acme.enter().await, known).await.unwrap()
}

/// The tree in a tenant's head, as a checkpoint would sign it.
pub(crate) async fn tree(db: &TestDb, acme: &TestTenant) -> TreeHead {
    let (seq, roots): (i64, Vec<Vec<u8>>) =
        sqlx::query_as("SELECT seq, edge FROM audit_heads WHERE tenant_id = $1")
            .bind(acme.id)
            .fetch_one(&db.admin)
            .await
            .unwrap();
    let roots = roots.into_iter().map(|root| root.try_into().unwrap());
    let edge = Edge::new(seq.unsigned_abs(), roots.collect());
    edge.expect("the edge fits the size").head()
}

// SEC-E2
#[tokio::test]
async fn untouched_chain_is_intact() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let AuditVerdict::Intact(empty) = verify(&acme, &[]).await else {
        panic!("an empty chain of an organisation without members is intact")
    };
    assert_eq!(empty.seq, 0);
    // Creating a member writes an audit row.
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    assert_eq!(
        verify(&acme, &[]).await,
        AuditVerdict::Broken {
            seq: 1,
            problem: AuditProblem::Emptied
        }
    );

    let mut known = Vec::new();
    let mut size = 0;
    // Each size up to 40 in steps, and a batch over several powers of two.
    for step in [1, 1, 1, 1, 1, 2, 1, 3, 5, 8, 16, 100, 1] {
        size += step;
        assert_eq!(append(&db, &mia, &events(&mia, step)).await.unwrap(), size);
        known.push(tree(&db, &acme).await);
        assert!(
            matches!(verify(&acme, &known).await, AuditVerdict::Intact(head) if head.seq == size),
            "{size}"
        );
    }
}

// SEC-E2: rows that are read in several batches.
#[tokio::test]
async fn chain_longer_than_a_batch_is_verified_to_its_end() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let many = events(&mia, 4_001);
    append(&db, &mia, &many[..2_000]).await.unwrap();
    let known = [tree(&db, &acme).await];
    append(&db, &mia, &many[2_000..]).await.unwrap();
    assert!(matches!(verify(&acme, &known).await, AuditVerdict::Intact(head) if head.seq == 4_001));
    for (sql, seq, problem) in [
        (
            "INSERT INTO audit_log SELECT tenant_id, at + interval '1 day', seq, actor_user_id, actor_kind, actor_label,
                 on_behalf_of, ip, user_agent, request_id, action, resource_type, resource_id, outcome, level,
                 changes, metadata, prev_hash, hash FROM audit_log WHERE seq = 2000",
            2_000,
            AuditProblem::Unchained,
        ),
        (
            "DELETE FROM audit_log WHERE seq = 2001",
            2_000,
            AuditProblem::Unchained,
        ),
        (
            "DELETE FROM audit_log WHERE seq = 2000",
            2_000,
            AuditProblem::Missing,
        ),
        (
            "DELETE FROM audit_log WHERE seq > 2000",
            2_000,
            AuditProblem::TailMissing,
        ),
    ] {
        sqlx::query(sql).execute(&db.admin).await.unwrap();
        assert_eq!(
            verify(&acme, &known).await,
            AuditVerdict::Broken { seq, problem },
            "{sql}"
        );
    }
}

// SEC-E2
#[tokio::test]
async fn concurrent_appends_stay_gapless() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (store, mia) = (db.store.clone(), mia.clone());
            tokio::spawn(async move {
                for n in 0..10 {
                    let mut tx = store.begin(&mia).await.unwrap();
                    audit_append(&mut tx, &events(&mia, 2)).await.unwrap();
                    // Every third transaction is rolled back, and its rows with it.
                    if (writer + n) % 3 != 0 {
                        tx.commit().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let seqs: Vec<i64> = sqlx::query_scalar("SELECT seq FROM audit_log ORDER BY seq")
        .fetch_all(&db.admin)
        .await
        .unwrap();
    let kept = (0..8)
        .flat_map(|writer| (0..10).map(move |n| writer + n))
        .filter(|sum| sum % 3 != 0)
        .count()
        * 2;
    assert_eq!(seqs, (1..=i64::try_from(kept).unwrap()).collect::<Vec<_>>());
    assert!(matches!(verify(&acme, &[]).await, AuditVerdict::Intact(_)));
}

// SEC-E1
#[tokio::test]
async fn change_whose_audit_row_is_rejected_fails_with_it() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let event = AuditEvent::by_actor(&mia, "Not an action", Outcome::Success, NOW);
    let mut tx = acme.enter().await;
    store::user::user_profile_set(&mut tx, mia.user_id, "Changed", None, NOW)
        .await
        .unwrap();
    let refused = audit_append(&mut tx, &[event]).await;
    assert!(
        matches!(refused, Err(StoreError::Constraint(name)) if name == "audit_log_action_check")
    );
    // Even a commit keeps nothing now.
    let _ = tx.commit().await;
    let user = store::user::user_find(&mut acme.enter().await, mia.user_id)
        .await
        .unwrap();
    assert_eq!(user.display_name, "Mia");
}

// SEC-E2
#[tokio::test]
async fn runtime_role_can_only_append_to_its_own_chain() {
    let db = TestDb::new().await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    append(&db, &mia, &events(&mia, 1)).await.unwrap();

    let pool = PgPool::connect_with(db.login_options(Login::App))
        .await
        .unwrap();
    let call = "SELECT audit_append($1::uuid, '{2026-01-01}', '{null}', '{system}', '{x}', '{null}', '{null}', '{null}',
                       '{null}', '{a.b}', '{null}', '{null}', '{success}', '{info}', '{null}', '{null}')";
    for (sql, tenant, allowed) in [
        (call, acme.id, true),
        (call, other.id, false),
        (
            "UPDATE audit_log SET actor_label = 'x' WHERE tenant_id = $1::uuid",
            acme.id,
            false,
        ),
        (
            "DELETE FROM audit_log WHERE tenant_id = $1::uuid",
            acme.id,
            false,
        ),
        (
            "UPDATE audit_heads SET seq = 0 WHERE tenant_id = $1::uuid",
            acme.id,
            false,
        ),
        (
            "DELETE FROM audit_heads WHERE tenant_id = $1::uuid",
            acme.id,
            false,
        ),
        (
            "SELECT seq FROM audit_log WHERE tenant_id = $1::uuid",
            acme.id,
            true,
        ),
        (
            "SELECT seq FROM audit_log_default WHERE tenant_id = $1::uuid",
            acme.id,
            false,
        ),
    ] {
        let mut tx = pool.begin().await.unwrap();
        sqlx::query(
            "SELECT set_config('role', 'atrium_app', true), set_config('app.current_tenant_id', $1, true),
                    set_config('app.permissions', 'system', true)",
        )
            .bind(acme.id.to_string())
            .execute(&mut *tx)
            .await
            .unwrap();
        let done = sqlx::query(sql).bind(tenant).execute(&mut *tx).await;
        match done {
            Ok(done) => assert!(allowed && done.rows_affected() > 0, "{sql} was allowed"),
            Err(error) => {
                let code = error
                    .as_database_error()
                    .and_then(sqlx::error::DatabaseError::code)
                    .map(String::from);
                assert!(
                    !allowed && code.as_deref() == Some("42501"),
                    "{sql}: {error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn list_is_filtered_and_paginated_newest_first() {
    let db = TestDb::new().await;
    let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
    let mia = acme.actor(SystemRole::Admin, "Mia").await;
    let max = other.actor(SystemRole::Member, "Max").await;
    append(&db, &mia, &events(&mia, 20)).await.unwrap();
    append(&db, &max, &events(&max, 5)).await.unwrap();

    let mut tx = db.store.begin(&mia).await.unwrap();
    let mut all = AuditListInput::default();
    let mut seqs = Vec::new();
    loop {
        let page = audit_list(&mut tx, &all, 7).await.unwrap();
        assert!(page.items.len() <= 7);
        seqs.extend(page.items.iter().map(|entry| entry.seq));
        all.after = page.next;
        if all.after.is_none() {
            break;
        }
    }
    assert_eq!(seqs, (1..=20).rev().collect::<Vec<_>>());

    let mut count = async |action: &str, outcome: &str, actor: String| {
        let filter = AuditListInput {
            action: action.into(),
            outcome: outcome.into(),
            actor,
            ..AuditListInput::default()
        };
        audit_list(&mut tx, &filter, 50)
            .await
            .map(|page| page.items.len())
    };
    assert_eq!(count("memory", "", String::new()).await.unwrap(), 15);
    assert_eq!(
        count("session.sign_in", "", String::new()).await.unwrap(),
        5
    );
    assert_eq!(count("", "failure", String::new()).await.unwrap(), 5);
    assert_eq!(count("", "denied", String::new()).await.unwrap(), 0);
    assert_eq!(count("", "", mia.user_id.to_string()).await.unwrap(), 15);
    assert_eq!(count("", "", max.user_id.to_string()).await.unwrap(), 0);
    assert_eq!(count("%' OR true --", "", String::new()).await.unwrap(), 0);
    assert!(matches!(
        count("", "good", String::new()).await,
        Err(StoreError::Filter("outcome"))
    ));
    assert!(matches!(
        count("", "", "Mia".into()).await,
        Err(StoreError::Filter("actor"))
    ));
    let nul = AppError::from(count("a\0b", "", String::new()).await.unwrap_err());
    assert_eq!(nul.status(), 422, "{nul:?}");
}

#[tokio::test]
async fn invalid_cursor_is_rejected() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let input = AuditListInput {
        after: Some("x".into()),
        ..AuditListInput::default()
    };
    let list = audit_list(&mut acme.enter().await, &input, 50).await;
    assert!(matches!(list, Err(StoreError::Cursor)));
}

#[tokio::test]
async fn partitions_are_created_ahead_with_the_same_policies() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let now = datetime!(2031-11-30 23:30 UTC);
    let mut tx = db.store.begin_worker().await.unwrap();
    assert_eq!(audit_partitions_ensure(&mut tx, now).await.unwrap(), 3);
    assert_eq!(audit_partitions_ensure(&mut tx, now).await.unwrap(), 0);
    tx.commit().await.unwrap();

    // A month whose rows are in the default partition already stays there.
    let before = datetime!(2029-05-05 05:00 UTC);
    let at = [
        now,
        datetime!(2031-12-01 00:00 UTC),
        datetime!(2032-01-31 23:59 UTC),
        before,
    ];
    let events: Vec<_> = at
        .map(|at| AuditEvent::by_actor(&mia, "memory.create", Outcome::Success, at))
        .into();
    append(&db, &mia, &events).await.unwrap();
    let mut tx = db.store.begin_worker().await.unwrap();
    assert_eq!(audit_partitions_ensure(&mut tx, before).await.unwrap(), 2);
    tx.commit().await.unwrap();

    let places: Vec<String> =
        sqlx::query_scalar("SELECT tableoid::regclass::text FROM audit_log ORDER BY seq")
            .fetch_all(&db.admin)
            .await
            .unwrap();
    assert_eq!(
        places,
        [
            "audit_log_y2031m11",
            "audit_log_y2031m12",
            "audit_log_y2032m01",
            "audit_log_default"
        ]
    );
    assert!(matches!(verify(&acme, &[]).await, AuditVerdict::Intact(_)));
}
