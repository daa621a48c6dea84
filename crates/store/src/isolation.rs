//! Probes row security on the running database, in the role that requests use.
//! The login is the operator's, because only operators can create
//! organisations; policies and privileges depend on the role, not the login.
//!
//! The probe creates two organisations in a transaction that is never
//! committed; one of them then tries to reach the rows of the other and of
//! everybody else. Their members and teams have the same ids, so that only the
//! tenant separates them.

use domain::{
    Actor, ActorKind, Permission, RequestFacts, RequestId, TeamId, TenantId, Timestamp, UserId,
    access::SystemRole,
    audit::Outcome,
    import::ImportFormat,
    isolation::{IsolationReport, Probe, ProbeResult, TableIsolation},
    memory::{MemoryChange, MemoryText, NewMemory, Origin},
    notification::{BreakGlassOpened, NotificationData},
    share::{Audience, Comment},
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use time::Duration;
use uuid::Uuid;

use crate::{
    Store, StoreError, TenantTx,
    audit::{AuditEvent, audit_append},
    break_glass::break_glass_open,
    check,
    import::{NewImport, import_chunk_put, import_create},
    job::{NewJob, job_enqueue},
    memory::{memory_create, memory_update},
    notification::notification_create,
    proposal::proposal_create,
    role::{RoleSource, user_role_grant},
    team::{team_create, team_member_add},
    tenant::{NewTenant, tenant_create},
    user::{NewUser, user_create},
};

/// Tries every kind of access to other organisations' rows and reports the
/// results. Leaves nothing in the database.
pub async fn isolation_probe(
    store: &Store,
    new_id: &(dyn Fn() -> Uuid + Sync),
    now: Timestamp,
) -> Result<IsolationReport, StoreError> {
    let login = check::login_check(&store.pools.app).await?;
    let (user_id, team_id) = (UserId(new_id()), TeamId(new_id()));
    let mut operator = store.begin_operator().await?;
    let mut tenants = [(); 2].map(|()| TenantId(new_id()));
    // The organisation that tries to reach the other is entered last.
    tenants.sort();
    for tenant_id in tenants {
        let slug = format!("probe-{}", tenant_id.0.simple());
        let tenant = NewTenant {
            id: tenant_id,
            slug: &slug,
            name: "Isolation probe",
            is_demo: false,
            entra_tenant_id: None,
            role_ids: [(); SystemRole::ALL.len()].map(|()| new_id().into()),
            embedding_model_id: new_id().into(),
        };
        tenant_create(&mut operator, &tenant, now).await?;
    }
    let [theirs, ours] = tenants;
    let mut tx = operator.enter_as_system(theirs).await?;
    for tenant_id in tenants {
        let actor = Actor {
            tenant_id,
            user_id,
            kind: ActorKind::Human,
            label: "Isolation probe".into(),
            permissions: Permission::ALL.iter().copied().collect(),
            team_ids: vec![team_id],
            led_team_ids: vec![team_id],
            vendor: None,
            origin: Origin::Dashboard,
            request: RequestFacts {
                request_id: RequestId(new_id()),
                ip: None,
                user_agent: None,
                session_id: None,
                api_key_id: None,
            },
        };
        tx = fill(tx.switch_actor(tenant_id, None).await?, &actor, new_id, now).await?;
    }
    let mut results = Vec::new();
    for table in tables(tx.conn()).await? {
        results.push(probe(&mut tx, &table, ours, theirs, user_id).await?);
    }
    // Rolls back, so the organisations never existed.
    drop(tx);
    Ok(IsolationReport {
        at: now,
        login: login.login,
        login_problem: login.problem,
        tables: results,
    })
}

/// Inserts a row into each table that members' work fills, and returns the
/// transaction in the member's name.
async fn fill(
    mut tx: TenantTx,
    actor: &Actor,
    new_id: &(dyn Fn() -> Uuid + Sync),
    now: Timestamp,
) -> Result<TenantTx, StoreError> {
    let user = NewUser {
        id: actor.user_id,
        display_name: &actor.label,
        email: None,
        kind: actor.kind,
    };
    user_create(&mut tx, &user, now).await?;
    let owner = SystemRole::Owner.key();
    user_role_grant(&mut tx, actor.user_id, owner, RoleSource::Manual, now).await?;
    for team_id in &actor.team_ids {
        team_create(&mut tx, *team_id, "Isolation probe", now).await?;
        team_member_add(&mut tx, *team_id, actor.user_id, now).await?;
    }
    let event = AuditEvent::by_actor(actor, "isolation.probe", Outcome::Success, now);
    audit_append(&mut tx, &[event]).await?;
    let other = NewUser {
        id: UserId(new_id()),
        ..user
    };
    user_create(&mut tx, &other, now).await?;

    let mut tx = tx.switch_actor(actor.tenant_id, Some(actor)).await?;
    let (grant, term) = (new_id().into(), Duration::HOUR);
    let reason = "Isolation probe";
    break_glass_open(&mut tx, grant, other.id, reason, term, now).await?;
    let notice = NotificationData::BreakGlassOpened(BreakGlassOpened {
        grant,
        reader: actor.label.clone(),
        reason: reason.to_owned(),
        until: now + term,
    });
    notification_create(&mut tx, new_id().into(), actor.user_id, &notice, now).await?;
    let text = MemoryText::new("", "Isolation probe".into(), "fact", &[])
        .map_err(|error| StoreError::other(error.to_string()))?;
    let memory_id = new_id().into();
    let memory = NewMemory::of(text.clone(), Origin::Dashboard);
    memory_create(&mut tx, memory_id, &memory, now).await?;
    memory_update(&mut tx, memory_id, 1, &MemoryChange::of(text), now).await?;
    let (audience, comment) = (Audience::Org, Comment::default());
    proposal_create(
        &mut tx,
        new_id().into(),
        memory_id,
        2,
        audience,
        &comment,
        now,
    )
    .await?;
    let job_id = new_id().into();
    let job = NewJob {
        id: job_id,
        kind: "isolation.probe",
        payload: json!({}),
        dedupe_key: None,
        run_at: now,
        max_attempts: 1,
        priority: 0,
        progress_total: 0,
    };
    job_enqueue(&mut tx, &job, now).await?;
    let import = NewImport {
        id: new_id().into(),
        job_id,
        file_name: "probe.txt",
        format: ImportFormat::PlainText,
    };
    import_create(&mut tx, &import, now).await?;
    import_chunk_put(&mut tx, import.id, 0, b"Isolation probe").await?;
    Ok(tx)
}

/// A table with rows of organisations.
struct Table {
    name: String,
    /// The column with the tenant's id.
    tenant: String,
    row_security: bool,
    /// A column that the role may change, or the tenant's if there is none.
    changeable: String,
    /// Columns that an INSERT may name.
    columns: Vec<String>,
    /// Columns with a member's id: they get the probing member's.
    members: Vec<String>,
}

/// Reads the tables from the catalogue, so that new tables are probed as well.
async fn tables(conn: &mut PgConnection) -> Result<Vec<Table>, StoreError> {
    let tables = sqlx::query_as!(
        Table,
        r#"SELECT c.relname::text AS "name!",
                  t.name AS "tenant!",
                  bool_and(p.relrowsecurity AND p.relforcerowsecurity) AS "row_security!",
                  coalesce(
                      (SELECT a.attname::text FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                          AND has_column_privilege('atrium_app', c.oid, a.attnum, 'UPDATE')
                        ORDER BY a.attnum LIMIT 1),
                      t.name) AS "changeable!",
                  ARRAY(
                      SELECT a.attname::text FROM pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                       ORDER BY a.attnum) AS "columns!",
                  ARRAY(
                      SELECT a.attname::text FROM pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attname LIKE '%user_id' AND NOT a.attisdropped) AS "members!"
             FROM pg_class c
             JOIN pg_class p ON p.oid = c.oid
                             OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid))
            CROSS JOIN LATERAL (
                  SELECT CASE WHEN c.relname = 'tenants' THEN 'id' ELSE 'tenant_id' END AS name) t
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = t.name AND NOT a.attisdropped)
              AND (t.name = 'tenant_id' OR c.relname = 'tenants')
            GROUP BY c.oid, c.relname, t.name
            ORDER BY c.relname"#
    )
    .fetch_all(conn)
    .await?;
    Ok(tables)
}

