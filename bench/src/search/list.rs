//! Latency of a page of the list, at different depths.

use super::server::Server;
use crate::{
    table::{Table, Times, millis, verdict},
    world::{NOW, World},
};
use anyhow::Result;
use domain::memory::{MemoryCriteria, MemoryKind, MemoryOwner, Visibility};
use std::time::Instant;
use store::{
    TenantTx,
    memory::{MemoryPage, memory_list},
};

const PAGE: u16 = 50;
const TIMES: usize = 60;
const DEPTHS: [usize; 3] = [1, 1_000, 50_000];

pub(crate) async fn depth(server: &Server, world: &World) -> Result<()> {
    let tenant = &world.tenants[0];
    let actor = tenant.veteran();
    let all = MemoryCriteria::default;
    let filters = [
        ("nothing", all()),
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
            "a common tag",
            MemoryCriteria {
                tags: vec!["often".into()],
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
    ];
    let mut heads = vec!["filter".to_owned()];
    heads.extend(DEPTHS.iter().map(|depth| format!("p50 at {depth}")));
    heads.push("deepest ÷ first".to_owned());
    let mut table = Table::new(&heads.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, criteria) in filters {
        let mut tx = server.store.begin(&actor).await?;
        let at = cursors_at_depths(&mut tx, &criteria).await?;
        let mut times = vec![Vec::new(); at.len()];
        for turn in 0..TIMES + 5 {
            for ((_, after), times) in at.iter().zip(&mut times) {
                let started = Instant::now();
                let page = MemoryPage {
                    after: after.as_deref(),
                    ..MemoryPage::first(PAGE)
                };
                memory_list(&mut tx, &criteria, page, NOW).await?;
                if turn >= 5 {
                    times.push(started.elapsed());
                }
            }
        }
        let times: Vec<_> = times
            .into_iter()
            .map(|times| Times::of(times).percentile(50))
            .collect();
        let mut row = vec![name.to_owned()];
        row.extend(DEPTHS.iter().map(|depth| {
            let place = at.iter().position(|(at, _)| at == depth);
            place.map_or("fewer".to_owned(), |place| millis(times[place]))
        }));
        let ratio = times[times.len() - 1] / times[0];
        row.push(format!("{ratio:.2} {}", verdict(ratio <= 1.5)));
        table.row(row);
    }
    table.print(&format!(
        "A page of {PAGE} of the list, {} memories",
        tenant.rows
    ));
    Ok(())
}

/// Pages through the list and returns the cursors at [`DEPTHS`] that it has.
async fn cursors_at_depths(
    tx: &mut TenantTx,
    criteria: &MemoryCriteria,
) -> Result<Vec<(usize, Option<String>)>> {
    let mut at = vec![(1, None)];
    let (mut rows_read, mut after) = (0, None::<String>);
    while rows_read < DEPTHS[2] {
        let page = MemoryPage {
            after: after.as_deref(),
            ..MemoryPage::first(500)
        };
        let page = memory_list(tx, criteria, page, NOW).await?;
        let Some(next) = page.next else { break };
        rows_read += page.items.len();
        after = Some(next);
        if DEPTHS.contains(&rows_read) {
            at.push((rows_read, after.clone()));
        }
    }
    Ok(at)
}
