//! SEC-E2: any direct call of `audit_append` as the tenant's role is either
//! rejected or writes rows that verify.

use std::fmt::Write as _;

use domain::{access::SystemRole, audit::AuditListInput};
use sqlx::AssertSqlSafe;
use store::{
    audit::{AuditVerdict, audit_list},
    testing::{TestDb, TestTenant},
};

use crate::audit::verify;

/// The function's arguments after the tenant, with values for one valid row.
const GOOD: [(&str, &str); 15] = [
    ("p_at", "ARRAY['2026-03-02 09:00+00']::timestamptz[]"),
    ("p_actor_user_id", "ARRAY[NULL]::uuid[]"),
    ("p_actor_kind", "ARRAY['system']"),
    ("p_actor_label", "ARRAY['Atrium']"),
    ("p_on_behalf_of", "ARRAY[NULL]::uuid[]"),
    ("p_ip", "ARRAY[NULL]::text[]"),
    ("p_user_agent", "ARRAY[NULL]::text[]"),
    ("p_request_id", "ARRAY[NULL]::uuid[]"),
    ("p_action", "ARRAY['a.b']"),
    ("p_resource_type", "ARRAY[NULL]::text[]"),
    ("p_resource_id", "ARRAY[NULL]::text[]"),
    ("p_outcome", "ARRAY['success']"),
    ("p_level", "ARRAY['info']"),
    ("p_changes", "ARRAY[NULL]::jsonb[]"),
    ("p_metadata", "ARRAY[NULL]::jsonb[]"),
];

/// An argument, a value, and whether the call succeeds.
const EDGES: &[(&str, &str, bool)] = &[
    ("p_at", "ARRAY['infinity']::timestamptz[]", false),
    ("p_at", "ARRAY['-infinity']::timestamptz[]", false),
    ("p_at", "ARRAY[NULL]::timestamptz[]", false),
    (
        "p_at",
        "ARRAY['1969-12-31 23:59:59.999999+00']::timestamptz[]",
        false,
    ),
    // Rounded to the microsecond, and so to 1970 and to the last day.
    (
        "p_at",
        "ARRAY['1969-12-31 23:59:59.9999999+00']::timestamptz[]",
        true,
    ),
    (
        "p_at",
        "ARRAY['9999-12-30 23:59:59.9999999+00']::timestamptz[]",
        false,
    ),
    ("p_at", "ARRAY['1970-01-01 00:00+00']::timestamptz[]", true),
    (
        "p_at",
        "ARRAY['9999-12-30 23:59:59.999999+00']::timestamptz[]",
        true,
    ),
    ("p_at", "ARRAY['9999-12-31 00:00+00']::timestamptz[]", false),
    ("p_at", "ARRAY['10000-01-01']::timestamptz[]", false),
    ("p_at", "ARRAY['294276-12-31']::timestamptz[]", false),
    ("p_at", "ARRAY['4713-01-01 BC']::timestamptz[]", false),
    ("p_at", "ARRAY['0001-01-01']::timestamptz[]", false),
    (
        "p_at",
        "ARRAY['2026-03-02 09:00:00.000001-11:59']::timestamptz[]",
        true,
    ),
    ("p_actor_kind", "ARRAY[NULL]::text[]", false),
    ("p_actor_kind", "ARRAY['god']", false),
    ("p_actor_label", "ARRAY[NULL]::text[]", false),
    ("p_actor_label", "ARRAY['']", true),
    ("p_actor_label", "ARRAY['1:a,-,2:bc,']", true),
    (
        "p_actor_label",
        "ARRAY[E'\\u202e\\U0001f680 e\\u0301 \\x01\\n']",
        true,
    ),
    ("p_actor_label", "ARRAY[repeat('ß', 100000)]", true),
    ("p_action", "ARRAY[NULL]::text[]", false),
    ("p_action", "ARRAY['A.b']", false),
    ("p_outcome", "ARRAY[NULL]::text[]", false),
    ("p_outcome", "ARRAY['fine']", false),
    ("p_level", "ARRAY[NULL]::text[]", false),
    ("p_level", "ARRAY['']", false),
    ("p_ip", "ARRAY['10.0.0.0/8']", true),
    ("p_ip", "ARRAY['10.1.2.3/8']", true),
    ("p_ip", "ARRAY['2001:DB8:0:0:0:0:0:1/64']", true),
    ("p_ip", "ARRAY['::ffff:192.0.2.1']", true),
    ("p_ip", "ARRAY['::192.0.2.1/96']", true),
    ("p_ip", "ARRAY['']", false),
    ("p_ip", "ARRAY['nowhere']", false),
    ("p_ip", "ARRAY['10.0.0.1/33']", false),
    ("p_user_agent", "ARRAY['-']", true),
    ("p_resource_id", "ARRAY['NULL']", true),
    ("p_changes", "ARRAY['null']::jsonb[]", true),
    (
        "p_changes",
        "ARRAY['[1.50, 1e2, 1E-7, -0, -0.0, 1e400, 123456789012345678901234567890.10]']::jsonb[]",
        true,
    ),
    (
        "p_changes",
        "ARRAY['{\"b\": 1, \"a\": 2, \"b\": 3, \"\": {}}']::jsonb[]",
        true,
    ),
    (
        "p_changes",
        "ARRAY[to_jsonb(E'\\u00e9\\u2028\\\\\\\"/'::text)]",
        true,
    ),
    ("p_changes", "ARRAY['\"\\u0000\"']::jsonb[]", false),
    ("p_changes", "ARRAY['{']::jsonb[]", false),
    ("p_metadata", "ARRAY['\"\\ud83d\\ude80\"']::jsonb[]", true),
    ("p_metadata", "ARRAY['\"\\ud83d\"']::jsonb[]", false),
    (
        "p_changes",
        "ARRAY[jsonb_build_object('a', repeat('x', 70000))]",
        false,
    ),
];