async fn probe(
    tx: &mut TenantTx,
    table: &Table,
    ours: TenantId,
    theirs: TenantId,
    member: UserId,
) -> Result<TableIsolation, StoreError> {
    let Table { name, tenant, .. } = table;
    // Names come from the catalogue and ids are UUIDs; none of it is user
    // input.
    let select = |condition: String| format!("SELECT FROM {name} WHERE {condition} LIMIT 1");
    let own = attempt(tx, &select(format!("{tenant} = '{ours}'"))).await?;
    let mut reached = [ProbeResult::Untried; Probe::ALL.len()];
    for (probe, outcome) in Probe::ALL.into_iter().zip(&mut reached) {
        let statement = match probe {
            Probe::Read => select(format!("{tenant} <> '{ours}'")),
            Probe::ReadUnset => {
                *outcome = attempt_unset(tx, &select("true".to_owned())).await?;
                continue;
            }
            Probe::Change => format!(
                "UPDATE {name} SET {0} = {0} WHERE {tenant} = '{theirs}'",
                table.changeable
            ),
            Probe::Delete => format!("DELETE FROM {name} WHERE {tenant} = '{theirs}'"),
            Probe::Add => insert_statement(table, theirs, member),
        };
        *outcome = attempt(tx, &statement).await?;
        let needs_row = matches!(probe, Probe::Change | Probe::Delete);
        if needs_row && own != ProbeResult::Row && *outcome == ProbeResult::Nothing {
            *outcome = ProbeResult::Untried;
        }
    }
    Ok(TableIsolation {
        table: name.clone(),
        row_security: table.row_security,
        sees_own: own == ProbeResult::Row,
        reached,
    })
}

