//! Sharing: at once by reviewers, unshared by the owner at any time, and shown to
//! each viewer.

use domain::{
    Actor, AppError, MemoryId, Permission, TeamId,
    access::SystemRole,
    memory::Visibility,
    share::{Audience, MAX_COMMENT_CHARS, ShareOutcome},
};
use service::memory_versions;

use crate::call_memory::{
    memory_create, memory_delete, memory_get, memory_share, memory_sharing, memory_unshare,
};
use crate::support::{World, draft, json_text};

/// An organisation in which Mia and Max belong to the team that Lena leads, Otis
/// belongs to no team, and Ada reviews for the whole organisation.
pub(crate) struct Team {
    pub(crate) world: World,
    pub(crate) mia: Actor,
    pub(crate) max: Actor,
    pub(crate) lena: Actor,
    pub(crate) otis: Actor,
    pub(crate) ada: Actor,
    pub(crate) design: TeamId,
}

impl Team {
    pub(crate) async fn of(world: World) -> Self {
        let [mia, max, lena, otis] = [
            world.member("Mia").await.user_id,
            world.member("Max").await.user_id,
            world.member("Lena").await.user_id,
            world.member("Otis").await.user_id,
        ];
        let ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
        let design = world.tenant.team("Design", &[mia, max, lena]).await;
        sqlx::query("UPDATE team_members SET role = 'lead' WHERE user_id = $1")
            .bind(lena)
            .execute(&world.db.admin)
            .await
            .unwrap();
        let tenant = &world.tenant;
        Self {
            mia: tenant.actor_of(mia).await,
            max: tenant.actor_of(max).await,
            lena: tenant.actor_of(lena).await,
            otis: tenant.actor_of(otis).await,
            ada,
            design,
            world,
        }
    }

    pub(crate) async fn new() -> Self {
        Self::of(World::without_model().await).await
    }

    pub(crate) fn audience(&self) -> Audience {
        Audience::Team(self.design)
    }

    pub(crate) async fn written(&self, owner: &Actor) -> MemoryId {
        memory_create(
            &self.world.ctx,
            owner,
            &draft("The spare key is under the mat"),
        )
        .await
        .unwrap()
    }

    pub(crate) async fn sees(&self, actor: &Actor, memory: MemoryId) -> bool {
        match memory_get(&self.world.ctx, actor, memory).await {
            Ok(_) => true,
            Err(AppError::NotFound) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// The newest audit rows, oldest first: action and id of the target.
    pub(crate) async fn rows(&self, count: usize) -> Vec<(String, Option<String>)> {
        let rows = self.world.audit().await;
        let mut rows: Vec<_> = rows
            .into_iter()
            .take(count)
            .map(|row| (row.action, row.resource_id))
            .collect();
        rows.reverse();
        rows
    }
}

pub(crate) fn is_conflict<T: std::fmt::Debug>(result: &Result<T, AppError>, part: &str) {
    match result {
        Err(AppError::Conflict { message }) => assert!(message.contains(part), "{message}"),
        other => panic!("{other:?} is not a conflict about “{part}”"),
    }
}

#[tokio::test]
async fn lead_shares_with_the_team_at_once_and_unshares() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.written(&team.lena).await;
    let shared = memory_share(ctx, &team.lena, memory, 1, &team.audience(), "").await;
    assert_eq!(shared, Ok(ShareOutcome::Shared { version: 2 }));
    for (actor, sees) in [
        (&team.mia, true),
        (&team.max, true),
        (&team.otis, false),
        (&team.ada, false),
    ] {
        assert_eq!(team.sees(actor, memory).await, sees, "{}", actor.label);
    }
    let kept = memory_get(ctx, &team.lena, memory).await.unwrap();
    assert_eq!(
        (kept.visibility, kept.team_id),
        (Visibility::Team, Some(team.design))
    );

    // Sharing with the organisation needs another reviewer.
    let outcome = memory_share(ctx, &team.lena, memory, 2, &Audience::Org, "").await;
    assert!(
        matches!(outcome, Ok(ShareOutcome::Proposed { .. })),
        "{outcome:?}"
    );
    assert!(!team.sees(&team.otis, memory).await);

    memory_unshare(ctx, &team.lena, memory).await.unwrap();
    assert!(!team.sees(&team.mia, memory).await);
    let versions = memory_versions(ctx, &team.lena, memory).await.unwrap();
    let kept: Vec<_> = versions
        .iter()
        .map(|version| {
            (
                version.version,
                version.visibility,
                version.reason.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        kept,
        [
            (2, Visibility::Team, Some("Stopped sharing.")),
            (1, Visibility::Private, Some("Shared with a team.")),
        ]
    );
    // SEC-E1: unsharing withdrew the pending proposal, which has its own row.
    let rows = team.rows(4).await;
    let actions: Vec<_> = rows.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "memory.share",
            "memory_proposal.create",
            "memory_proposal.withdraw",
            "memory.unshare"
        ]
    );
    assert_eq!(rows[0].1.as_deref(), Some(memory.to_string().as_str()));
    let row = &team.world.audit().await[0];
    let changes = json_text(row.changes.as_ref());
    assert!(changes.contains("private") && changes.contains(&team.design.to_string()));
}

#[tokio::test]
async fn reviewer_of_the_organisation_shares_with_it_and_narrows_it_again() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.written(&team.ada).await;
    let shared = memory_share(ctx, &team.ada, memory, 1, &Audience::Org, "").await;
    assert_eq!(shared, Ok(ShareOutcome::Shared { version: 2 }));
    assert!(team.sees(&team.otis, memory).await);
    // With any team, also one that they don't belong to.
    let shared = memory_share(ctx, &team.ada, memory, 2, &team.audience(), "").await;
    assert_eq!(shared, Ok(ShareOutcome::Shared { version: 3 }));
    assert!(team.sees(&team.max, memory).await && !team.sees(&team.otis, memory).await);

