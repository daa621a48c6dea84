//! Denials in the audit log: the first is written at once, repeated ones as one
//! row with their number, and none is lost (SEC-E1).

use domain::{Actor, AppError, access::SystemRole, audit::Outcome};
use service::denials_sweep;
use time::Duration;

use crate::support::World;

/// The denied rows of an action, oldest first: how many repetitions each counts.
async fn denials(world: &World, action: &str) -> Vec<Option<i64>> {
    let rows = world.audit().await.into_iter().rev();
    rows.filter(|row| row.action == action && row.outcome == Outcome::Denied)
        .map(|row| {
            let metadata = row.metadata.unwrap();
            metadata["repeats"].as_i64()
        })
        .collect()
}

async fn refused(world: &World, actor: &Actor, times: usize) {
    for _ in 0..times {
        let refused = crate::call::team_create(&world.ctx, actor, "Clerks").await;
        assert!(
            matches!(refused, Err(AppError::Forbidden { .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn repeated_denials_become_one_row_with_their_number() {
    let world = World::without_model().await;
    let viewer = world.tenant.actor(SystemRole::Viewer, "Vera").await;
    refused(&world, &viewer, 300).await;
    assert_eq!(denials(&world, "team.create").await, [None]);
    // Nothing is written before the interval is over, and then one row.
    denials_sweep(&world.ctx).await.unwrap();
    assert_eq!(denials(&world, "team.create").await, [None]);
    world.pass(Duration::minutes(2));
    for _ in 0..2 {
        denials_sweep(&world.ctx).await.unwrap();
        assert_eq!(denials(&world, "team.create").await, [None, Some(299)]);
    }

    // The next denial counts as a first one again.
    refused(&world, &viewer, 1).await;
    let after = denials(&world, "team.create").await;
    assert_eq!(after, [None, Some(299), None]);
}

#[tokio::test]
async fn denial_after_the_interval_writes_the_count_before_it() {
    let world = World::without_model().await;
    let viewer = world.tenant.actor(SystemRole::Viewer, "Vera").await;
    refused(&world, &viewer, 3).await;
    world.pass(Duration::minutes(2));
    refused(&world, &viewer, 1).await;
    let rows = denials(&world, "team.create").await;
    assert_eq!(rows, [None, Some(2), None]);
    world.pass(Duration::minutes(2));
    denials_sweep(&world.ctx).await.unwrap();
    assert_eq!(denials(&world, "team.create").await, rows);
}

#[tokio::test]
async fn denials_of_other_members_and_actions_are_counted_separately() {
    let world = World::without_model().await;
    let vera = world.tenant.actor(SystemRole::Viewer, "Vera").await;
    let vince = world.tenant.actor(SystemRole::Viewer, "Vince").await;
    refused(&world, &vera, 2).await;
    refused(&world, &vince, 1).await;
    let other = crate::call::team_rename(&world.ctx, &vera, world.ctx.ids.id(), "Clerks").await;
    assert!(
        matches!(other, Err(AppError::Forbidden { .. })),
        "{other:?}"
    );
    assert_eq!(denials(&world, "team.create").await, [None, None]);
    assert_eq!(denials(&world, "team.rename").await, [None]);
}
