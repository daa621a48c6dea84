//! Streams of events (SEC-B3, SEC-G: event-stream IDOR, an open socket that
//! keeps a revoked role).

use std::time::Duration;

use crate::support::{
    self, Browser, COOKIE, ctx,
    events::Events,
    product::product,
    program::{World, problem, with_key},
    request,
};
use axum::http::{Method, header, request::Builder};
use domain::{
    Actor, JobId, MemoryId, Permission,
    access::SystemRole,
    member::{MemberChange, MemberRolePath},
    memory::{MemoryInput, MemoryPath},
    share::Audience,
    team::{TeamMemberInput, TeamRole},
};
use serde_json::{Value, json};
use store::{
    job::{NewJob, job_enqueue},
    testing::id,
};

const READS: &[Permission] = &[Permission::MemoryRead];

fn asked(path: &str, key: &str) -> Builder {
    with_key(Method::GET, &format!("/api/v1/events{path}"), key)
}

/// A world in which time went on since its streams were opened.
fn later(world: &World) {
    world.app.clock.forward(time::Duration::seconds(2));
}

async fn member(world: &World, name: &str) -> (Actor, String) {
    let actor = world.app.tenant.actor(SystemRole::Member, name).await;
    let key = world.key_of(&actor, READS).await.key;
    (actor, key)
}

async fn share(world: &World, owner: &Actor, id: MemoryId, audience: Audience) {
    // As if it had been proposed and accepted.
    let mut owner = owner.clone();
    owner.permissions.insert(Permission::MemoryReview);
    let ctx = world.ctx();
    let memory = service::call::<service::MemoryGet>(&ctx, &owner, MemoryPath { id })
        .await
        .unwrap();
    support::program::share(&ctx, &owner, (id, memory.version), audience, "").await;
}

fn changed(id: MemoryId, version: i32) -> (String, Value) {
    let told = json!({ "id": id, "change": "changed", "version": version });
    ("memory".into(), told)
}

fn gone(id: MemoryId) -> (String, Value) {
    ("memory".into(), json!({ "id": id, "change": "gone" }))
}

fn end(reason: &str) -> (String, Value) {
    ("end".into(), json!({ "reason": reason }))
}

fn cookie_of(browser: &Browser) -> Builder {
    request(Method::GET, "/events")
        .header(header::ACCEPT, "text/event-stream")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, format!("{COOKIE}={}", browser.jar[COOKIE]))
}

/// A browser of an owner.
async fn signed_in(world: &World) -> Browser {
    let mut browser = world.app.browser();
    browser.router = world.router.clone();
    let answer = browser.sign_in(&world.app.issuer).await;
    assert_eq!(answer.location(), "/memories");
    browser
}

#[tokio::test]
async fn a_change_is_told_to_those_who_see_it_and_to_nobody_else() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let (max, _) = member(&world, "Max").await;
    let team = world.app.tenant.team("Kitchen", &[max.user_id]).await;
    let max = world.app.tenant.actor_of(max.user_id).await;
    let other = world.app.db.tenant("other").await;
    let mut stream = Events::open(&world.router, asked("", &mias)).await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    assert_eq!(stream.headers["cache-control"], "no-store");
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    later(&world);

    // Another's own, another team's, another organisation's.
    world.memory_of(&max, "Private").await;
    let teams = world.memory_of(&max, "Of the kitchen").await;
    share(&world, &max, teams, Audience::Team(team)).await;
    let outsider = other.actor(SystemRole::Owner, "Otto").await;
    let theirs = world.memory_of(&outsider, "Elsewhere").await;
    share(&world, &outsider, theirs, Audience::Org).await;

    // What comes first is what may be told.
    let own = world.memory_of(&mia, "Own").await;
    assert_eq!(stream.news().await, changed(own, 1));
    share(&world, &max, teams, Audience::Org).await;
    assert_eq!(stream.news().await, changed(teams, 3));
    let reply = MemoryInput {
        content: "Yes".into(),
        parent_id: Some(teams),
        ..MemoryInput::default()
    };
    let reply = service::call::<service::MemoryCreate>(&world.ctx(), &max, reply)
        .await
        .unwrap()
        .id;
    let (_, told) = stream.news().await;
    assert_eq!(
        (&told["id"], &told["parent_id"]),
        (&json!(reply), &json!(teams))
    );
    service::call::<service::MemoryDelete>(&world.ctx(), &mia, MemoryPath { id: own })
        .await
        .unwrap();
    let (_, told) = stream.news().await;
    assert_eq!(
        (&told["id"], &told["change"]),
        (&json!(own), &json!("trashed"))
    );
    // Nothing is told twice.
    assert_eq!(stream.next(Duration::from_millis(1_500)).await, None);
}

