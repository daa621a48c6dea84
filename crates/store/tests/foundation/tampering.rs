//! SEC-E2: tampering with the log, even as owner of the tables, is detected.

use domain::access::SystemRole;
use sqlx::{AssertSqlSafe, PgPool};
use store::{
    audit::{
        AuditProblem::{
            self, AfterHead, CheckpointDiffers, CheckpointLonger, Edited, Emptied, Missing,
            Rewritten, TailMissing, TreeDiffers, Unchained,
        },
        AuditVerdict,
    },
    testing::{TestDb, TestTenant},
};

use crate::audit::{append, events, tree, verify};

/// A way to tamper, and the first row that must be named.
struct Case {
    way: String,
    sql: String,
    seq: i64,
    problem: AuditProblem,
}

fn case(way: &str, sql: impl Into<String>, seq: i64, problem: AuditProblem) -> Case {
    Case {
        way: way.into(),
        sql: sql.into(),
        seq,
        problem,
    }
}

/// Appends all rows of the log again from the beginning, with the product's own
/// function, so that the chain is consistent whatever was changed before.
const APPEND_ANEW: &str = "
    DO $$
    DECLARE v record;
    BEGIN
        PERFORM set_config('app.current_tenant_id', (SELECT tenant_id::text FROM audit_heads), true);
        PERFORM set_config('app.permissions', 'system', true);
        CREATE TEMPORARY TABLE again ON COMMIT DROP AS SELECT * FROM audit_log;
        DELETE FROM audit_log;
        UPDATE audit_heads SET seq = 0, hash = decode(repeat('00', 32), 'hex'), edge = '{}';
        FOR v IN SELECT * FROM again ORDER BY seq LOOP
            PERFORM audit_append(
                v.tenant_id, ARRAY[v.at], ARRAY[v.actor_user_id], ARRAY[v.actor_kind], ARRAY[v.actor_label],
                ARRAY[v.on_behalf_of], ARRAY[host(v.ip)], ARRAY[v.user_agent], ARRAY[v.request_id],
                ARRAY[v.action], ARRAY[v.resource_type], ARRAY[v.resource_id], ARRAY[v.outcome], ARRAY[v.level],
                ARRAY[v.changes], ARRAY[v.metadata]);
        END LOOP;
    END $$;";

fn rewritten() -> String {
    format!("UPDATE audit_log SET actor_label = 'Nobody' WHERE seq = 4; {APPEND_ANEW}")
}

/// Swaps a field of rows 6 and 7.
fn swap(field: &str) -> String {
    format!(
        "UPDATE audit_log a SET {field} = b.{field} FROM kept_log b
          WHERE a.seq IN (6, 7) AND b.seq = 13 - a.seq"
    )
}

