//! Semantic search: the overhead of row-level security, and the recall of the
//! approximate index.

use super::SearchArguments;
use super::{server::Server, world::Question};
use crate::{
    table::{Table, Times, millis, verdict},
    world::{NOW, Tenant, World},
};
use anyhow::{Context, Result};
use domain::{
    Actor, MemoryId,
    memory::{MemoryCriteria, MemoryKind, MemoryOwner, SearchMode, Visibility},
};
use pgvector::HalfVector;
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use std::time::Instant;
use store::{
    embedding_model::embedding_model_active,
    memory::{SearchParams, SearchQuery, memory_search},
};

/// The product's query for the ten nearest memories. To bypass row-level
/// security, `visible` holds the text of the policies.
fn statement(distance: &str, visible: &str) -> String {
    format!(
        "SELECT id FROM memories WHERE tenant_id = $1 AND vector_dims(embedding_a) = 384 AND memory_fits(memories, $3){visible}
          ORDER BY {distance} LIMIT 10"
    )
}

/// The permissive SELECT policies of members, joined by OR as Postgres does.
async fn policies(server: &Server) -> Result<String> {
    let policies: String = sqlx::query_scalar(
        "SELECT string_agg(format('(%s)', pg_get_expr(polqual, polrelid)), ' OR ' ORDER BY polname)
           FROM pg_policy
          WHERE polrelid = 'memories'::regclass AND polcmd = 'r' AND polpermissive
            AND 'atrium_app'::regrole = ANY (polroles)",
    )
    .fetch_one(&server.owner)
    .await?;
    Ok(format!(" AND ({policies})"))
}

/// Sets an actor and the search settings for this transaction, as the store
/// does.
async fn enter(conn: &mut PgConnection, actor: &Actor) -> Result<()> {
    let teams: Vec<_> = actor.team_ids.iter().map(ToString::to_string).collect();
    sqlx::query(
        "SELECT set_config('app.current_tenant_id', $1, true), set_config('app.current_user_id', $2, true),
                set_config('app.current_team_ids', $3, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
                set_config('hnsw.ef_search', '100', true), set_config('plan_cache_mode', 'force_custom_plan', true)",
    )
    .bind(actor.tenant_id.to_string())
    .bind(actor.user_id.to_string())
    .bind(format!("{{{}}}", teams.join(",")))
    .execute(&mut *conn)
    .await?;
    Ok(())
}

async fn nearest_ids(
    conn: &mut PgConnection,
    sql: &str,
    actor: &Actor,
    question: &Question,
    filter: &serde_json::Value,
) -> Result<Vec<MemoryId>> {
    Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .bind(actor.tenant_id)
        .bind(HalfVector::from_f32_slice(&question.vector))
        .bind(filter)
        .fetch_all(conn)
        .await?)
}