#[tokio::test]
async fn a_watched_memory_is_told_of_when_it_leaves_sight() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let (max, _) = member(&world, "Max").await;
    let shared = world.memory_of(&max, "Shared").await;
    share(&world, &max, shared, Audience::Org).await;
    let own = world.memory_of(&mia, "Own").await;
    let hidden = world.memory_of(&max, "Hidden").await;
    let other = world.app.db.tenant("other").await;
    let outsider = other.actor(SystemRole::Owner, "Otto").await;
    let theirs = world.memory_of(&outsider, "Elsewhere").await;
    let nothing: MemoryId = id();

    // One that is there and one that is not are the same to who can't see it.
    let path = format!("?watch={shared},{own},{hidden},{theirs},{nothing}");
    let mut stream = Events::open(&world.router, asked(&path, &mias)).await;
    for unseen in [hidden, theirs, nothing] {
        assert_eq!(stream.news().await, gone(unseen));
    }
    later(&world);
    // And it stays so, whatever happens to it.
    service::call::<service::MemoryDelete>(&world.ctx(), &max, MemoryPath { id: hidden })
        .await
        .unwrap();
    service::call::<service::MemoryUnshare>(&world.ctx(), &max, MemoryPath { id: shared })
        .await
        .unwrap();
    assert_eq!(stream.news().await, gone(shared));
    share(&world, &max, shared, Audience::Org).await;
    assert_eq!(stream.news().await, changed(shared, 4));
}

async fn enqueue(world: &World, actor: &Actor, kind: &str) -> JobId {
    let mut tx = world.app.db.store.begin(actor).await.unwrap();
    let job = NewJob {
        id: id(),
        kind,
        payload: json!({}),
        dedupe_key: None,
        run_at: world.app.clock.now(),
        max_attempts: 3,
        priority: 0,
        progress_total: 10,
    };
    let queued = job_enqueue(&mut tx, &job, world.app.clock.now()).await;
    tx.commit().await.unwrap();
    queued.unwrap().unwrap()
}

#[tokio::test]
async fn how_far_a_job_is_is_told_to_its_member_within_the_keys_scopes() {
    let world = World::new().await;
    let (mia, reader) = member(&world, "Mia").await;
    let (max, _) = member(&world, "Max").await;
    let scopes = [Permission::MemoryRead, Permission::MemoryImport];
    let importer = world.key_of(&mia, &scopes).await.key;
    let before = enqueue(&world, &mia, "memory.import").await;
    let mut reads = Events::open(&world.router, asked("", &reader)).await;
    let mut imports = Events::open(&world.router, asked("", &importer)).await;
    // Where they are to begin with.
    let told = json!({ "id": before, "kind": "memory.import", "status": "pending", "done": 0, "total": 10 });
    assert_eq!(imports.soon().await, ("job".into(), told));

    enqueue(&world, &max, "memory.import").await;
    let embeds = enqueue(&world, &mia, "memory.embed").await;
    for stream in [&mut reads, &mut imports] {
        let (name, told) = stream.soon().await;
        assert_eq!((name.as_str(), &told["id"]), ("job", &json!(embeds)));
    }
    let mut tx = world.app.db.store.begin_worker().await.unwrap();
    let job = store::job::job_claim(
        &mut tx,
        "w",
        world.app.clock.now(),
        time::Duration::MINUTE,
        &["memory.embed"],
    );
    let job = job.await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(reads.soon().await.1["status"], "running");
    let mut tx = world.app.db.store.begin(&mia).await.unwrap();
    store::job::job_progress(&mut tx, &job, 4, 10, world.app.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(reads.soon().await.1["done"], 4);
}

// SEC-B3
#[tokio::test]
async fn a_stream_ends_with_the_key_that_opened_it() {
    let world = World::new().await;
    let mia = world.app.tenant.actor(SystemRole::Member, "Mia").await;
    let key = world.key_of(&mia, READS).await;
    let mut stream = Events::open(&world.router, asked("", &key.key)).await;
    let path = domain::api_key::ApiKeyPath { id: key.id };
    service::call::<service::OrganisationApiKeyRevoke>(&world.ctx(), &world.owner, path)
        .await
        .unwrap();
    assert_eq!(stream.soon().await, end("key"));
    assert!(stream.is_over().await);
    let again = Events::send(&world.router, asked("", &key.key)).await;
    assert_eq!(again.status, 401);
}

// SEC-B3, SEC-G: an open socket that keeps a revoked role.
#[tokio::test]
async fn a_stream_ends_with_the_role_and_with_the_member() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let (max, maxs) = member(&world, "Max").await;
    let mut of_mia = Events::open(&world.router, asked("", &mias)).await;
    let mut of_max = Events::open(&world.router, asked("", &maxs)).await;
    let roles = service::role_names(&world.ctx(), &world.owner)
        .await
        .unwrap();
    let role = roles.iter().find(|role| role.name == "Member").unwrap();
    let held = MemberRolePath {
        id: mia.user_id,
        role_id: role.id,
    };
    service::call::<service::MemberRoleRevoke>(&world.ctx(), &world.owner, held)
        .await
        .unwrap();
    assert_eq!(of_mia.soon().await, end("forbidden"));
    assert!(of_mia.is_over().await);
    // The other one goes on, until it is his turn.
    service::member_change(
        &world.ctx(),
        &world.owner,
        max.user_id,
        MemberChange::Suspend,
    )
    .await
    .unwrap();
    assert_eq!(of_max.soon().await, end("inactive"));
    assert!(of_max.is_over().await);
}

