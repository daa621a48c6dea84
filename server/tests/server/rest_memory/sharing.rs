//! Sharing, proposing and reviewing over REST.

use axum::http::{Method, StatusCode};
use domain::{Actor, MemoryId, Permission, TeamId, access::SystemRole};
use serde_json::{Value, json};

use super::{
    AT, fields,
    support::{
        Answer,
        program::{World, problem},
    },
};

pub(crate) const SCOPES: &[Permission] = &[
    Permission::MemoryRead,
    Permission::MemoryWrite,
    Permission::MemoryShare,
    Permission::MemberRead,
];
pub(crate) const PROPOSALS: &str = "/api/v1/proposals";

/// A member and their key.
pub(crate) struct Person {
    pub(crate) actor: Actor,
    pub(crate) key: String,
}

/// Mia and Max belong to the team that Lena leads, Otis to no team; Eve owns
/// another organisation.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) mia: Person,
    pub(crate) max: Person,
    pub(crate) lena: Person,
    pub(crate) otis: Person,
    pub(crate) eve: Person,
    pub(crate) design: TeamId,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let person = async |name: &str| {
            let actor = world.app.tenant.actor(SystemRole::Member, name).await;
            let key = world.key_of(&actor, SCOPES).await.key;
            Person { actor, key }
        };
        let mia = person("Mia").await;
        let max = person("Max").await;
        let lena = person("Lena").await;
        let otis = person("Otis").await;
        let members = [&mia, &max, &lena].map(|person| person.actor.user_id);
        let design = world.app.tenant.team("Design", &members).await;
        world.lead(&lena.actor).await;
        let actor = world.app.db.tenant("other").await;
        let actor = actor.actor(SystemRole::Owner, "Eve").await;
        let key = world.key_of(&actor, SCOPES).await.key;
        Self {
            mia,
            max,
            lena,
            otis,
            eve: Person { actor, key },
            design,
            world,
        }
    }

    pub(crate) fn team(&self, version: i32) -> Value {
        json!({ "version": version, "audience": self.design, "comment": "For us" })
    }

    pub(crate) async fn share(&self, who: &Person, memory: MemoryId, body: &Value) -> Answer {
        let path = format!("{AT}/{memory}/share");
        self.world.call(Method::POST, &path, &who.key, body).await
    }

    /// A memory of Mia's that waits for Lena's review, and the path of the proposal.
    pub(crate) async fn proposed(&self) -> (MemoryId, String) {
        let memory = self
            .world
            .memory_of(&self.mia.actor, "The canary sings")
            .await;
        let answer = self.share(&self.mia, memory, &self.team(1)).await;
        let shared: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (&shared["outcome"], &shared["version"]),
            (&json!("proposed"), &Value::Null)
        );
        let id = shared["proposal_id"].as_str().unwrap();
        (memory, format!("{PROPOSALS}/{id}"))
    }

    async fn post(&self, who: &Person, path: &str, body: &Value) -> Answer {
        self.world.call(Method::POST, path, &who.key, body).await
    }

    async fn status(&self, who: &Person, path: &str) -> StatusCode {
        self.world.get(path, &who.key).await.status
    }

    async fn listed(&self, who: &Person, view: &str) -> Vec<Value> {
        let path = format!("{PROPOSALS}?view={view}");
        let list = self.world.look(&path, &who.key).await;
        list["items"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn lead_accepts_a_members_proposal_and_the_team_can_view_it() {
    let scene = Scene::new().await;
    let (memory, proposal) = scene.proposed().await;
    let (at, accept) = (format!("{AT}/{memory}"), format!("{proposal}/accept"));
    let agreed = json!({ "comment": "Good to know" });

    // Only reviewers can view it, and nobody decides their own proposal.
    for stranger in [&scene.max, &scene.otis, &scene.eve] {
        assert_eq!(scene.status(stranger, &proposal).await, 404);
        assert_eq!(scene.listed(stranger, "waiting").await, [] as [Value; 0]);
        for act in ["accept", "decline"] {
            let path = format!("{proposal}/{act}");
            problem(
                &scene.post(stranger, &path, &agreed).await,
                404,
                "not_found",
            );
        }
        let withdraw = format!("{proposal}/withdraw");
        problem(
            &scene.post(stranger, &withdraw, &json!({})).await,
            404,
            "not_found",
        );
    }
    let own = problem(
        &scene.post(&scene.mia, &accept, &agreed).await,
        409,
        "conflict",
    );
    assert!(
        own["detail"]
            .as_str()
            .unwrap()
            .contains("your own proposal")
    );

    let waiting = scene.listed(&scene.lena, "waiting").await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (&waiting[0]["proposer_name"], &waiting[0]["team_name"]),
        (&json!("Mia"), &json!("Design"))
    );
    // Until it is shared, its text is in the proposal only.
    assert_eq!(scene.status(&scene.lena, &at).await, 404);
    let seen = scene.world.look(&proposal, &scene.lena.key).await;
    assert_eq!(seen["content"], "The canary sings");
    assert_eq!(seen["comment"], "For us");
    assert_eq!(seen["status"], "pending");
    assert_eq!(
        (&seen["may_decide"], &seen["is_own"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(seen["viewers"]["people"], 3);

    let answer = scene.post(&scene.lena, &accept, &agreed).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::NO_CONTENT, ""));
    for (person, sees) in [
        (&scene.mia, 200),
        (&scene.max, 200),
        (&scene.lena, 200),
        (&scene.otis, 404),
        (&scene.eve, 404),
    ] {
        assert_eq!(
            scene.status(person, &at).await,
            sees,
            "{}",
            person.actor.label
        );
    }
    let mine = scene.listed(&scene.mia, "mine").await;
    assert_eq!(mine[0]["status"], "accepted");
    let told = scene.world.look(&proposal, &scene.mia.key).await;
    assert_eq!(
        (&told["reviewer_name"], &told["review_comment"]),
        (&json!("Lena"), &json!("Good to know"))
    );
    assert_eq!(scene.listed(&scene.lena, "decided").await.len(), 1);
    for path in [&accept, &format!("{proposal}/decline")] {
        let late = scene.post(&scene.lena, path, &agreed).await;
        problem(&late, 409, "conflict");
    }
    // SEC-E1: with the key that was used.
    let audited: Vec<(String, bool)> = sqlx::query_as(
        "SELECT action, metadata ? 'api_key' FROM audit_log
          WHERE actor_user_id = $1 AND action LIKE 'memory%' AND outcome = 'success' ORDER BY seq",
    )
    .bind(scene.lena.actor.user_id)
    .fetch_all(&scene.world.app.db.admin)
    .await
    .unwrap();
    assert_eq!(
        audited,
        [
            ("memory.share".to_owned(), true),
            ("memory_proposal.accept".to_owned(), true)
        ]
    );
}

#[tokio::test]
async fn declined_or_withdrawn_proposal_leaves_visibility_unchanged() {
    let scene = Scene::new().await;
    let (declined, proposal) = scene.proposed().await;
    let no = json!({ "comment": "Not this" });
    let answer = scene
        .post(&scene.lena, &format!("{proposal}/decline"), &no)
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let told = scene.world.look(&proposal, &scene.mia.key).await;
    assert_eq!(
        (&told["status"], &told["review_comment"]),
        (&json!("declined"), &json!("Not this"))
    );
    let (withdrawn, proposal) = scene.proposed().await;
    let back = format!("{proposal}/withdraw");
    // Lena can view it but not withdraw it.
    assert_eq!(scene.status(&scene.lena, &proposal).await, 200);
    problem(
        &scene.post(&scene.lena, &back, &json!({})).await,
        404,
        "not_found",
    );
    let answer = scene.post(&scene.mia, &back, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    problem(
        &scene.post(&scene.mia, &back, &json!({})).await,
        409,
        "conflict",
    );
    assert_eq!(scene.status(&scene.lena, &proposal).await, 404);
    for memory in [declined, withdrawn] {
        assert_eq!(
            scene.status(&scene.max, &format!("{AT}/{memory}")).await,
            404
        );
    }
    // A memory that changed after it was proposed can't be accepted.
    let (memory, proposal) = scene.proposed().await;
    let patch = json!({ "version": 1, "content": "The canary is dead" });
    let at = format!("{AT}/{memory}");
    scene
        .world
        .done(Method::PATCH, &at, &scene.mia.key, &patch)
        .await;
    assert_eq!(
        scene.world.look(&proposal, &scene.mia.key).await["is_stale"],
        true
    );
    let accept = format!("{proposal}/accept");
    let late = problem(
        &scene.post(&scene.lena, &accept, &json!({})).await,
        409,
        "conflict",
    );
    assert!(late["detail"].as_str().unwrap().contains("changed after"));
    assert_eq!(scene.status(&scene.max, &at).await, 404);
}

#[tokio::test]
async fn reviewer_shares_at_once_and_unshares() {
    let scene = Scene::new().await;
    let memory = scene
        .world
        .memory_of(&scene.lena.actor, "Tea at four")
        .await;
    let (at, viewers) = (format!("{AT}/{memory}"), format!("{AT}/{memory}/sharing"));
    let alone = scene.world.look(&viewers, &scene.lena.key).await;
    assert_eq!(alone["viewers"]["people"], 1);
    assert_eq!(alone["viewers"]["first"][0]["name"], "Lena");
    assert_eq!(
        alone["choices"],
        json!([
            { "audience": scene.design, "team_name": "Design", "is_immediate": true },
            { "audience": "org", "team_name": "", "is_immediate": false },
        ])
    );
    assert_eq!(
        (&alone["may_unshare"], &alone["pending"]),
        (&json!(false), &Value::Null)
    );
    for stranger in [&scene.max, &scene.eve] {
        assert_eq!(scene.status(stranger, &viewers).await, 404);
    }

    let answer = scene.share(&scene.lena, memory, &scene.team(1)).await;
    let shared: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(shared, json!({ "outcome": "shared", "version": 2 }));
    let team = scene.world.look(&viewers, &scene.max.key).await;
    assert_eq!(team["viewers"]["people"], 3);
    // Others can neither share it further nor unshare it.
    assert_eq!(
        (&team["choices"], &team["may_unshare"]),
        (&json!([]), &json!(false))
    );
    let org = json!({ "version": 2, "audience": "org" });
    problem(
        &scene.share(&scene.max, memory, &org).await,
        404,
        "not_found",
    );
    let unshare = format!("{at}/unshare");
    problem(
        &scene.post(&scene.max, &unshare, &json!({})).await,
        404,
        "not_found",
    );
    // Sharing with the whole organisation needs another reviewer.
    let answer = scene.share(&scene.lena, memory, &org).await;
    let proposed: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(proposed["outcome"], "proposed");
    let waits = scene.world.look(&viewers, &scene.lena.key).await;
    assert_eq!(
        (&waits["pending"]["id"], &waits["pending"]["visibility"]),
        (&proposed["proposal_id"], &json!("org"))
    );

    let back = scene.post(&scene.lena, &unshare, &json!({})).await;
    let back: Value = serde_json::from_str(&back.body).unwrap();
    assert_eq!(
        (&back["outcome"], &back["version"]),
        (&json!("private"), &json!(3))
    );
    assert_eq!(scene.status(&scene.max, &at).await, 404);
    problem(
        &scene.post(&scene.lena, &unshare, &json!({})).await,
        409,
        "conflict",
    );
    let versions = scene
        .world
        .look(&format!("{at}/versions"), &scene.lena.key)
        .await;
    assert_eq!(versions["items"][0]["visibility"], "team");
    assert_eq!(versions["items"][1]["visibility"], "private");
}

#[tokio::test]
async fn invalid_share_is_rejected_with_its_reason() {
    let scene = Scene::new().await;
    let memory = scene.world.memory_of(&scene.mia.actor, "Tea at four").await;
    let elsewhere = scene
        .world
        .app
        .tenant
        .team("Kitchen", &[scene.otis.actor.user_id])
        .await;
    let mut long = scene.team(1);
    long["comment"] = json!("x".repeat(1_001));
    let mut nul = scene.team(1);
    nul["comment"] = json!("a\0b");
    for (body, field) in [
        (json!({ "version": 1 }), "audience"),
        (json!({ "version": 1, "audience": "team" }), "audience"),
        (json!({ "version": 1, "audience": 7 }), "audience"),
        (
            json!({ "version": 1, "audience": "org", "team_id": scene.design }),
            "team_id",
        ),
        (json!({ "version": 1, "audience": "private" }), "audience"),
        (json!({ "version": 1, "audience": elsewhere }), "audience"),
        (
            json!({ "version": 1, "audience": uuid::Uuid::nil() }),
            "audience",
        ),
        (long, "comment"),
        (nul, "comment"),
        (json!({ "version": "1", "audience": "org" }), "version"),
        (json!({ "audience": "org" }), "version"),
        (
            json!({ "version": 1, "audience": "org", "visibility": "org" }),
            "visibility",
        ),
        (json!([]), ""),
        (json!(null), ""),
    ] {
        let answer = scene.share(&scene.mia, memory, &body).await;
        assert_eq!(fields(&answer), [field], "{body}");
    }
    let (_, proposal) = scene.proposed().await;
    for act in ["accept", "decline"] {
        for (body, field) in [
            (json!({ "comment": "x".repeat(1_001) }), "comment"),
            (json!({ "comment": "a\0b" }), "comment"),
            (json!({ "comment": 7 }), "comment"),
            (json!({ "reviewer": "Mia" }), "reviewer"),
        ] {
            let answer = scene
                .post(&scene.lena, &format!("{proposal}/{act}"), &body)
                .await;
            assert_eq!(fields(&answer), [field], "{act} {body}");
        }
    }
    let view = format!("{PROPOSALS}?view=all");
    assert_eq!(
        fields(&scene.world.get(&view, &scene.lena.key).await),
        ["view"]
    );
}

#[tokio::test]
async fn conflicting_state_is_409_and_a_foreign_object_is_404() {
    let scene = Scene::new().await;
    let memory = scene.world.memory_of(&scene.mia.actor, "Tea at four").await;
    // A version that is outdated or never existed.
    for version in [0, 2, i32::MAX] {
        let answer = scene.share(&scene.mia, memory, &scene.team(version)).await;
        problem(&answer, 409, "conflict");
    }
    scene.share(&scene.mia, memory, &scene.team(1)).await;
    let twice = scene.share(&scene.mia, memory, &scene.team(1)).await;
    assert!(
        problem(&twice, 409, "conflict")["detail"]
            .as_str()
            .unwrap()
            .contains("already")
    );
    // A reply is shared with its root; a memory in the trash can't be shared.
    let reply = json!({ "content": "With milk", "parent_id": memory });
    let reply = scene
        .world
        .done(Method::POST, AT, &scene.mia.key, &reply)
        .await;
    let reply: MemoryId = reply["id"].as_str().unwrap().parse().unwrap();
    problem(
        &scene.share(&scene.mia, reply, &scene.team(1)).await,
        409,
        "conflict",
    );
    let gone = scene.world.memory_of(&scene.mia.actor, "Gone").await;
    let path = format!("{AT}/{gone}");
    scene
        .world
        .done(Method::DELETE, &path, &scene.mia.key, &json!({}))
        .await;
    problem(
        &scene.share(&scene.mia, gone, &scene.team(1)).await,
        409,
        "conflict",
    );
    // SEC-C6: another organisation's memory or team is not found.
    problem(
        &scene
            .share(
                &scene.eve,
                memory,
                &json!({ "version": 1, "audience": "org" }),
            )
            .await,
        404,
        "not_found",
    );
    let eves = scene.world.memory_of(&scene.eve.actor, "Eve's").await;
    let answer = scene.share(&scene.eve, eves, &scene.team(1)).await;
    assert_eq!(fields(&answer), ["audience"]);
    let shared = "SELECT count(*) FROM memories WHERE visibility <> 'private'";
    assert_eq!(scene.world.app.count(shared).await, 0);
}