/// A call with some of the arguments replaced.
fn call(tenant: &TestTenant, exchanged: &[(&str, &str)]) -> String {
    let mut sql = format!("SELECT audit_append(p_tenant_id => '{}'", tenant.id);
    for (name, good) in GOOD {
        let value = exchanged.iter().find(|(other, _)| *other == name);
        let _ = write!(
            sql,
            ", {name} => {}",
            value.map_or(good, |(_, value)| value)
        );
    }
    sql + ")"
}

/// Calls as the tenant's role on a separate connection, after `settings`.
async fn attempt(
    db: &TestDb,
    tenant: &TestTenant,
    settings: &str,
    sql: &str,
) -> Result<(), String> {
    let mut conn = db.connection_for("atrium_app").await.unwrap();
    let enter = format!(
        "BEGIN; SET LOCAL ROLE atrium_app; SET LOCAL app.current_tenant_id = '{}'; SET LOCAL app.permissions = 'system'; {settings}",
        tenant.id
    );
    sqlx::raw_sql(AssertSqlSafe(enter))
        .execute(&mut conn)
        .await
        .unwrap();
    let called = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut conn)
        .await;
    let end = if called.is_ok() { "COMMIT" } else { "ROLLBACK" };
    sqlx::raw_sql(end).execute(&mut conn).await.unwrap();
    match called {
        Ok(_) => Ok(()),
        Err(error) => {
            let refusal = error
                .as_database_error()
                .expect("the server rejected the call");
            let code = refusal.code().unwrap_or_default();
            // An internal error of the server is not a rejection.
            assert!(!code.starts_with("XX"), "{sql}: {error}");
            Err(refusal.message().to_owned())
        }
    }
}

/// Checks that the log verifies and can be listed.
async fn holds(db: &TestDb, tenant: &TestTenant, rows: i64, what: &str) {
    let verdict = verify(tenant, &[]).await;
    assert!(
        matches!(verdict, AuditVerdict::Intact(head) if head.seq == rows),
        "{what}: {verdict:?}"
    );
    let mut tx = tenant.enter().await;
    let page = audit_list(&mut tx, &AuditListInput::default(), 200).await;
    let shown = page.unwrap().items.len();
    let all: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_log")
        .fetch_one(&db.admin)
        .await
        .unwrap();
    assert_eq!(i64::try_from(shown).unwrap(), all.min(200), "{what}");
}