// SEC-B3
#[tokio::test]
async fn a_page_hears_until_its_session_ends() {
    let world = World::new().await;
    let browser = signed_in(&world).await;
    let mut stream = Events::open(&world.router, cookie_of(&browser)).await;
    later(&world);
    let shared = world.memory_of(&world.owner, "For all").await;
    share(&world, &world.owner, shared, Audience::Org).await;
    assert_eq!(stream.soon().await, changed(shared, 2));
    // Signing out elsewhere, e.g. in another tab.
    browser.clone().post("/auth/logout").await;
    assert_eq!(stream.soon().await, end("signed_out"));
    assert!(stream.is_over().await);
    let again = Events::send(&world.router, cookie_of(&browser)).await;
    assert_eq!(again.status, 401);
}

// SEC-B2: another id is no end.
#[tokio::test]
async fn a_page_goes_on_hearing_when_its_session_gets_another_id() {
    let world = World::new().await;
    let mut browser = signed_in(&world).await;
    browser.get("/profile").await;
    let old = browser.jar[COOKIE].clone();
    let mut stream = Events::open(&world.router, cookie_of(&browser)).await;
    sqlx::query(
        "INSERT INTO user_roles (tenant_id, user_id, role_id, source, granted_at)
         SELECT i.tenant_id, i.user_id, r.id, 'manual', now()
           FROM identities i JOIN roles r ON r.tenant_id = i.tenant_id AND r.key = 'billing'",
    )
    .execute(&world.app.db.admin)
    .await
    .unwrap();
    browser.get("/profile").await;
    assert_ne!(browser.jar[COOKIE], old);
    world.app.clock.forward(time::Duration::minutes(1));
    let shared = world.memory_of(&world.owner, "For all").await;
    share(&world, &world.owner, shared, Audience::Org).await;
    assert_eq!(stream.soon().await, changed(shared, 2));
    browser.post("/auth/logout").await;
    assert_eq!(stream.soon().await, end("signed_out"));
}

// SEC-B3
#[tokio::test]
async fn a_page_hears_that_its_organisation_is_suspended() {
    let world = World::new().await;
    let browser = signed_in(&world).await;
    let mut stream = Events::open(&world.router, cookie_of(&browser)).await;
    service::tenant_suspend(
        &world.ctx(),
        service::Initiator::Cli,
        world.app.tenant.id,
        "Unpaid",
    )
    .await
    .unwrap();
    assert_eq!(stream.soon().await, end("inactive"));
    assert!(stream.is_over().await);
}