fn cases() -> Vec<Case> {
    let rewrite_and_keep_head = format!(
        "{} UPDATE audit_heads h SET seq = k.seq, hash = k.hash FROM kept_heads k WHERE h.tenant_id = k.tenant_id",
        rewritten()
    );
    let insert_again = "
        INSERT INTO audit_log SELECT tenant_id, at + interval '1 day', seq, actor_user_id, actor_kind, actor_label,
            on_behalf_of, ip, user_agent, request_id, action, resource_type, resource_id, outcome, level,
            changes, metadata, prev_hash, hash FROM audit_log WHERE seq = 6";
    let mut cases = vec![
        case(
            "deletion",
            "DELETE FROM audit_log WHERE seq = 5",
            5,
            Missing,
        ),
        case(
            "deletion of the first row",
            "DELETE FROM audit_log WHERE seq = 1",
            1,
            Missing,
        ),
        case(
            "deletion of all rows",
            "DELETE FROM audit_log",
            1,
            TailMissing,
        ),
        case(
            "swapped numbers",
            "UPDATE audit_log SET seq = 13 - seq WHERE seq IN (6, 7)",
            6,
            Unchained,
        ),
        case("swapped times", swap("at"), 6, Edited),
        case("swapped hashes", swap("hash"), 6, Edited),
        case(
            "cut tail",
            "DELETE FROM audit_log WHERE seq > 8",
            9,
            TailMissing,
        ),
        case(
            "head set back",
            "UPDATE audit_heads SET seq = 8",
            9,
            AfterHead,
        ),
        case("head removed", "DELETE FROM audit_heads", 1, AfterHead),
        case("rewritten, head kept", rewrite_and_keep_head, 10, Rewritten),
        case(
            "a second row with the same number",
            insert_again,
            6,
            Unchained,
        ),
        case(
            "prev_hash edited",
            "UPDATE audit_log SET prev_hash = sha256(prev_hash) WHERE seq = 2",
            2,
            Unchained,
        ),
    ];
    cases.extend(tree_and_time_cases());
    for edit in [
        "at = at + interval '1 microsecond'",
        "actor_user_id = NULL",
        "actor_kind = 'agent'",
        "actor_label = 'Nobody'",
        "on_behalf_of = tenant_id",
        "ip = '192.0.2.8'",
        "user_agent = NULL",
        "request_id = tenant_id",
        "action = 'memory.delete'",
        "resource_type = 'user'",
        "resource_id = ''",
        "outcome = 'denied'",
        "level = 'critical'",
        "changes = changes || '{\"n\": 2}'",
        "metadata = '{}'",
        "hash = sha256(hash)",
    ] {
        cases.push(case(
            edit,
            format!("UPDATE audit_log SET {edit} WHERE seq = 2"),
            2,
            Edited,
        ));
    }
    cases
}

/// Tampering with the tree in the head, with both tables at once, and with invalid times.
fn tree_and_time_cases() -> Vec<Case> {
    vec![
        case(
            "the tree's last root",
            "UPDATE audit_heads SET edge[2] = sha256('x')",
            10,
            TreeDiffers,
        ),
        case(
            "the tree's first root",
            "UPDATE audit_heads SET edge[1] = sha256('x')",
            10,
            TreeDiffers,
        ),
        case(
            "a tree of another size",
            "UPDATE audit_heads SET edge = edge[1:1]",
            10,
            TreeDiffers,
        ),
        case(
            "no tree",
            "UPDATE audit_heads SET edge = '{}'",
            10,
            TreeDiffers,
        ),
        case(
            "an invalid tree",
            "UPDATE audit_heads SET edge = ARRAY[NULL, 'short'::bytea]",
            10,
            TreeDiffers,
        ),
        // Detected without any checkpoint.
        case(
            "both tables emptied",
            "TRUNCATE audit_log; TRUNCATE audit_heads",
            1,
            Emptied,
        ),
        case(
            "log emptied, head at nothing",
            "TRUNCATE audit_log; UPDATE audit_heads SET seq = 0, hash = decode(repeat('00', 32), 'hex'), edge = '{}'",
            1,
            Emptied,
        ),
        case(
            "an infinite time",
            "UPDATE audit_log SET at = 'infinity' WHERE seq = 2",
            2,
            Edited,
        ),
        case(
            "a time before the first possible one",
            "UPDATE audit_log SET at = '-infinity' WHERE seq = 2",
            2,
            Edited,
        ),
        case(
            "a time after the last possible one",
            "UPDATE audit_log SET at = '294000-01-01' WHERE seq = 2",
            2,
            Edited,
        ),
    ]
}

async fn tamper(admin: &PgPool, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(admin)
        .await
        .unwrap();
}

/// A tenant with a chain of ten rows.
async fn chain(db: &TestDb) -> TestTenant {
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    append(db, &mia, &events(&mia, 10)).await.unwrap();
    acme
}

