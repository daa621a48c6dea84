//! SEC-C3: a proposal is decided by somebody else, on exactly the text that they
//! read.

use domain::{
    Actor, MemoryId, Permission, ProposalId, UserId,
    access::SystemRole,
    notification::{MemoryProposalDecided, MemoryProposed, NotificationData},
    proposal::{ProposalStatus, ProposalView},
    share::{Audience, Comment},
};
use sqlx::AssertSqlSafe;
use store::{
    StoreError,
    memory::{memory_delete, memory_get, memory_share, memory_update},
    notification::notification_create,
    offboard::user_proposals_withdraw,
    proposal::{
        proposal_accept, proposal_create, proposal_decline, proposal_get, proposal_list,
        proposal_pending, proposal_pending_count, proposal_reviewers, proposal_withdraw,
    },
    team::{team_memories_unshare, team_proposals_close},
    testing::{NOW, id},
};

use crate::support::{Scene, change, create, tried};

impl Scene {
    /// A new memory of `actor`, proposed to `audience`.
    async fn proposed(&self, actor: &Actor, audience: Audience) -> (MemoryId, ProposalId) {
        let memory = create(&self.db, actor, "the canary sings").await;
        (
            memory,
            self.proposal(actor, memory, 1, audience).await.unwrap(),
        )
    }

    async fn proposal(
        &self,
        actor: &Actor,
        memory: MemoryId,
        version: i32,
        audience: Audience,
    ) -> Result<ProposalId, StoreError> {
        let (proposal, comment) = (id(), Comment::parse("For all to know").unwrap());
        let mut tx = self.begin(actor).await;
        proposal_create(&mut tx, proposal, memory, version, audience, &comment, NOW).await?;
        tx.commit().await.unwrap();
        Ok(proposal)
    }

    async fn accepted(
        &self,
        actor: &Actor,
        proposal: ProposalId,
    ) -> Result<(MemoryId, i32), StoreError> {
        let comment = Comment::parse("Good").unwrap();
        let mut tx = self.begin(actor).await;
        let accepted = proposal_accept(&mut tx, proposal, &comment, "Accepted.", NOW).await?;
        tx.commit().await.unwrap();
        Ok(accepted)
    }

    async fn sees(&self, actor: &Actor, proposal: ProposalId) -> bool {
        let mut tx = self.begin(actor).await;
        match proposal_get(&mut tx, proposal).await {
            Ok(_) => true,
            Err(StoreError::NotFound) => false,
            Err(error) => panic!("{error}"),
        }
    }

    async fn status(&self, actor: &Actor, proposal: ProposalId) -> ProposalStatus {
        let mut tx = self.begin(actor).await;
        let found = proposal_get(&mut tx, proposal).await.unwrap();
        found.proposal.summary.status
    }

    async fn tamper(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&self.db.admin)
            .await
            .unwrap();
    }
}

fn is_not_found<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::NotFound))
}