// SEC-B2: an open page is not somebody who uses it.
#[tokio::test]
async fn a_stream_keeps_no_session_alive() {
    let world = World::new().await;
    let browser = signed_in(&world).await;
    let seen = "SELECT extract(epoch FROM max(last_seen_at))::bigint FROM web_sessions";
    let before = world.app.count(seen).await;
    world.app.clock.forward(time::Duration::minutes(5));
    let mut stream = Events::open(&world.router, cookie_of(&browser)).await;
    let shared = world.memory_of(&world.owner, "For all").await;
    world.app.clock.forward(time::Duration::minutes(5));
    share(&world, &world.owner, shared, Audience::Org).await;
    assert_eq!(stream.soon().await, changed(shared, 2));
    assert_eq!(world.app.count(seen).await, before);
    // Its time runs out while it is open.
    world.app.clock.forward(time::Duration::days(2));
    world.memory_of(&world.owner, "A word").await;
    assert_eq!(stream.soon().await, end("signed_out"));
}

#[tokio::test]
async fn who_may_see_other_things_reads_again() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let team = world.app.tenant.team("Kitchen", &[]).await;
    let mut stream = Events::open(&world.router, asked("", &mias)).await;
    let input = TeamMemberInput {
        id: team,
        user_id: mia.user_id,
        role: TeamRole::Member,
    };
    service::call::<service::TeamMemberSet>(&world.ctx(), &world.owner, input)
        .await
        .unwrap();
    assert_eq!(stream.news().await, ("reset".into(), json!({})));
}

#[tokio::test]
async fn a_stream_goes_on_where_it_broke_off() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let known = world.memory_of(&mia, "Known").await;
    world.app.clock.forward(time::Duration::minutes(10));
    let mut stream = Events::open(&world.router, asked("", &mias)).await;
    let first = stream.id.clone();
    later(&world);
    let told = world.memory_of(&mia, "Told").await;
    assert_eq!(stream.news().await, changed(told, 1));
    drop(stream);
    let missed = world.memory_of(&mia, "Missed").await;
    world.app.clock.forward(time::Duration::minutes(30));

    for request in [
        asked("", &mias).header("last-event-id", &first),
        asked(&format!("?after={first}"), &mias),
        // The header counts: a browser keeps the address.
        asked("?after=1", &mias).header("last-event-id", &first),
    ] {
        let mut stream = Events::open(&world.router, request).await;
        let mut ids = [stream.news().await.1, stream.news().await.1].map(|told| told["id"].clone());
        ids.sort_by_key(ToString::to_string);
        let mut expected = [told, missed].map(|id| json!(id));
        expected.sort_by_key(ToString::to_string);
        assert_eq!(ids, expected, "and not {known}");
        assert_eq!(stream.next(Duration::from_millis(700)).await, None);
    }

    // Too long ago: everything is to be read again.
    world.app.clock.forward(time::Duration::hours(2));
    let request = asked("", &mias).header("last-event-id", &first);
    let mut stream = Events::open(&world.router, request).await;
    assert_eq!(stream.news().await, ("reset".into(), json!({})));
    later(&world);
    let new = world.memory_of(&mia, "New").await;
    assert_eq!(stream.news().await, changed(new, 1));
}

#[tokio::test]
async fn what_can_t_be_asked_for_is_refused() {
    let world = World::new().await;
    let (_, mias) = member(&world, "Mia").await;
    let many: Vec<String> = (0..101).map(|_| id::<MemoryId>().to_string()).collect();
    for (path, field) in [
        ("?after=yesterday".to_owned(), "after"),
        ("?watch=all".to_owned(), "watch"),
        (format!("?watch={}", many.join(",")), "watch"),
    ] {
        let answer = world.get(&format!("/api/v1/events{path}"), &mias).await;
        let told = problem(&answer, 422, "invalid");
        assert_eq!(told["errors"][0]["field"], field, "{path}");
    }
    // Without the permission, and without anybody.
    let mia = world.app.tenant.actor(SystemRole::Member, "Moe").await;
    let other = world.key_of(&mia, &[Permission::ProfileManage]).await.key;
    let answer = world.get("/api/v1/events", &other).await;
    let told = problem(&answer, 403, "forbidden");
    assert_eq!(told["permission"], "memory.read");
    let nobody = request(Method::GET, "/events").header(header::ACCEPT, "text/event-stream");
    assert_eq!(Events::send(&world.router, nobody).await.status, 401);
}