    // An ordinary member can narrow the sharing from the organisation to a team of
    // theirs without a review.
    let own = team.written(&team.mia).await;
    sqlx::query("UPDATE memories SET visibility = 'org' WHERE id = $1")
        .bind(own)
        .execute(&team.world.db.admin)
        .await
        .unwrap();
    let narrowed = memory_share(ctx, &team.mia, own, 1, &team.audience(), "").await;
    assert_eq!(narrowed, Ok(ShareOutcome::Shared { version: 2 }));
    assert!(team.sees(&team.max, own).await && !team.sees(&team.otis, own).await);
}

#[tokio::test]
async fn owner_unshares_also_after_leaving_the_team() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.written(&team.mia).await;
    let mut lead = team.mia.clone();
    lead.led_team_ids.push(team.design);
    memory_share(ctx, &lead, memory, 1, &team.audience(), "")
        .await
        .unwrap();
    sqlx::query("DELETE FROM team_members WHERE user_id = $1")
        .bind(team.mia.user_id)
        .execute(&team.world.db.admin)
        .await
        .unwrap();
    let left = team.world.tenant.actor_of(team.mia.user_id).await;
    assert!(left.team_ids.is_empty());
    memory_unshare(ctx, &left, memory).await.unwrap();
    assert!(!team.sees(&team.max, memory).await);
    is_conflict(&memory_unshare(ctx, &left, memory).await, "already private");
}

#[tokio::test]
async fn memory_that_can_not_be_shared_says_why() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.written(&team.lena).await;
    let to = async |memory, version| {
        memory_share(ctx, &team.lena, memory, version, &team.audience(), "").await
    };
    is_conflict(&to(memory, 7).await, "updated in the meantime");
    to(memory, 1).await.unwrap();
    is_conflict(&to(memory, 2).await, "already shared this way");

    let set = async |sql: &'static str, memory: MemoryId| {
        sqlx::query(sql)
            .bind(memory)
            .execute(&team.world.db.admin)
            .await
            .unwrap();
    };
    let over = team.written(&team.lena).await;
    set(
        "UPDATE memories SET expires_at = created_at WHERE id = $1",
        over,
    )
    .await;
    is_conflict(&to(over, 1).await, "has expired");
    let reply = team.written(&team.lena).await;
    set(
        "UPDATE memories SET visibility = 'org',
                parent_id = (SELECT min(id::text)::uuid FROM memories WHERE id <> $1) WHERE id = $1",
        reply,
    )
    .await;
    is_conflict(&to(reply, 1).await, "A reply is visible");
    is_conflict(
        &memory_unshare(ctx, &team.lena, reply).await,
        "A reply is visible",
    );
    let trashed = team.written(&team.lena).await;
    memory_delete(ctx, &team.lena, trashed).await.unwrap();
    is_conflict(&to(trashed, 1).await, "in the trash");

    let own = team.written(&team.otis).await;
    for audience in [team.audience(), Audience::Team(store::testing::id())] {
        let refused = memory_share(ctx, &team.otis, own, 1, &audience, "").await;
        assert!(refused.unwrap_err().for_field("audience").is_some());
    }
    let made_up = Audience::Team(store::testing::id());
    let ada = team.written(&team.ada).await;
    let refused = memory_share(ctx, &team.ada, ada, 1, &made_up, "").await;
    assert!(refused.unwrap_err().for_field("audience").is_some());
    let long = "x".repeat(MAX_COMMENT_CHARS + 1);
    let refused = memory_share(ctx, &team.otis, own, 1, &Audience::Org, &long).await;
    assert!(refused.unwrap_err().for_field("comment").is_some());
}