#[tokio::test]
async fn verify_detects_every_kind_of_tampering_and_names_the_first_bad_row() {
    let db = TestDb::new().await;
    let acme = chain(&db).await;
    let intact = verify(&acme, &[]).await;
    assert!(matches!(intact, AuditVerdict::Intact(head) if head.seq == 10));
    // The attacker owns the tables.
    tamper(
        &db.admin,
        "ALTER TABLE audit_log DROP CONSTRAINT audit_log_at_check",
    )
    .await;
    let keep =
        "CREATE TABLE kept_log AS TABLE audit_log; CREATE TABLE kept_heads AS TABLE audit_heads";
    tamper(&db.admin, keep).await;
    for Case {
        way,
        sql,
        seq,
        problem,
    } in cases()
    {
        tamper(&db.admin, &sql).await;
        assert_eq!(
            verify(&acme, &[]).await,
            AuditVerdict::Broken { seq, problem },
            "{way}"
        );
        let restore = "TRUNCATE audit_log; INSERT INTO audit_log TABLE kept_log;
                       TRUNCATE audit_heads; INSERT INTO audit_heads TABLE kept_heads";
        tamper(&db.admin, restore).await;
        assert_eq!(verify(&acme, &[]).await, intact, "restored after {way}");
    }
}

/// Rows and head that are rewritten together are consistent. Only a signed tree,
/// stored where the attacker can't write, reveals it.
#[tokio::test]
async fn signed_tree_reveals_consistent_tampering() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let events = events(&mia, 10);
    let mut known = Vec::new();
    for part in [&events[..3], &events[3..6], &events[6..]] {
        append(&db, &mia, part).await.unwrap();
        known.push(tree(&db, &acme).await);
    }
    let keep =
        "CREATE TABLE kept_log AS TABLE audit_log; CREATE TABLE kept_heads AS TABLE audit_heads";
    tamper(&db.admin, keep).await;

    let cut = format!("DELETE FROM audit_log WHERE seq > 8; {APPEND_ANEW}");
    let cases = [
        case(
            "changed and appended again",
            rewritten(),
            6,
            CheckpointDiffers { vouched: 3 },
        ),
        case("tail cut", cut, 9, CheckpointLonger { size: 10 }),
        case(
            "one row left",
            format!("DELETE FROM audit_log WHERE seq > 1; {APPEND_ANEW}"),
            2,
            CheckpointLonger { size: 3 },
        ),
        case(
            "both tables emptied",
            "TRUNCATE audit_log; TRUNCATE audit_heads",
            1,
            CheckpointLonger { size: 3 },
        ),
        case(
            "the organisation's log and head deleted, and its members",
            format!(
                "DELETE FROM audit_log WHERE tenant_id = '{0}'; DELETE FROM audit_heads WHERE tenant_id = '{0}';
                 DELETE FROM user_roles; DELETE FROM users",
                acme.id
            ),
            1,
            CheckpointLonger { size: 3 },
        ),
    ];
    for Case {
        way,
        sql,
        seq,
        problem,
    } in cases
    {
        assert!(
            matches!(verify(&acme, &known).await, AuditVerdict::Intact(head) if head.seq == 10),
            "before {way}"
        );
        tamper(&db.admin, &sql).await;
        let alone = verify(&acme, &[]).await;
        let is_found_alone = way == "both tables emptied";
        assert_eq!(
            matches!(alone, AuditVerdict::Broken { .. }),
            is_found_alone,
            "{way} without a checkpoint: {alone:?}"
        );
        assert_eq!(
            verify(&acme, &known).await,
            AuditVerdict::Broken { seq, problem },
            "{way}"
        );
        // The newest tree alone detects it as well, with less detail.
        let newest = verify(&acme, &known[2..]).await;
        assert!(matches!(newest, AuditVerdict::Broken { .. }), "{way}");
        let restore = "TRUNCATE audit_log; INSERT INTO audit_log TABLE kept_log;
                       TRUNCATE audit_heads; INSERT INTO audit_heads TABLE kept_heads";
        tamper(&db.admin, restore).await;
    }
}