/// Compares the same statement under and past row-level security, alternating
/// on one connection: two connections would have backends on different cores,
/// one of which may be nearer to the client.
pub(crate) async fn row_security(
    server: &Server,
    world: &World,
    arguments: &SearchArguments,
) -> Result<()> {
    let visible = policies(server).await?;
    let distance = "embedding_a::halfvec(384) <=> $2::halfvec(384)";
    let (with_rls, without_rls) = (statement(distance, ""), statement(distance, &visible));
    let filter = serde_json::json!({ "now": NOW.unix_timestamp() });
    let mut table = Table::new(&[
        "memories",
        "reader",
        "under row security p50",
        "past it p50",
        "ratio",
        "target 1.1",
    ]);
    for tenant in chosen(world, &[usize::MAX, 20_000, 2_000, 100]) {
        for (name, actor) in readers(tenant) {
            let questions = world.questions(tenant, arguments.questions);
            let (mut times_with_rls, mut times_without_rls) = (Vec::new(), Vec::new());
            let mut conn = server.owner.begin().await?;
            enter(&mut conn, &actor).await?;
            // The first round warms up.
            for round in 0..2 {
                for (n, question) in questions.iter().enumerate() {
                    let mut found = [Vec::new(), Vec::new()];
                    // Alternates, because the second query profits from the CPU
                    // cache.
                    for side in if n % 2 == 0 { [0, 1] } else { [1, 0] } {
                        let (role, sql, times) = if side == 0 {
                            ("SET LOCAL ROLE atrium_app", &with_rls, &mut times_with_rls)
                        } else {
                            ("SET LOCAL ROLE NONE", &without_rls, &mut times_without_rls)
                        };
                        conn.execute(role).await?;
                        let started = Instant::now();
                        found[side] =
                            nearest_ids(&mut conn, sql, &actor, question, &filter).await?;
                        if round > 0 {
                            times.push(started.elapsed());
                        }
                    }
                    anyhow::ensure!(found[0] == found[1], "row security shows other memories");
                }
            }
            if arguments.plans {
                conn.execute("SET LOCAL ROLE atrium_app").await?;
                plan(&mut conn, &with_rls, &actor, &questions[0], &filter).await?;
            }
            let (with_rls, without_rls) = (
                Times::of(times_with_rls).percentile(50),
                Times::of(times_without_rls).percentile(50),
            );
            table.row(vec![
                tenant.rows.to_string(),
                name.to_owned(),
                millis(with_rls),
                millis(without_rls),
                format!("{:.2}", with_rls / without_rls),
                verdict(with_rls / without_rls <= 1.1),
            ]);
        }
    }
    table.print("Ten nearest: row security ÷ the same conditions past it");
    Ok(())
}

async fn plan(
    conn: &mut PgConnection,
    sql: &str,
    actor: &Actor,
    question: &Question,
    filter: &serde_json::Value,
) -> Result<()> {
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN (ANALYZE, BUFFERS) {sql}")))
            .bind(actor.tenant_id)
            .bind(HalfVector::from_f32_slice(&question.vector))
            .bind(filter)
            .fetch_all(conn)
            .await?;
    for line in lines {
        // Cuts off long vectors.
        println!("    {}", line.chars().take(220).collect::<String>());
    }
    Ok(())
}

fn readers(tenant: &Tenant) -> [(&'static str, Actor); 3] {
    [
        ("owns a third, half of the teams", tenant.veteran()),
        ("owns little, one team", tenant.colleague()),
        ("sees shared memories only", tenant.newcomer()),
    ]
}

/// The filters to measure.
fn filters(tenant: &Tenant) -> Vec<(&'static str, MemoryCriteria)> {
    let all = MemoryCriteria::default;
    vec![
        ("all visible", all()),
        (
            "own",
            MemoryCriteria {
                owner: Some(MemoryOwner::Mine),
                ..all()
            },
        ),
        (
            "others'",
            MemoryCriteria {
                owner: Some(MemoryOwner::Others),
                ..all()
            },
        ),
        (
            "private",
            MemoryCriteria {
                visibility: Some(Visibility::Private),
                ..all()
            },
        ),
        (
            "any team",
            MemoryCriteria {
                visibility: Some(Visibility::Team),
                ..all()
            },
        ),
        (
            "one team",
            MemoryCriteria {
                team_id: tenant.teams.first().copied(),
                ..all()
            },
        ),
        (
            "everyone",
            MemoryCriteria {
                visibility: Some(Visibility::Org),
                ..all()
            },
        ),
        (
            "events",
            MemoryCriteria {
                kind: Some(MemoryKind::Event),
                ..all()
            },
        ),
        (
            "a rare tag",
            MemoryCriteria {
                tags: vec!["seldom".into()],
                ..all()
            },
        ),
    ]
}

/// The organisations nearest to these sizes, without duplicates.
pub(crate) fn chosen<'a>(world: &'a World, sizes: &[usize]) -> Vec<&'a Tenant> {
    let largest = world.tenants[0].rows;
    let mut chosen: Vec<_> = sizes
        .iter()
        .map(|size| world.tenant_of((*size).min(largest)))
        .collect();
    chosen.dedup_by_key(|tenant| tenant.id);
    chosen
}