#[tokio::test]
async fn arrays_of_the_wrong_shape_are_rejected() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    acme.actor(SystemRole::Member, "Mia").await;
    attempt(&db, &acme, "", &call(&acme, &[])).await.unwrap();
    for (name, good) in GOOD {
        let (_, kind) = good.rsplit_once("::").unwrap_or(("", "text[]"));
        for wrong in [
            format!("NULL::{kind}"),
            format!("'{{}}'::{kind}"),
            // Two elements where the others have one.
            format!("({good} || {good})::{kind}"),
            // Two dimensions with as many elements.
            format!("ARRAY[{good}]::{kind}"),
            // Another lower bound.
            format!("('[0:0]=' || {good}::text)::{kind}"),
            format!("('[5:5]=' || {good}::text)::{kind}"),
        ] {
            let refused = attempt(&db, &acme, "", &call(&acme, &[(name, &wrong)])).await;
            let message = refused.expect_err(&format!("{name} => {wrong} was written"));
            assert!(
                message.contains("arrays") || message.contains("between 1 and 10000"),
                "{name} => {wrong}: {message}"
            );
        }
    }
    // All arrays alike, and still wrong.
    for shape in ["'{}'", "ARRAY[{}]", "('[5:5]=' || {}::text)"] {
        let all: Vec<_> = GOOD
            .iter()
            .map(|(name, good)| {
                let (_, kind) = good.rsplit_once("::").unwrap_or(("", "text[]"));
                let value = if shape == "'{}'" {
                    shape.to_owned()
                } else {
                    shape.replace("{}", good)
                };
                (*name, format!("{value}::{kind}"))
            })
            .collect();
        let all: Vec<_> = all
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        attempt(&db, &acme, "", &call(&acme, &all))
            .await
            .unwrap_err();
    }
    let many: Vec<_> = GOOD
        .iter()
        .map(|(name, good)| {
            let (_, kind) = good.rsplit_once("::").unwrap_or(("", "text[]"));
            (
                *name,
                format!("array_fill(({good}::{kind})[1], ARRAY[10001])"),
            )
        })
        .collect();
    let many: Vec<_> = many
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let message = attempt(&db, &acme, "", &call(&acme, &many))
        .await
        .unwrap_err();
    assert!(message.contains("10000"), "{message}");
    holds(&db, &acme, 1, "after all rejections").await;
}

#[tokio::test]
async fn edge_values_are_rejected_or_verify() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    acme.actor(SystemRole::Member, "Mia").await;
    let mut rows = 0;
    for (name, value, is_written) in EDGES {
        let done = attempt(&db, &acme, "", &call(&acme, &[(name, value)])).await;
        assert_eq!(done.is_ok(), *is_written, "{name} => {value}: {done:?}");
        rows += i64::from(*is_written);
        if rows > 0 {
            holds(&db, &acme, rows, value).await;
        }
    }
    let other = db.tenant("other").await;
    for foreign in [
        call(&other, &[]),
        call(&acme, &[]).replace(&format!("'{}'", acme.id), "NULL"),
    ] {
        attempt(&db, &acme, "", &foreign).await.unwrap_err();
    }
}

