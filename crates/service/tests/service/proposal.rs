//! Proposals: from the author to the reviewer and back.

use domain::{
    Actor, AppError, MemoryId, ProposalId,
    access::SystemRole,
    memory::{MemoryFilter, SearchMode, Visibility},
    notification::NotificationData,
    proposal::{ProposalStatus, ProposalView},
    share::{Audience, ShareOutcome},
};
use service::frame_get;

use crate::call_memory::{
    memory_get, memory_search, memory_share, memory_sharing, memory_unshare, memory_update,
    proposal_accept, proposal_decline, proposal_get, proposal_list, proposal_withdraw,
};
use crate::{
    call::notification_list,
    share::{Team, is_conflict},
    support::{World, change},
};

impl Team {
    async fn proposed(&self, owner: &Actor, audience: Audience) -> (MemoryId, ProposalId) {
        let memory = self.written(owner).await;
        (memory, self.proposal(owner, memory, 1, audience).await)
    }

    async fn proposal(
        &self,
        owner: &Actor,
        memory: MemoryId,
        version: i32,
        audience: Audience,
    ) -> ProposalId {
        let comment = "Everybody asks for it";
        let outcome =
            memory_share(&self.world.ctx, owner, memory, version, &audience, comment).await;
        let Ok(ShareOutcome::Proposed { proposal_id: id }) = outcome else {
            panic!("{outcome:?}");
        };
        id
    }

    async fn told(&self, actor: &Actor) -> Vec<NotificationData> {
        let page = notification_list(&self.world.ctx, actor).await.unwrap();
        page.items
            .into_iter()
            .filter_map(|item| item.notice)
            .collect()
    }

    async fn finds(&self, actor: &Actor, question: &str, mode: SearchMode) -> Vec<MemoryId> {
        let filter = MemoryFilter::default();
        let found = memory_search(&self.world.ctx, actor, question, mode, &filter)
            .await
            .unwrap();
        found.hits.into_iter().map(|hit| hit.memory.id).collect()
    }
}