#[tokio::test]
async fn reviewers_read_the_text_while_it_is_pending_and_share_it() {
    let scene = Scene::new().await;
    let (memory, proposal) = scene
        .proposed(&scene.mia, Audience::Team(scene.design))
        .await;
    let max = scene.acme.actor(SystemRole::Member, "Max").await;
    let gus = scene.db.tenant("globex").await;
    let gus = gus.actor(SystemRole::Owner, "Gus").await;
    for (actor, sees) in [
        (&scene.mia, true),
        (&scene.lena, true),
        (&scene.ada, true),
        (&max, false),
        (&gus, false),
    ] {
        assert_eq!(scene.sees(actor, proposal).await, sees, "{}", actor.label);
    }
    let mut tx = scene.begin(&scene.lena).await;
    let hidden = memory_get(&mut tx, memory).await;
    assert!(is_not_found(&hidden), "{hidden:?}");
    let found = proposal_get(&mut tx, proposal).await.unwrap().proposal;
    assert_eq!(found.content, "the canary sings");
    assert_eq!(found.comment, "For all to know");
    assert_eq!(found.summary.team_name.as_deref(), Some("Design"));
    assert!(found.may_decide && !found.is_own);
    assert_eq!(proposal_pending_count(&mut tx).await.unwrap(), 1);
    let page = proposal_list(&mut tx, ProposalView::Waiting, "", None, 9)
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
    drop(tx);

    assert_eq!(
        scene.accepted(&scene.lena, proposal).await.unwrap(),
        (memory, 2)
    );
    assert_eq!(
        scene.standing(memory).await,
        ("team".to_owned(), Some(scene.design), 2)
    );
    // Afterwards its author and its reviewer can view it, other reviewers can't.
    for (actor, sees) in [(&scene.mia, true), (&scene.lena, true), (&scene.ada, false)] {
        assert_eq!(scene.sees(actor, proposal).await, sees, "{}", actor.label);
    }
    let mut tx = scene.begin(&scene.mia).await;
    let found = proposal_get(&mut tx, proposal).await.unwrap().proposal;
    assert_eq!(found.summary.status, ProposalStatus::Accepted);
    assert_eq!(found.reviewer_name.as_deref(), Some("Lena"));
    assert_eq!(found.review_comment.as_deref(), Some("Good"));
    // The version before is kept, with the reviewer as the one who changed it.
    let kept: Vec<(String, uuid::Uuid, uuid::Uuid)> =
        sqlx::query_as("SELECT visibility, user_id, changed_by FROM memory_versions")
            .fetch_all(&scene.db.admin)
            .await
            .unwrap();
    let (owner, by) = (scene.mia.user_id.0, scene.lena.user_id.0);
    assert_eq!(kept, [("private".to_owned(), owner, by)]);
    let again = scene.accepted(&scene.lena, proposal).await;
    assert!(is_not_found(&again), "{again:?}");
}

#[tokio::test]
async fn only_leads_of_that_team_and_reviewers_decide_and_nobody_their_own() {
    let scene = Scene::new().await;
    let max = scene.acme.actor(SystemRole::Member, "Max").await.user_id;
    let sales = scene.acme.team("Other", &[max]).await;
    scene
        .execute("UPDATE team_members SET role = 'lead' WHERE team_id = (SELECT id FROM teams WHERE name = 'Other')")
        .await;
    let max = scene.acme.actor_of(max).await;
    assert_eq!(max.led_team_ids, [sales]);
    let mut sharing_not = scene.lena.clone();
    sharing_not.permissions.remove(&Permission::MemoryShare);
    let mut reviews_only = scene.ada.clone();
    reviews_only.permissions = [Permission::MemoryReview].into();

    let comment = Comment::default();
    for (author, audience, actor, may) in [
        // The lead of the team, and a reviewer of the organisation.
        (&scene.mia, Audience::Team(scene.design), &scene.lena, true),
        (
            &scene.mia,
            Audience::Team(scene.design),
            &reviews_only,
            true,
        ),
        // A lead of another team, a lead without the permission to share, and a lead
        // for the organisation.
        (&scene.mia, Audience::Team(scene.design), &max, false),
        (
            &scene.mia,
            Audience::Team(scene.design),
            &sharing_not,
            false,
        ),
        (&scene.mia, Audience::Org, &scene.lena, false),
        (&scene.mia, Audience::Org, &scene.ada, true),
        // Nobody decides their own proposal, whatever their permissions.
        (
            &scene.lena,
            Audience::Team(scene.design),
            &scene.lena,
            false,
        ),
        (&scene.ada, Audience::Org, &scene.ada, false),
        (&scene.mia, Audience::Org, &scene.mia, false),
    ] {
        let (memory, proposal) = scene.proposed(author, audience).await;
        let mut tx = scene.begin(actor).await;
        let declined = proposal_decline(&mut tx, proposal, &comment, NOW).await;
        assert_eq!(declined.is_ok(), may, "{}: {declined:?}", actor.label);
        drop(tx);
        let accepted = scene.accepted(actor, proposal).await;
        assert_eq!(accepted.is_ok(), may, "{}: {accepted:?}", actor.label);
        if !may {
            assert_eq!(
                scene.standing(memory).await,
                ("private".to_owned(), None, 1)
            );
            assert_eq!(
                scene.status(author, proposal).await,
                ProposalStatus::Pending
            );
        }
        // Nobody withdraws another member's proposal.
        if author.user_id != actor.user_id {
            let mut tx = scene.begin(actor).await;
            let withdrawn = proposal_withdraw(&mut tx, proposal, NOW).await;
            assert!(is_not_found(&withdrawn), "{withdrawn:?}");
        }
    }
}