/// Recall of the semantic search against an exact scan with the same distance
/// limit.
pub(crate) async fn recall(
    server: &Server,
    world: &World,
    arguments: &SearchArguments,
) -> Result<()> {
    let visible = format!("{} AND embedding_a <=> $2 <= 0.85", policies(server).await?);
    let exact = statement("(embedding_a <=> $2) + 0", &visible);
    let mut table = Table::new(&[
        "memories",
        "filter",
        "visible to each reader",
        "recall@10",
        "worst question",
        "p50",
        "p95",
        "target",
    ]);
    let count = (arguments.questions / 4).max(10);
    for tenant in chosen(
        world,
        &[usize::MAX, 20_000, 13_000, 5_600, 4_500, 2_000, 500, 100],
    ) {
        for (filter_name, criteria) in filters(tenant) {
            let (mut lowest_recall, mut worst_recall) = (1.0_f64, 1.0_f64);
            let (mut times, mut visible_counts) = (Vec::new(), Vec::new());
            for (_, actor) in readers(tenant) {
                let filter = store::memory::criteria_filter(&criteria, actor.user_id, NOW)?;
                visible_counts.push(visible_count(server, &actor, &filter).await?.to_string());
                let (mut hit, mut all) = (0, 0);
                for question in world.questions(tenant, count) {
                    let mut owner = server.owner.begin().await?;
                    enter(&mut owner, &actor).await?;
                    let nearest =
                        nearest_ids(&mut owner, &exact, &actor, &question, &filter).await?;
                    drop(owner);
                    let started = Instant::now();
                    let found = semantic_search(server, &actor, &question, &criteria).await?;
                    times.push(started.elapsed());
                    let matches = nearest.iter().filter(|id| found.contains(id)).count();
                    hit += matches;
                    all += nearest.len();
                    if !nearest.is_empty() {
                        worst_recall = worst_recall.min(ratio(matches, nearest.len()));
                    }
                }
                if all > 0 {
                    lowest_recall = lowest_recall.min(ratio(hit, all));
                }
            }
            let target = if tenant.rows < 5_000 { 1.0 } else { 0.97 };
            let times = Times::of(times);
            table.row(vec![
                tenant.rows.to_string(),
                filter_name.to_owned(),
                visible_counts.join(" · "),
                format!("{lowest_recall:.3}"),
                format!("{worst_recall:.1}"),
                millis(times.percentile(50)),
                millis(times.percentile(95)),
                format!("{target} {}", verdict(lowest_recall >= target)),
            ]);
        }
    }
    table.print(
        "Search by meaning against comparing with every memory: the reader with the lowest recall of three",
    );
    Ok(())
}

async fn visible_count(server: &Server, actor: &Actor, filter: &serde_json::Value) -> Result<i64> {
    let mut owner = server.owner.begin().await?;
    enter(&mut owner, actor).await?;
    let visible = policies(server).await?;
    sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT count(*) FROM memories WHERE tenant_id = $1 AND memory_fits(memories, $2){visible}"
    )))
    .bind(actor.tenant_id)
    .bind(filter)
    .fetch_one(&mut *owner)
    .await
    .context("counting visible memories")
}

async fn semantic_search(
    server: &Server,
    actor: &Actor,
    question: &Question,
    criteria: &MemoryCriteria,
) -> Result<Vec<MemoryId>> {
    let query = SearchQuery::parse(&question.text);
    let mut tx = server.store.begin(actor).await?;
    let model = embedding_model_active(&mut tx).await?;
    let request = SearchParams {
        query: &query,
        vector: Some((&model, &question.vector)),
        mode: SearchMode::Meaning,
        criteria,
        limit: 10,
        now: NOW,
    };
    let hits = memory_search(&mut tx, &request).await?;
    Ok(hits.iter().map(|hit| hit.memory.id).collect())
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn ratio(part: usize, of: usize) -> f64 {
    part as f64 / of as f64
}