#[tokio::test]
async fn lead_accepts_a_members_proposal_and_only_the_team_finds_it() {
    let team = Team::of(World::new().await).await;
    let ctx = &team.world.ctx;
    let (memory, proposal) = team.proposed(&team.mia, team.audience()).await;
    let worker = team.world.worker();
    team.world.embedded(&team.mia).await;
    worker.stop().await;

    let told = team.told(&team.lena).await;
    let [NotificationData::MemoryProposed(told)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!((told.proposal, told.proposer.as_str()), (proposal, "Mia"));
    assert_eq!(told.team.as_deref(), Some("Design"));
    assert!(team.told(&team.ada).await.is_empty() && team.told(&team.max).await.is_empty());
    for (actor, waiting) in [
        (&team.lena, 1),
        (&team.ada, 1),
        (&team.mia, 0),
        (&team.max, 0),
    ] {
        let frame = frame_get(ctx, actor).await.unwrap();
        assert_eq!(frame.waiting, waiting, "{}", actor.label);
    }
    let seen = proposal_get(ctx, &team.lena, proposal).await.unwrap();
    assert_eq!(seen.content, "The spare key is under the mat");
    assert_eq!(seen.comment, "Everybody asks for it");
    assert_eq!(seen.viewers.unwrap().people, 3);
    assert!(!team.sees(&team.lena, memory).await);

    proposal_accept(ctx, &team.lena, proposal, " Good to know ")
        .await
        .unwrap();
    let (by_words, by_meaning) = ("mat", "how do I get into the house");
    for (question, mode) in [
        (by_words, SearchMode::Words),
        (by_meaning, SearchMode::Meaning),
    ] {
        for actor in [&team.mia, &team.max, &team.lena] {
            assert_eq!(
                team.finds(actor, question, mode).await,
                [memory],
                "{}",
                actor.label
            );
        }
        for actor in [&team.otis, &team.ada] {
            let found = team.finds(actor, question, mode).await;
            assert!(found.is_empty(), "{}", actor.label);
        }
    }
    let told = team.told(&team.mia).await;
    let [NotificationData::MemoryProposalDecided(told)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(told.accepted);
    assert_eq!(
        (told.memory, told.comment.as_str()),
        (memory, "Good to know")
    );
    assert_eq!(told.reviewer, "Lena");

    // SEC-E1: the decision, and the resulting change of the memory.
    let rows = team.rows(2).await;
    assert_eq!(
        rows,
        [
            ("memory.share".to_owned(), Some(memory.to_string())),
            (
                "memory_proposal.accept".to_owned(),
                Some(proposal.to_string())
            ),
        ]
    );
    for row in &team.world.audit().await[..3] {
        let kept = format!("{:?} {:?}", row.changes, row.metadata);
        assert!(!kept.contains("spare") && !kept.contains("asks"), "{kept}");
    }
    is_conflict(
        &proposal_accept(ctx, &team.lena, proposal, "").await,
        "accepted",
    );
}

#[tokio::test]
async fn declined_or_withdrawn_memory_stays_private() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let (memory, proposal) = team.proposed(&team.mia, Audience::Org).await;
    proposal_decline(ctx, &team.ada, proposal, "Keys change")
        .await
        .unwrap();
    assert!(!team.sees(&team.otis, memory).await);
    let told = team.told(&team.mia).await;
    let [NotificationData::MemoryProposalDecided(told)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(!told.accepted);
    assert_eq!((told.comment.as_str(), &told.team), ("Keys change", &None));
    let own = proposal_get(ctx, &team.mia, proposal).await.unwrap();
    assert_eq!(own.summary.status, ProposalStatus::Declined);
    assert_eq!(own.review_comment.as_deref(), Some("Keys change"));
    assert_eq!((own.may_decide, own.viewers), (false, None));

    // It can be proposed again and withdrawn, after which no reviewer can read it.
    let again = team.proposal(&team.mia, memory, 1, Audience::Org).await;
    proposal_withdraw(ctx, &team.mia, again).await.unwrap();
    let gone = proposal_get(ctx, &team.ada, again).await;
    assert_eq!(gone, Err(AppError::NotFound));
    let late = proposal_accept(ctx, &team.ada, again, "").await;
    assert_eq!(late, Err(AppError::NotFound));
    is_conflict(&proposal_withdraw(ctx, &team.mia, again).await, "withdrawn");
    assert!(!team.sees(&team.otis, memory).await);
    assert_eq!(team.rows(1).await[0].0, "memory_proposal.withdraw");
}

#[tokio::test]
async fn memory_that_changed_since_can_not_be_accepted_and_is_proposed_again() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let (memory, first) = team.proposed(&team.mia, team.audience()).await;
    let twice = memory_share(ctx, &team.mia, memory, 1, &team.audience(), "").await;
    is_conflict(&twice, "already proposed this");
    memory_update(ctx, &team.mia, memory, 1, &change("The spare key is gone"))
        .await
        .unwrap();
    let told = memory_sharing(ctx, &team.mia, memory).await.unwrap();
    assert!(told.pending.unwrap().is_stale);
    is_conflict(
        &proposal_accept(ctx, &team.lena, first, "").await,
        "changed after it was proposed",
    );
    let kept = memory_get(ctx, &team.mia, memory).await.unwrap();
    assert_eq!((kept.visibility, kept.version), (Visibility::Private, 2));

    let second = team.proposal(&team.mia, memory, 2, team.audience()).await;
    let old = proposal_get(ctx, &team.mia, first).await.unwrap();
    assert_eq!(old.summary.status, ProposalStatus::Withdrawn);
    let rows = team.rows(2).await;
    assert_eq!(
        rows[0],
        (
            "memory_proposal.withdraw".to_owned(),
            Some(first.to_string())
        )
    );
    assert_eq!(
        rows[1],
        (
            "memory_proposal.create".to_owned(),
            Some(second.to_string())
        )
    );
    proposal_accept(ctx, &team.lena, second, "").await.unwrap();
    let seen = memory_get(ctx, &team.max, memory).await.unwrap();
    assert_eq!(seen.content, "The spare key is gone");
}

#[tokio::test]
async fn nobody_decides_their_own_proposal_or_sees_unrelated_ones() {
    let team = Team::new().await;
    let ctx = &team.world.ctx;
    // Lena reviews for the team but not for the organisation; nothing is proposed to Ada.
    let (_, lenas) = team.proposed(&team.lena, Audience::Org).await;
    is_conflict(
        &proposal_accept(ctx, &team.lena, lenas, "").await,
        "your own proposal",
    );
    is_conflict(
        &proposal_decline(ctx, &team.lena, lenas, "").await,
        "your own proposal",
    );
    let (_, mias) = team.proposed(&team.mia, team.audience()).await;
    let other = team.world.db.tenant("other").await;
    let otto = other.actor(SystemRole::Owner, "Otto").await;
    for stranger in [&team.max, &team.otis, &otto] {
        for proposal in [lenas, mias] {
            let outcomes = [
                proposal_get(ctx, stranger, proposal).await.map(drop),
                proposal_accept(ctx, stranger, proposal, "").await,
                proposal_decline(ctx, stranger, proposal, "").await,
                proposal_withdraw(ctx, stranger, proposal).await,
            ];
            for outcome in outcomes {
                assert_eq!(outcome, Err(AppError::NotFound), "{}", stranger.label);
            }
        }
    }
    let foreign = proposal_withdraw(ctx, &team.ada, mias).await;
    assert_eq!(foreign, Err(AppError::NotFound));
}

#[tokio::test]
async fn lists_are_to_review_sent_and_reviewed() {
    use ProposalView::{Decided, Mine, Waiting};

    let team = Team::new().await;
    let ctx = &team.world.ctx;
    let (_, first) = team.proposed(&team.mia, team.audience()).await;
    let (memory, second) = team.proposed(&team.mia, Audience::Org).await;
    let (_, lenas) = team.proposed(&team.lena, Audience::Org).await;
    let list = async |actor: &Actor, view| {
        let list = proposal_list(ctx, actor, view, None).await.unwrap();
        let ids: Vec<_> = list.page.items.iter().map(|item| item.id).collect();
        (list.view, ids)
    };
    // The default is what waits for review for reviewers, and the own proposals for others.
    assert_eq!(list(&team.mia, None).await, (Mine, vec![second, first]));
    assert_eq!(list(&team.lena, None).await, (Waiting, vec![first]));
    assert_eq!(
        list(&team.ada, None).await,
        (Waiting, vec![lenas, second, first])
    );
    assert_eq!(list(&team.lena, Some(Mine)).await.1, [lenas]);
    assert_eq!(list(&team.mia, Some(Waiting)).await.1, []);
    proposal_decline(ctx, &team.ada, second, "").await.unwrap();
    assert_eq!(list(&team.ada, Some(Decided)).await.1, [second]);
    assert_eq!(list(&team.ada, None).await.1, [lenas, first]);
    let broken = proposal_list(ctx, &team.ada, None, Some("x")).await;
    assert!(broken.unwrap_err().for_field("after").is_some());

    // Unsharing a memory withdraws its pending proposals.
    let (memory, third) = (
        memory,
        team.proposal(&team.mia, memory, 1, team.audience()).await,
    );
    proposal_accept(ctx, &team.lena, third, "").await.unwrap();
    let fourth = team.proposal(&team.mia, memory, 2, Audience::Org).await;
    memory_unshare(ctx, &team.mia, memory).await.unwrap();
    let ended = proposal_get(ctx, &team.mia, fourth).await.unwrap();
    assert_eq!(ended.summary.status, ProposalStatus::Withdrawn);
}
