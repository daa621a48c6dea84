//! Latency of the whole search, by words and meaning, in organisations of
//! different sizes.

use super::SearchArguments;
use super::server::Server;
use crate::{
    table::{Table, Times, millis, verdict},
    world::{NOW, World},
};
use anyhow::Result;
use domain::memory::{MemoryCriteria, SearchMode};
use std::time::Instant;
use store::{
    embedding_model::embedding_model_active,
    memory::{SearchParams, SearchQuery, memory_search},
};

pub(crate) async fn hybrid(
    server: &Server,
    world: &World,
    arguments: &SearchArguments,
) -> Result<()> {
    let sizes: Vec<_> = [usize::MAX, 20_000, 2_000, 100]
        .into_iter()
        .map(|rows| world.tenant_of(rows.min(world.tenants[0].rows)))
        .collect();
    let criteria = MemoryCriteria::default();
    let modes = [SearchMode::Both, SearchMode::Words, SearchMode::Meaning];
    let mut times = vec![vec![Vec::new(); modes.len()]; sizes.len()];
    // Interleaved, so that a busy moment affects all alike; the first queries
    // warm up.
    for n in 0..arguments.questions + 10 {
        for (at, tenant) in sizes.iter().enumerate() {
            let questions = world.questions(tenant, n + 1);
            let question = &questions[n];
            let query = SearchQuery::parse(&question.text);
            for (mode, times) in modes.iter().zip(&mut times[at]) {
                let started = Instant::now();
                let mut tx = server.store.begin(&tenant.veteran()).await?;
                let active = embedding_model_active(&mut tx).await?;
                let request = SearchParams {
                    query: &query,
                    vector: Some((&active, &question.vector)),
                    mode: *mode,
                    criteria: &criteria,
                    limit: 50,
                    now: NOW,
                };
                memory_search(&mut tx, &request).await?;
                drop(tx);
                if n >= 10 {
                    times.push(started.elapsed());
                }
            }
        }
    }
    let mut table = Table::new(&[
        "memories",
        "both p50",
        "both p95",
        "words p50",
        "words p95",
        "meaning p50",
        "meaning p95",
    ]);
    let mut slowest = Vec::new();
    for (tenant, times) in sizes.iter().zip(times) {
        let mut row = vec![tenant.rows.to_string()];
        for (n, times) in times.into_iter().enumerate() {
            let times = Times::of(times);
            row.push(millis(times.percentile(50)));
            row.push(millis(times.percentile(95)));
            if n == 0 {
                slowest.push(times.percentile(95));
            }
        }
        table.row(row);
    }
    table.print("The whole search, with its transaction");
    let ratio = slowest[0] / slowest[2];
    println!(
        "\np95 of both, {} ÷ {} memories: {ratio:.2} (target 5: {})",
        sizes[0].rows,
        sizes[2].rows,
        verdict(ratio <= 5.0)
    );
    Ok(())
}
