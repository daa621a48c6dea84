//! SEC-E2: whoever can write behind the product's back is found out.

use domain::access::SystemRole;
use sqlx::{AssertSqlSafe, PgPool};
use store::{
    audit::{
        AuditProblem::{self, BeyondHead, Edited, Missing, Rewritten, TailCut, Unchained},
        AuditVerdict,
    },
    testing::{TestDb, TestTenant},
};

use crate::audit::{append, events, verify};

/// One way to tamper, and the first row that must be named.
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

/// Writes the chain anew from row 4 on, head included, as somebody who knows
/// how would.
const REWRITE: &str = "
    UPDATE audit_log SET actor_label = 'Nobody' WHERE seq = 4;
    DO $$
    DECLARE v record; v_hash bytea := (SELECT hash FROM audit_log WHERE seq = 3);
    BEGIN
        PERFORM set_config('app.current_tenant_id', (SELECT tenant_id::text FROM audit_heads), true);
        PERFORM set_config('app.permissions', 'system', true);
        CREATE TEMPORARY TABLE again ON COMMIT DROP AS SELECT * FROM audit_log WHERE seq > 3;
        DELETE FROM audit_log WHERE seq > 3;
        UPDATE audit_heads SET seq = 3, hash = v_hash;
        FOR v IN SELECT * FROM again ORDER BY seq LOOP
            PERFORM audit_append(
                v.tenant_id, ARRAY[v.at], ARRAY[v.actor_user_id], ARRAY[v.actor_kind], ARRAY[v.actor_label],
                ARRAY[v.on_behalf_of], ARRAY[host(v.ip)], ARRAY[v.user_agent], ARRAY[v.request_id],
                ARRAY[v.action], ARRAY[v.resource_type], ARRAY[v.resource_id], ARRAY[v.outcome], ARRAY[v.level],
                ARRAY[v.changes], ARRAY[v.metadata]);
        END LOOP;
    END $$;";

/// Rows 6 and 7 exchange a field.
fn swap(field: &str) -> String {
    format!(
        "UPDATE audit_log a SET {field} = b.{field} FROM kept_log b
          WHERE a.seq IN (6, 7) AND b.seq = 13 - a.seq"
    )
}

fn cases() -> Vec<Case> {
    let rewrite_and_keep_head = format!(
        "{REWRITE} UPDATE audit_heads h SET seq = k.seq, hash = k.hash FROM kept_heads k WHERE h.tenant_id = k.tenant_id"
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
            "deletion of the first",
            "DELETE FROM audit_log WHERE seq = 1",
            1,
            Missing,
        ),
        case("deletion of all", "DELETE FROM audit_log", 1, TailCut),
        case(
            "reorder by number",
            "UPDATE audit_log SET seq = 13 - seq WHERE seq IN (6, 7)",
            6,
            Unchained,
        ),
        case("reorder by time", swap("at"), 6, Edited),
        case("reorder of hashes", swap("hash"), 6, Edited),
        case(
            "cut tail",
            "DELETE FROM audit_log WHERE seq > 8",
            9,
            TailCut,
        ),
        case(
            "head set back",
            "UPDATE audit_heads SET seq = 8",
            9,
            BeyondHead,
        ),
        case("head removed", "DELETE FROM audit_heads", 1, BeyondHead),
        case("rewritten, head kept", rewrite_and_keep_head, 10, Rewritten),
        case("a second row with a number", insert_again, 6, Unchained),
        case(
            "prev_hash edited",
            "UPDATE audit_log SET prev_hash = sha256(prev_hash) WHERE seq = 2",
            2,
            Unchained,
        ),
    ];
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
async fn verify_finds_every_kind_of_tampering_and_names_the_first_bad_row() {
    let db = TestDb::new().await;
    let acme = chain(&db).await;
    let intact = verify(&acme, None).await;
    assert!(matches!(intact, AuditVerdict::Intact(head) if head.seq == 10));
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
            verify(&acme, None).await,
            AuditVerdict::Broken { seq, problem },
            "{way}"
        );
        let restore = "TRUNCATE audit_log; INSERT INTO audit_log TABLE kept_log;
                       TRUNCATE audit_heads; INSERT INTO audit_heads TABLE kept_heads";
        tamper(&db.admin, restore).await;
        assert_eq!(verify(&acme, None).await, intact, "restored after {way}");
    }
}

/// Rows and head written anew agree with each other: only a head that was
/// noted outside the database tells.
#[tokio::test]
async fn a_noted_head_finds_what_was_rewritten_or_cut_together_with_the_head() {
    let db = TestDb::new().await;
    let acme = chain(&db).await;
    let AuditVerdict::Intact(noted) = verify(&acme, None).await else {
        panic!("the chain is intact")
    };

    tamper(&db.admin, REWRITE).await;
    assert!(matches!(verify(&acme, None).await, AuditVerdict::Intact(_)));
    assert_eq!(
        verify(&acme, Some(noted)).await,
        AuditVerdict::Broken {
            seq: 10,
            problem: Rewritten
        }
    );

    let cut = "DELETE FROM audit_log WHERE seq > 8;
               UPDATE audit_heads SET seq = 8, hash = (SELECT hash FROM audit_log WHERE seq = 8)";
    tamper(&db.admin, cut).await;
    assert!(matches!(verify(&acme, None).await, AuditVerdict::Intact(_)));
    assert_eq!(
        verify(&acme, Some(noted)).await,
        AuditVerdict::Broken {
            seq: 9,
            problem: TailCut
        }
    );
}