/// The settings of a session must not change what is hashed.
#[tokio::test]
async fn settings_of_the_session_change_nothing() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    acme.actor(SystemRole::Member, "Mia").await;
    let mut rows = 0;
    for setting in [
        "",
        "SET LOCAL standard_conforming_strings = off;",
        "SET LOCAL backslash_quote = on;",
        "SET LOCAL array_nulls = off;",
        "SET LOCAL transform_null_equals = on;",
        "SET LOCAL TimeZone = 'Asia/Kathmandu';",
        "SET LOCAL DateStyle = 'German';",
        "SET LOCAL IntervalStyle = 'sql_standard';",
        "SET LOCAL extra_float_digits = -15;",
        "SET LOCAL bytea_output = 'escape';",
        "SET LOCAL quote_all_identifiers = on;",
        "SET LOCAL search_path = pg_temp, public;",
        "SET LOCAL client_encoding = 'LATIN1';",
        "SET LOCAL enable_seqscan = off;",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
        "SET LOCAL row_security = off;",
        "SET LOCAL plan_cache_mode = 'force_generic_plan';",
    ] {
        let values = [
            ("p_changes", "ARRAY['{\"a\": [1.50, \"\u{e9}\"]}']::jsonb[]"),
            ("p_ip", "ARRAY['10.0.0.0/8']"),
        ];
        let called = attempt(&db, &acme, setting, &call(&acme, &values)).await;
        rows += i64::from(called.is_ok());
        holds(&db, &acme, rows, setting).await;
    }
    assert!(rows >= 14, "only {rows} were written");
}

/// Rows of many shapes in one call, from a seeded generator.
#[tokio::test]
async fn any_mixture_of_values_verifies() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    acme.actor(SystemRole::Member, "Mia").await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut pick = |count: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % count
    };
    let texts = [
        "NULL",
        "''",
        "'-'",
        "','",
        "'1:,'",
        "'Gr\u{f6}\u{df}e'",
        "'\u{1f680}'",
        "repeat('a', 300)",
        "E'\\n'",
    ];
    let ids = [
        "NULL",
        "'00000000-0000-0000-0000-000000000000'",
        "'FFFFFFFF-ffff-4fff-bfff-ffffffffffff'",
    ];
    let addresses = [
        "NULL",
        "'0.0.0.0'",
        "'10.0.0.9/8'",
        "'::'",
        "'2001:db8::1'",
        "'::ffff:10.0.0.1/100'",
    ];
    let objects = [
        "NULL",
        "'null'",
        "'{}'",
        "'[0.10, 1e3]'",
        "'{\"z\": \"\u{e9}\", \"a\": null}'",
        "'\"\"'",
    ];
    let mut rows = 0_i64;
    for _ in 0..40 {
        let count = 1 + pick(9);
        let values = GOOD.map(|(name, _)| {
            let elements: Vec<String> = (0..count)
                .map(|_| match name {
                    "p_at" => format!(
                        "timestamptz '2026-03-02' + {} * interval '1 microsecond'",
                        pick(1 << 30)
                    ),
                    "p_actor_kind" => {
                        ["'human'", "'agent'", "'sub_agent'", "'service'", "'system'"][pick(5)]
                            .into()
                    }
                    "p_action" => ["'a.b'", "'memory.a_b.c'"][pick(2)].into(),
                    "p_outcome" => ["'success'", "'denied'", "'failure'"][pick(3)].into(),
                    "p_level" => ["'info'", "'warning'", "'error'", "'critical'"][pick(4)].into(),
                    "p_actor_label" => texts[1 + pick(texts.len() - 1)].into(),
                    "p_ip" => addresses[pick(addresses.len())].into(),
                    "p_actor_user_id" | "p_on_behalf_of" | "p_request_id" => {
                        ids[pick(ids.len())].into()
                    }
                    "p_changes" | "p_metadata" => objects[pick(objects.len())].into(),
                    _ => texts[pick(texts.len())].into(),
                })
                .collect();
            let kind = match name {
                "p_at" => "timestamptz",
                "p_actor_user_id" | "p_on_behalf_of" | "p_request_id" => "uuid",
                "p_changes" | "p_metadata" => "jsonb",
                _ => "text",
            };
            (name, format!("ARRAY[{}]::{kind}[]", elements.join(", ")))
        });
        let values: Vec<_> = values
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let sql = call(&acme, &values);
        attempt(&db, &acme, "", &sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows += i64::try_from(count).unwrap();
        let verdict = verify(&acme, &[]).await;
        assert!(
            matches!(verdict, AuditVerdict::Intact(head) if head.seq == rows),
            "{sql}: {verdict:?}"
        );
    }
}