#[tokio::test]
async fn too_many_streams_of_one_member_are_refused_until_some_close() {
    let world = World::new().await;
    let (_, mias) = member(&world, "Mia").await;
    let mut open = Vec::new();
    for _ in 0..12 {
        open.push(Events::open(&world.router, asked("", &mias)).await);
    }
    let refused = Events::send(&world.router, asked("", &mias)).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert!(refused.headers.contains_key("retry-after"));
    // Others are not held up by that.
    let (_, maxs) = member(&world, "Max").await;
    Events::open(&world.router, asked("", &maxs)).await;
    open.truncate(6);
    let mut status = 429;
    for _ in 0..50 {
        status = Events::send(&world.router, asked("", &mias))
            .await
            .status
            .as_u16();
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status, 200);
}

#[tokio::test]
async fn many_changes_are_told_as_one() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let mut stream = Events::open(&world.router, asked("", &mias)).await;
    later(&world);
    let items: Vec<_> = (0..300)
        .map(|n| json!({ "op": "create", "content": format!("Number {n}") }))
        .collect();
    let writes = [Permission::MemoryRead, Permission::MemoryWrite];
    let key = world.key_of(&mia, &writes).await.key;
    let body = json!({ "items": items });
    let answer = world
        .call(Method::POST, "/api/v1/memories/batch", &key, &body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(stream.news().await, ("reset".into(), json!({})));
    // And what comes then is told one by one again.
    later(&world);
    let one = world.memory_of(&mia, "One more").await;
    assert_eq!(stream.news().await, changed(one, 1));
    // Also to those who come only now: what they know already fills no place.
    let mut stream = Events::open(&world.router, asked("", &mias)).await;
    later(&world);
    let one = world.memory_of(&mia, "And one more").await;
    assert_eq!(stream.news().await, changed(one, 1));
}

/// Another process' way to the same database.
async fn elsewhere(world: &World) -> service::Ctx {
    let mut elsewhere = ctx(&world.app.db, world.app.clock.clock());
    elsewhere.store = world.app.db.connect(2).await;
    elsewhere
}

/// A stream that has looked for the first time.
async fn looked(world: &World, mia: &Actor, mias: &str) -> Events {
    let mut stream = Events::open(&world.router, asked("", mias)).await;
    later(world);
    let first = world.memory_of(mia, "First").await;
    assert_eq!(stream.news().await, changed(first, 1));
    stream
}

/// The change comes from another process, which this one hears by `NOTIFY`.
#[tokio::test]
async fn another_process_tells_of_its_changes() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let elsewhere = elsewhere(&world).await;
    let (here, there) = (world.app.db.store.clone(), elsewhere.store.clone());
    let relays = [
        tokio::spawn(async move { here.changes_relay(id()).await }),
        tokio::spawn(async move { there.changes_relay(id()).await }),
    ];
    let mut stream = looked(&world, &mia, &mias).await;
    // The first may be found because the relay has just begun to listen.
    for text in ["From elsewhere", "And once more"] {
        let memory = support::program::memory(&elsewhere, &mia, text).await;
        assert_eq!(stream.news().await, changed(memory, 1), "{text}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    relays.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Word gets lost: a stream looks by itself.
#[tokio::test]
async fn without_word_a_stream_looks_by_itself() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let elsewhere = elsewhere(&world).await;
    let mut stream = looked(&world, &mia, &mias).await;
    // What the first one brought with it is over, too.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let memory = support::program::memory(&elsewhere, &mia, "From elsewhere").await;
    let told = loop {
        let next = stream.next(Duration::from_secs(15)).await.unwrap();
        if next.0 != "job" {
            break next;
        }
    };
    assert_eq!(told, changed(memory, 1));
}

/// What was told can be fetched by who is told, and nothing of it is in the
/// stream itself.
#[tokio::test]
async fn a_stream_holds_no_words() {
    let world = World::with(product).await;
    let (mia, mias) = member(&world, "Mia").await;
    let mut stream = Events::open(&world.router, asked("", &mias)).await;
    later(&world);
    let memory = world.memory_of(&mia, "Canary in the text").await;
    let (_, told) = stream.news().await;
    let names: Vec<_> = told.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["change", "id", "version"]);
    let at = format!("/api/v1/memories/{memory}");
    let answer = world.get(&at, &mias).await;
    assert!(answer.body.contains("Canary"), "{}", answer.body);
}