#[tokio::test]
async fn memory_changed_after_it_was_proposed_is_not_accepted() {
    let scene = Scene::new().await;
    let (memory, proposal) = scene.proposed(&scene.mia, Audience::Org).await;
    let mut tx = scene.begin(&scene.mia).await;
    memory_update(&mut tx, memory, 1, &change("the canary is dead"), NOW)
        .await
        .unwrap();
    assert!(
        proposal_get(&mut tx, proposal)
            .await
            .unwrap()
            .proposal
            .is_stale
    );
    assert!(
        proposal_pending(&mut tx, memory)
            .await
            .unwrap()
            .unwrap()
            .is_stale
    );
    tx.commit().await.unwrap();
    let stale = scene.accepted(&scene.ada, proposal).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
    assert_eq!(
        scene.standing(memory).await,
        ("private".to_owned(), None, 2)
    );

    // Only one proposal of a memory can be pending.
    let second = scene.proposal(&scene.mia, memory, 2, Audience::Org).await;
    assert!(
        matches!(&second, Err(StoreError::Constraint(name)) if name == "memory_proposals_pending_idx"),
        "{second:?}"
    );
    let mut tx = scene.begin(&scene.mia).await;
    proposal_withdraw(&mut tx, proposal, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let second = scene
        .proposal(&scene.mia, memory, 2, Audience::Org)
        .await
        .unwrap();

    // Nor is a memory accepted whose text differs from the proposal's.
    scene
        .execute("UPDATE memory_proposals SET content = 'harmless' WHERE status = 'pending'")
        .await;
    let forged = scene.accepted(&scene.ada, second).await;
    assert!(matches!(forged, Err(StoreError::Conflict)), "{forged:?}");
    scene
        .execute(
            "UPDATE memory_proposals SET content = 'the canary is dead' WHERE status = 'pending'",
        )
        .await;

    // Nor one that by then has another owner, is a reply, has expired or is in the trash.
    let other = scene.lena.user_id;
    for (spoil, mend) in [
        (
            format!("user_id = '{other}'"),
            format!("user_id = '{}'", scene.mia.user_id),
        ),
        (
            "parent_id = (SELECT id FROM memories WHERE content LIKE 'root%')".to_owned(),
            "parent_id = NULL".to_owned(),
        ),
        (
            "expires_at = '2026-03-02 09:00+00'".to_owned(),
            "expires_at = NULL".to_owned(),
        ),
        (
            "deleted_at = now()".to_owned(),
            "deleted_at = NULL".to_owned(),
        ),
    ] {
        if spoil.starts_with("parent") {
            create(&scene.db, &scene.mia, "root of it").await;
        }
        scene
            .tamper(&format!(
                "UPDATE memories SET {spoil} WHERE id = '{memory}'"
            ))
            .await;
        let spoilt = scene.accepted(&scene.ada, second).await;
        assert!(
            matches!(spoilt, Err(StoreError::Conflict)),
            "{spoil}: {spoilt:?}"
        );
        scene
            .tamper(&format!("UPDATE memories SET {mend} WHERE id = '{memory}'"))
            .await;
    }
    assert_eq!(
        scene.accepted(&scene.ada, second).await.unwrap(),
        (memory, 3)
    );
}

#[tokio::test]
async fn proposal_needs_the_current_version_of_an_own_memory_and_an_own_team() {
    let scene = Scene::new().await;
    let memory = create(&scene.db, &scene.mia, "the canary sings").await;
    let org = Audience::Org;
    // Neither another member's memory nor another version.
    for (actor, version) in [(&scene.lena, 1), (&scene.mia, 2)] {
        let refused = scene.proposal(actor, memory, version, org).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    }
    let foreign = Audience::Team(scene.sales);
    let refused = scene.proposal(&scene.mia, memory, 1, foreign).await;
    assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    let mut silent = scene.mia.clone();
    silent.permissions.remove(&Permission::MemoryShare);
    let refused = scene.proposal(&silent, memory, 1, org).await;
    assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    let mut tx = scene.begin(&scene.mia).await;
    memory_delete(&mut tx, memory, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let refused = scene.proposal(&scene.mia, memory, 1, org).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");

    // SQL can't bypass this: in another's name, decided from the start, or decided
    // afterwards.
    let (_, proposal) = scene.proposed(&scene.mia, org).await;
    let denied = Err("42501".to_owned());
    let columns = "tenant_id, memory_id, memory_version, kind, title, content, tags, to_visibility, comment, created_at, \
                   attributes";
    for (values, names) in [
        (
            format!("'{}', 'pending', NULL, NULL", scene.mia.user_id),
            "for another",
        ),
        (
            format!(
                "'{}', 'accepted', '{}', created_at",
                scene.ada.user_id, scene.mia.user_id
            ),
            "decided from the start",
        ),
    ] {
        let mut conn = scene.connection(&scene.ada).await;
        let sql = format!(
            "INSERT INTO memory_proposals ({columns}, id, proposed_by, status, reviewed_by, reviewed_at)
             SELECT {columns}, gen_random_uuid(), {values} FROM memory_proposals"
        );
        assert_eq!(tried(&mut conn, &sql).await, denied, "{names}");
        for sql in [
            "UPDATE memory_proposals SET status = 'accepted'",
            "UPDATE memory_proposals SET content = 'x'",
            "DELETE FROM memory_proposals",
        ] {
            assert_eq!(tried(&mut conn, sql).await, denied, "{sql}");
        }
    }
    assert_eq!(
        scene.status(&scene.mia, proposal).await,
        ProposalStatus::Pending
    );
}

#[tokio::test]
async fn sharing_or_unsharing_ends_pending_proposals() {
    let scene = Scene::new().await;
    let (memory, proposal) = scene.proposed(&scene.mia, Audience::Org).await;
    let mut promoted = scene.mia.clone();
    promoted.led_team_ids.push(scene.design);
    let mut tx = scene.begin(&promoted).await;
    let team = Some(Audience::Team(scene.design));
    memory_share(&mut tx, memory, Some(1), team, "Shared.", NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        scene.status(&scene.mia, proposal).await,
        ProposalStatus::Withdrawn
    );

    let second = scene
        .proposal(&scene.mia, memory, 2, Audience::Org)
        .await
        .unwrap();
    let mut tx = scene.begin(&scene.mia).await;
    memory_share(&mut tx, memory, None, None, "Taken back.", NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        scene.status(&scene.mia, second).await,
        ProposalStatus::Withdrawn
    );
    // The text of the proposal is hidden with it.
    assert!(!scene.sees(&scene.ada, second).await);
}

#[tokio::test]
async fn deleting_a_team_unshares_its_memories_and_ends_its_pending_proposals() {
    let scene = Scene::new().await;
    let team = Audience::Team(scene.design);
    let (shared, accepted) = scene.proposed(&scene.mia, team).await;
    scene.accepted(&scene.lena, accepted).await.unwrap();
    let (_, waiting) = scene.proposed(&scene.mia, team).await;

    // It needs the permission to delete teams.
    let mut tx = scene.begin(&scene.lena).await;
    let none = team_memories_unshare(&mut tx, scene.design, 9, "Gone.", NOW).await;
    assert_eq!(none.unwrap(), []);
    let none = team_proposals_close(&mut tx, scene.design, "Gone.", NOW).await;
    assert_eq!(none.unwrap(), 0);
    drop(tx);

    let mut tx = scene.begin(&scene.ada).await;
    let ended = team_proposals_close(&mut tx, scene.design, "Gone.", NOW).await;
    assert_eq!(ended.unwrap(), 1);
    let released = team_memories_unshare(&mut tx, scene.design, 9, "Gone.", NOW).await;
    assert_eq!(released.unwrap(), [shared]);
    let done = team_memories_unshare(&mut tx, scene.design, 9, "Gone.", NOW).await;
    assert_eq!(done.unwrap(), []);
    store::team::team_delete(&mut tx, scene.design)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        scene.standing(shared).await,
        ("private".to_owned(), None, 3)
    );
    let mut tx = scene.begin(&scene.mia).await;
    for (proposal, status) in [
        (accepted, ProposalStatus::Accepted),
        (waiting, ProposalStatus::Withdrawn),
    ] {
        let found = proposal_get(&mut tx, proposal).await.unwrap();
        assert_eq!(found.audience, None);
        assert_eq!(found.proposal.summary.status, status);
        assert_eq!(found.proposal.summary.team_name.as_deref(), Some("Design"));
    }
    let versions = store::memory::memory_versions(&mut tx, shared)
        .await
        .unwrap();
    assert_eq!(versions[0].reason.as_deref(), Some("Gone."));
    assert_eq!(versions[0].changed_by_name, "Ada");
}

#[tokio::test]
async fn proposals_of_a_leaving_member_are_withdrawn_only_with_the_permission_to_offboard() {
    let scene = Scene::new().await;
    let (_, proposal) = scene.proposed(&scene.mia, Audience::Org).await;
    for (actor, ended) in [(&scene.lena, 0), (&scene.ada, 1)] {
        let mut tx = scene.begin(actor).await;
        let done = user_proposals_withdraw(&mut tx, scene.mia.user_id, "Left.", NOW).await;
        assert_eq!(done.unwrap(), ended, "{}", actor.label);
        tx.commit().await.unwrap();
    }
    assert_eq!(
        scene.status(&scene.mia, proposal).await,
        ProposalStatus::Withdrawn
    );
}

#[tokio::test]
async fn leads_are_notified_of_their_teams_proposals_and_reviewers_of_the_rest() {
    let scene = Scene::new().await;
    let told = async |actor: &Actor, audience: Audience| -> Vec<UserId> {
        let mut tx = scene.begin(actor).await;
        proposal_reviewers(&mut tx, audience, 9).await.unwrap()
    };
    let design = Audience::Team(scene.design);
    assert_eq!(told(&scene.mia, design).await, [scene.lena.user_id]);
    assert_eq!(told(&scene.mia, Audience::Org).await, [scene.ada.user_id]);
    // A team without a lead, or led by the author: then the organisation's reviewers.
    assert_eq!(
        told(&scene.mia, Audience::Team(scene.sales)).await,
        [scene.ada.user_id]
    );
    assert_eq!(told(&scene.lena, design).await, [scene.ada.user_id]);
    scene
        .execute("UPDATE users SET status = 'suspended' WHERE display_name = 'Ada'")
        .await;
    assert_eq!(told(&scene.mia, Audience::Org).await, []);
}

// Nobody forges a notification or sends it in another's name.
#[tokio::test]
async fn members_notify_others_of_proposals_in_their_own_name_only() {
    let scene = Scene::new().await;
    let proposed = NotificationData::MemoryProposed(MemoryProposed {
        proposal: id(),
        proposer: "Mia".into(),
        team: None,
        is_change: false,
    });
    let decided = NotificationData::MemoryProposalDecided(MemoryProposalDecided {
        proposal: id(),
        memory: id(),
        accepted: true,
        reviewer: "Ada".into(),
        team: None,
        comment: String::new(),
    });
    let mut reviews_only = scene.ada.clone();
    reviews_only.permissions = [Permission::MemoryReview].into();
    let vera = scene.acme.actor(SystemRole::Viewer, "Vera").await;
    for (actor, notice, may) in [
        (&scene.mia, &proposed, true),
        (&scene.mia, &decided, true),
        (&reviews_only, &decided, true),
        (&reviews_only, &proposed, false),
        (&vera, &proposed, false),
        (&vera, &decided, false),
    ] {
        let mut tx = scene.begin(actor).await;
        let told = notification_create(&mut tx, id(), scene.lena.user_id, notice, NOW).await;
        assert_eq!(told.is_ok(), may, "{}: {told:?}", actor.label);
    }
    let mut conn = scene.connection(&scene.mia).await;
    for (by, kind) in [
        ("id", "memory_proposed"),
        ("NULL", "memory_proposed"),
        ("id", "party"),
    ] {
        let sql = format!(
            "INSERT INTO notifications (tenant_id, id, user_id, created_by, kind, data, created_at)
             SELECT tenant_id, gen_random_uuid(), id, {by}, '{kind}', '{{}}', now()
               FROM users WHERE display_name = 'Ada'"
        );
        assert_eq!(
            tried(&mut conn, &sql).await,
            Err("42501".to_owned()),
            "{by} {kind}"
        );
    }
}
