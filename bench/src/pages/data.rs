//! The organisation whose pages are measured: the demo's, with more members,
//! memories and audit rows.

use super::server::{Server, execute};
use crate::{
    copy::copy_memories,
    world::{NOW, World},
};
use anyhow::{Context, Result};
use domain::{TeamId, TenantId, UserId};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

const MEMORIES: usize = 5_500;
/// Members besides the demo's own.
const MEMBERS: i32 = 45;
const TEAMS: i32 = 5;
const AUDIT_ROWS: i32 = 400;
/// Comment on a database that has all rows.
const MARK: &str = "pages, version 1";

/// Writes the rows unless the database has them.
pub(super) async fn ensure(pool: &PgPool) -> Result<()> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()",
    )
    .fetch_one(pool)
    .await?;
    if found.as_deref() == Some(MARK) {
        return Ok(());
    }
    println!("writing {MEMORIES} memories …");
    let tenant: Uuid = sqlx::query_scalar("SELECT id FROM tenants WHERE slug = 'demo'")
        .fetch_one(pool)
        .await?;
    let owner: Uuid = sqlx::query_scalar(
        "SELECT id FROM users WHERE tenant_id = $1 AND display_name = 'Demo owner'",
    )
    .bind(tenant)
    .fetch_one(pool)
    .await?;
    let members = insert_members(pool, tenant).await?;
    let teams = insert_teams(pool, tenant, owner).await?;
    let members = std::iter::once(owner).chain(members).map(UserId).collect();
    let teams = teams.into_iter().map(TeamId).collect();
    let world = World::of_one(TenantId(tenant), MEMORIES, members, teams);
    copy_memories(pool, &world, &world.tenants[0]).await?;
    append_audit_rows(pool, tenant, owner).await?;
    execute(pool, "VACUUM (ANALYZE)").await?;
    execute(pool, &format!("COMMENT ON DATABASE atrium IS '{MARK}'")).await?;
    Ok(())
}

async fn insert_members(pool: &PgPool, tenant: Uuid) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar(
        "INSERT INTO users (tenant_id, id, display_name, email, kind, status, created_at, updated_at)
         SELECT $1, gen_random_uuid(), 'Member ' || n, 'member-' || n || '@demo.example', 'human', 'active', $3, $3
           FROM generate_series(1, $2) AS n
         RETURNING id",
    )
    .bind(tenant)
    .bind(MEMBERS)
    .bind(NOW)
    .fetch_all(pool)
    .await?;
    sqlx::query(
        "INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_at)
         SELECT $1, users.id, roles.id, 'manual', $3
           FROM unnest($2::uuid[]) AS users (id) JOIN roles ON roles.tenant_id = $1 AND roles.key = 'member'",
    )
    .bind(tenant)
    .bind(&ids)
    .bind(NOW)
    .execute(pool)
    .await?;
    Ok(ids)
}

/// Creates teams, three of which the owner belongs to.
async fn insert_teams(pool: &PgPool, tenant: Uuid, owner: Uuid) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "INSERT INTO teams (tenant_id, id, name, created_at, updated_at)
         SELECT $1, gen_random_uuid(), 'Team ' || n, $3, $3 FROM generate_series(1, $2) AS n
         RETURNING id",
    )
    .bind(tenant)
    .bind(TEAMS)
    .bind(NOW)
    .fetch_all(pool)
    .await?;
    sqlx::query(
        "INSERT INTO team_members (tenant_id, team_id, user_id, role, added_at, source)
         SELECT $1, id, $3, 'member', $4, 'manual' FROM unnest($2::uuid[]) AS id",
    )
    .bind(tenant)
    .bind(&ids[..3])
    .bind(owner)
    .bind(NOW)
    .execute(pool)
    .await?;
    Ok(ids)
}

/// Appends rows to the audit log and counts the words of the memories, which
/// are both done inside the organisation.
async fn append_audit_rows(pool: &PgPool, tenant: Uuid, owner: Uuid) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT set_config('app.current_tenant_id', $1, true), set_config('app.current_user_id', $2, true)")
        .bind(tenant.to_string())
        .bind(owner.to_string())
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "SELECT audit_append($1, array_agg(now() - ($3 - n) * interval '1 minute'), array_agg($2), array_agg('human'::text),
                array_agg('Demo owner'::text), array_agg(NULL::uuid), array_agg('192.0.2.1'::text),
                array_agg('bench'::text), array_agg(gen_random_uuid()), array_agg('memory.update'::text),
                array_agg('memory'::text), array_agg(gen_random_uuid()::text), array_agg('success'::text),
                array_agg('info'::text),
                array_agg('{\"before\": {\"kind\": \"fact\"}, \"after\": {\"kind\": \"event\"}}'::jsonb),
                array_agg('{}'::jsonb))
           FROM generate_series(1, $3) AS n",
    )
    .bind(tenant)
    .bind(owner)
    .bind(AUDIT_ROWS)
    .execute(&mut *tx)
    .await
    .context("audit rows")?;
    sqlx::query("SELECT memory_collection_refresh($1)")
        .bind(NOW)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Ids of memories that the owner can read.
pub(super) async fn memory_ids(pool: &PgPool) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar(
        "SELECT memories.id FROM memories JOIN tenants ON tenants.id = memories.tenant_id
          WHERE tenants.slug = 'demo' AND memories.visibility = 'org' ORDER BY memories.updated_at DESC LIMIT 40",
    );
    Ok(ids.fetch_all(pool).await?)
}

/// Search queries of three words, each from some memory.
pub(super) async fn questions(pool: &PgPool) -> Result<Vec<String>> {
    let questions = sqlx::query_scalar(
        "SELECT array_to_string((string_to_array(memories.content, ' '))[3:5], ' ')
           FROM memories JOIN tenants ON tenants.id = memories.tenant_id
          WHERE tenants.slug = 'demo' ORDER BY memories.updated_at DESC LIMIT 40",
    );
    Ok(questions.fetch_all(pool).await?)
}

/// The rows of the list page, for the other frameworks' pages.
pub(super) async fn rows(server: &Server) -> Result<Value> {
    let rows: Vec<(String, String, String, String, String)> = sqlx::query_as(
        "SELECT left(memories.content, 240), memories.kind, array_to_string(memories.tags, ', '), memories.visibility, memories.updated_at::text
           FROM memories JOIN tenants ON tenants.id = memories.tenant_id
          WHERE tenants.slug = 'demo' ORDER BY memories.updated_at DESC LIMIT 50",
    )
    .fetch_all(&server.pool)
    .await?;
    let row = |(content, kind, tags, visibility, updated)| json!({ "content": content, "kind": kind, "tags": tags, "visibility": visibility, "updated": updated });
    Ok(rows.into_iter().map(row).collect::<Vec<_>>().into())
}