/// SQL that inserts a row of the other organisation with only tenant and member
/// set. Postgres checks policies before constraints, so a constraint violation
/// means that the policy was passed.
fn insert_statement(table: &Table, theirs: TenantId, member: UserId) -> String {
    let mut values = serde_json::Map::new();
    values.insert(table.tenant.clone(), theirs.to_string().into());
    for column in &table.members {
        values.insert(column.clone(), member.to_string().into());
    }
    let columns = table.columns.join(", ");
    format!(
        "INSERT INTO {0} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{0}, '{1}')",
        table.name,
        serde_json::Value::Object(values)
    )
}

/// Executes a statement and rolls it back.
async fn attempt(tx: &mut TenantTx, statement: &str) -> Result<ProbeResult, StoreError> {
    let mut inner = tx.conn().begin().await?;
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut *inner)
        .await;
    inner.rollback().await?;
    probe_result(done)
}

/// Executes a statement while no organisation is set, and rolls it back.
async fn attempt_unset(tx: &mut TenantTx, statement: &str) -> Result<ProbeResult, StoreError> {
    let mut inner = tx.conn().begin().await?;
    sqlx::query!("SELECT set_config('app.current_tenant_id', '', true)")
        .fetch_one(&mut *inner)
        .await?;
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut *inner)
        .await;
    inner.rollback().await?;
    probe_result(done)
}

fn probe_result(
    done: Result<sqlx::postgres::PgQueryResult, sqlx::Error>,
) -> Result<ProbeResult, StoreError> {
    match done {
        Ok(done) if done.rows_affected() == 0 => Ok(ProbeResult::Nothing),
        Ok(_) => Ok(ProbeResult::Row),
        Err(sqlx::Error::Database(error)) => match error.code().as_deref() {
            Some("42501") if error.message().contains("row-level security") => {
                Ok(ProbeResult::Refused)
            }
            Some("42501") => Ok(ProbeResult::NoPrivilege),
            // Class 23, integrity constraint violation: only a row that the
            // policy admits can violate a constraint.
            Some(code) if code.starts_with("23") => Ok(ProbeResult::Row),
            _ => Err(sqlx::Error::Database(error).into()),
        },
        Err(error) => Err(error.into()),
    }
}
