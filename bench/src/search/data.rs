//! Writes the test data, once for each database.

use super::SearchArguments;
use super::server::Server;
use crate::{
    copy::copy_memories,
    dice::Rng,
    world::{NOW, Tenant, World},
};
use anyhow::{Context, Result};
use domain::{EmbeddingModelId, RoleId};
use sqlx::{AssertSqlSafe, PgPool};
use std::time::Instant;
use store::tenant::{NewTenant, tenant_create};

/// Comment on a database that has all rows of this version of the world.
const MARK: &str = "made, version 2";

/// Generates the world and writes its rows unless the database has them.
pub(crate) async fn ensure(server: &Server, arguments: &SearchArguments) -> Result<World> {
    let world = World::new(arguments.rows);
    // Marked by a comment on the database, which needs no table.
    let is_complete: bool = sqlx::query_scalar(
        "SELECT shobj_description(oid, 'pg_database') IS NOT DISTINCT FROM $1 FROM pg_database WHERE datname = current_database()",
    )
    .bind(MARK)
    .fetch_one(&server.owner)
    .await?;
    if is_complete {
        return Ok(world);
    }
    let started = Instant::now();
    println!("writing {} memories …", arguments.rows);
    // Removes what an interrupted run has left.
    run(&server.owner, "TRUNCATE tenants CASCADE").await?;
    // Building the indexes afterwards is many times faster.
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "SELECT indexname::text, indexdef FROM pg_indexes
          WHERE indexname IN ('memories_search_idx', 'memories_embedding_a_384_idx')",
    )
    .fetch_all(&server.owner)
    .await?;
    for (name, _) in &indexes {
        run(&server.owner, &format!("DROP INDEX {name}")).await?;
    }
    for (n, tenant) in world.tenants.iter().enumerate() {
        insert_tenant(server, n, tenant).await?;
        copy_memories(&server.owner, &world, tenant).await?;
    }
    println!("  rows: {:.0} s", started.elapsed().as_secs_f32());
    for (name, definition) in &indexes {
        run(&server.owner, definition).await?;
        println!("  {name}: {:.0} s", started.elapsed().as_secs_f32());
    }
    run(&server.owner, "VACUUM (ANALYZE) memories").await?;
    run(&server.owner, "ANALYZE").await?;
    for tenant in &world.tenants {
        // The same refresh as in the housekeeping job.
        let mut tx = server.store.begin_as_system(tenant.id).await?;
        store::memory::collection_refresh(&mut tx, NOW).await?;
        tx.commit().await?;
    }
    run(
        &server.owner,
        "VACUUM (ANALYZE) memory_lexemes, memory_collections",
    )
    .await?;
    println!("  words counted: {:.0} s", started.elapsed().as_secs_f32());
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&server.owner)
        .await?;
    run(
        &server.owner,
        &format!("COMMENT ON DATABASE {name} IS '{MARK}'"),
    )
    .await?;
    Ok(world)
}

async fn run(pool: &PgPool, sql: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(pool)
        .await
        .with_context(|| sql.to_owned())?;
    Ok(())
}

async fn insert_tenant(server: &Server, n: usize, tenant: &Tenant) -> Result<()> {
    let pool = &server.owner;
    let mut dice = Rng::new(tenant.seed + 9_000_000);
    let slug = format!("bench-{n}");
    let new = NewTenant {
        id: tenant.id,
        slug: &slug,
        name: &slug,
        is_demo: false,
        entra_tenant_id: None,
        role_ids: std::array::from_fn(|_| RoleId(dice.uuid())),
        embedding_model_id: EmbeddingModelId(tenant.id.0),
    };
    let mut tx = server.store.begin_operator().await?;
    tenant_create(&mut tx, &new, NOW).await?;
    tx.commit().await?;
    sqlx::query(
        "INSERT INTO users (tenant_id, id, display_name, kind, status, created_at, updated_at)
         SELECT $1, id, 'Member ' || id, 'human', 'active', $3, $3 FROM unnest($2::uuid[]) AS id",
    )
    .bind(tenant.id)
    .bind(&tenant.members)
    .bind(NOW)
    .execute(pool)
    .await?;
    sqlx::query(
        "INSERT INTO teams (tenant_id, id, name, created_at, updated_at)
         SELECT $1, id, 'Team ' || id, $3, $3 FROM unnest($2::uuid[]) AS id",
    )
    .bind(tenant.id)
    .bind(&tenant.teams)
    .bind(NOW)
    .execute(pool)
    .await?;
    Ok(())
}