// SEC-C6
#[tokio::test]
async fn foreign_memory_can_not_be_shared_and_another_tenants_does_not_exist() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let memory = team.written(&team.lena).await;
    memory_share(ctx, &team.lena, memory, 1, &team.audience(), "")
        .await
        .unwrap();
    let other = team.world.db.tenant("other").await;
    let otto = other.actor(SystemRole::Owner, "Otto").await;
    // Mia can view it, Ada and Otto can't; the error is the same for all.
    for stranger in [&team.mia, &team.ada, &otto] {
        let shared = memory_share(ctx, stranger, memory, 2, &Audience::Org, "").await;
        assert_eq!(shared, Err(AppError::NotFound), "{}", stranger.label);
        assert_eq!(
            memory_unshare(ctx, stranger, memory).await,
            Err(AppError::NotFound)
        );
    }
    for stranger in [&team.ada, &otto] {
        let told = memory_sharing(ctx, stranger, memory).await;
        assert_eq!(told, Err(AppError::NotFound));
    }
}

#[tokio::test]
async fn viewers_and_allowed_actions_are_shown_by_permission() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let sales = team.world.tenant.team("Sales", &[]).await;
    let memory = team.written(&team.mia).await;
    let told = memory_sharing(ctx, &team.mia, memory).await.unwrap();
    assert_eq!((told.viewers.people, told.viewers.programs), (1, 0));
    assert_eq!(told.viewers.first[0].id, team.mia.user_id);
    let choices: Vec<_> = told
        .choices
        .iter()
        .map(|choice| {
            (
                choice.audience,
                choice.team_name.as_str(),
                choice.is_immediate,
            )
        })
        .collect();
    assert_eq!(
        choices,
        [
            (team.audience(), "Design", false),
            (Audience::Org, "", false)
        ]
    );
    assert!(!told.may_unshare && told.pending.is_none());

    // A lead, and a reviewer of the organisation.
    let is_immediate = async |actor: &Actor| {
        let memory = team.written(actor).await;
        let told = memory_sharing(ctx, actor, memory).await.unwrap();
        let choices = told.choices.into_iter();
        choices
            .map(|choice| (choice.audience, choice.is_immediate))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        is_immediate(&team.lena).await,
        [(team.audience(), true), (Audience::Org, false)]
    );
    assert_eq!(
        is_immediate(&team.ada).await,
        [
            (team.audience(), true),
            (Audience::Team(sales), true),
            (Audience::Org, true)
        ]
    );

    // Shared: the others see who can view it and may do nothing.
    let mut lead = team.mia.clone();
    lead.led_team_ids.push(team.design);
    memory_share(ctx, &lead, memory, 1, &team.audience(), "")
        .await
        .unwrap();
    let told = memory_sharing(ctx, &team.max, memory).await.unwrap();
    let names: Vec<_> = told
        .viewers
        .first
        .iter()
        .map(|viewer| viewer.name.as_str())
        .collect();
    assert_eq!(
        (told.viewers.people, names),
        (3, vec!["Lena", "Max", "Mia"])
    );
    assert!(told.choices.is_empty() && !told.may_unshare);
    let own = memory_sharing(ctx, &team.mia, memory).await.unwrap();
    assert!(own.may_unshare);
    assert_eq!(own.choices.len(), 1);

    // A viewer without the permission to read members sees the number only.
    let mut narrow = team.max.clone();
    narrow.permissions.remove(&Permission::MemberRead);
    let told = memory_sharing(ctx, &narrow, memory).await.unwrap();
    assert_eq!((told.viewers.people, told.viewers.first.len()), (3, 0));

    // In the trash only its owner can view it, and it can't be shared.
    memory_delete(ctx, &team.mia, memory).await.unwrap();
    let told = memory_sharing(ctx, &team.mia, memory).await.unwrap();
    assert_eq!(told.viewers.people, 1);
    assert!(told.choices.is_empty() && told.may_unshare);
}
