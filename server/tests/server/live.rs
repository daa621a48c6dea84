//! Streams of events (SEC-B3, SEC-G: event-stream IDOR, an open socket that
//! outlives a revoked role).

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

fn stream_request(path: &str, key: &str) -> Builder {
    with_key(Method::GET, &format!("/api/v1/events{path}"), key)
}

/// Moves the clock on from when the streams were opened.
fn advance_clock(world: &World) {
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
async fn change_is_sent_to_members_who_can_view_the_memory_only() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let (max, _) = member(&world, "Max").await;
    let team = world.app.tenant.team("Kitchen", &[max.user_id]).await;
    let max = world.app.tenant.actor_of(max.user_id).await;
    let other = world.app.db.tenant("other").await;
    let mut stream = Events::open(&world.router, stream_request("", &mias)).await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    assert_eq!(stream.headers["cache-control"], "no-store");
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    advance_clock(&world);

    // Memories of others: a private one, one of another team, one of another organisation.
    world.memory_of(&max, "Private").await;
    let teams = world.memory_of(&max, "Of the kitchen").await;
    share(&world, &max, teams, Audience::Team(team)).await;
    let outsider = other.actor(SystemRole::Owner, "Otto").await;
    let theirs = world.memory_of(&outsider, "Elsewhere").await;
    share(&world, &outsider, theirs, Audience::Org).await;

    // The first event must be the visible one.
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
    // No event is repeated.
    assert_eq!(stream.next(Duration::from_millis(1_500)).await, None);
}

#[tokio::test]
async fn watched_memory_is_reported_gone_when_it_becomes_invisible() {
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

    // A hidden memory and one that doesn't exist look the same.
    let path = format!("?watch={shared},{own},{hidden},{theirs},{nothing}");
    let mut stream = Events::open(&world.router, stream_request(&path, &mias)).await;
    for unseen in [hidden, theirs, nothing] {
        assert_eq!(stream.news().await, gone(unseen));
    }
    advance_clock(&world);
    // The hidden one stays silent, whatever happens to it.
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
async fn job_progress_is_sent_to_its_member_within_the_keys_scopes() {
    let world = World::new().await;
    let (mia, reader) = member(&world, "Mia").await;
    let (max, _) = member(&world, "Max").await;
    let scopes = [Permission::MemoryRead, Permission::MemoryImport];
    let importer = world.key_of(&mia, &scopes).await.key;
    let before = enqueue(&world, &mia, "memory.import").await;
    let mut reads = Events::open(&world.router, stream_request("", &reader)).await;
    let mut imports = Events::open(&world.router, stream_request("", &importer)).await;
    // The state of each job when the stream opens.
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
async fn stream_ends_when_its_key_is_revoked() {
    let world = World::new().await;
    let mia = world.app.tenant.actor(SystemRole::Member, "Mia").await;
    let key = world.key_of(&mia, READS).await;
    let mut stream = Events::open(&world.router, stream_request("", &key.key)).await;
    let path = domain::api_key::ApiKeyPath { id: key.id };
    service::call::<service::OrganisationApiKeyRevoke>(&world.ctx(), &world.owner, path)
        .await
        .unwrap();
    assert_eq!(stream.soon().await, end("key"));
    assert!(stream.is_over().await);
    let again = Events::send(&world.router, stream_request("", &key.key)).await;
    assert_eq!(again.status, 401);
}

// SEC-B3, SEC-G: an open socket that outlives a revoked role.
#[tokio::test]
async fn stream_ends_with_the_role_and_with_the_member() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let (max, maxs) = member(&world, "Max").await;
    let mut of_mia = Events::open(&world.router, stream_request("", &mias)).await;
    let mut of_max = Events::open(&world.router, stream_request("", &maxs)).await;
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
    // The other stream continues until its member is removed.
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
async fn page_stream_ends_with_its_session() {
    let world = World::new().await;
    let browser = signed_in(&world).await;
    let mut stream = Events::open(&world.router, cookie_of(&browser)).await;
    advance_clock(&world);
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

// SEC-B2: a rotated session id does not end the stream.
#[tokio::test]
async fn page_stream_survives_a_rotated_session_id() {
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
async fn page_stream_ends_when_the_organisation_is_suspended() {
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

// SEC-B2: an open page is not activity.
#[tokio::test]
async fn stream_does_not_keep_a_session_alive() {
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
    // The session expires while the stream is open.
    world.app.clock.forward(time::Duration::days(2));
    world.memory_of(&world.owner, "A word").await;
    assert_eq!(stream.soon().await, end("signed_out"));
}

#[tokio::test]
async fn changed_access_sends_a_reset() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let team = world.app.tenant.team("Kitchen", &[]).await;
    let mut stream = Events::open(&world.router, stream_request("", &mias)).await;
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
async fn stream_resumes_where_it_broke_off() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let known = world.memory_of(&mia, "Known").await;
    world.app.clock.forward(time::Duration::minutes(10));
    let mut stream = Events::open(&world.router, stream_request("", &mias)).await;
    let first = stream.id.clone();
    advance_clock(&world);
    let told = world.memory_of(&mia, "Told").await;
    assert_eq!(stream.news().await, changed(told, 1));
    drop(stream);
    let missed = world.memory_of(&mia, "Missed").await;
    world.app.clock.forward(time::Duration::minutes(30));

    for request in [
        stream_request("", &mias).header("last-event-id", &first),
        stream_request(&format!("?after={first}"), &mias),
        // The header takes precedence, because a browser keeps the address.
        stream_request("?after=1", &mias).header("last-event-id", &first),
    ] {
        let mut stream = Events::open(&world.router, request).await;
        let mut ids = [stream.news().await.1, stream.news().await.1].map(|told| told["id"].clone());
        ids.sort_by_key(ToString::to_string);
        let mut expected = [told, missed].map(|id| json!(id));
        expected.sort_by_key(ToString::to_string);
        assert_eq!(ids, expected, "and not {known}");
        assert_eq!(stream.next(Duration::from_millis(700)).await, None);
    }

    // Too long ago: the client must read everything again.
    world.app.clock.forward(time::Duration::hours(2));
    let request = stream_request("", &mias).header("last-event-id", &first);
    let mut stream = Events::open(&world.router, request).await;
    assert_eq!(stream.news().await, ("reset".into(), json!({})));
    advance_clock(&world);
    let new = world.memory_of(&mia, "New").await;
    assert_eq!(stream.news().await, changed(new, 1));
}

#[tokio::test]
async fn invalid_stream_requests_are_rejected() {
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
    // Without the permission, and without credentials.
    let mia = world.app.tenant.actor(SystemRole::Member, "Moe").await;
    let other = world.key_of(&mia, &[Permission::ProfileManage]).await.key;
    let answer = world.get("/api/v1/events", &other).await;
    let told = problem(&answer, 403, "forbidden");
    assert_eq!(told["permission"], "memory.read");
    let nobody = request(Method::GET, "/events").header(header::ACCEPT, "text/event-stream");
    assert_eq!(Events::send(&world.router, nobody).await.status, 401);
}

#[tokio::test]
async fn streams_of_one_member_are_limited_until_some_close() {
    let world = World::new().await;
    let (_, mias) = member(&world, "Mia").await;
    let mut open = Vec::new();
    for _ in 0..12 {
        open.push(Events::open(&world.router, stream_request("", &mias)).await);
    }
    let refused = Events::send(&world.router, stream_request("", &mias)).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert!(refused.headers.contains_key("retry-after"));
    // Other members are not affected.
    let (_, maxs) = member(&world, "Max").await;
    Events::open(&world.router, stream_request("", &maxs)).await;
    open.truncate(6);
    let mut status = 429;
    for _ in 0..50 {
        status = Events::send(&world.router, stream_request("", &mias))
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
async fn many_changes_are_sent_as_one_reset() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let mut stream = Events::open(&world.router, stream_request("", &mias)).await;
    advance_clock(&world);
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
    // Later changes are sent one by one again.
    advance_clock(&world);
    let one = world.memory_of(&mia, "One more").await;
    assert_eq!(stream.news().await, changed(one, 1));
    // A new stream gets them too: changes it already knows don't count.
    let mut stream = Events::open(&world.router, stream_request("", &mias)).await;
    advance_clock(&world);
    let one = world.memory_of(&mia, "And one more").await;
    assert_eq!(stream.news().await, changed(one, 1));
}

/// A context of another process on the same database.
async fn elsewhere(world: &World) -> service::Ctx {
    let mut elsewhere = ctx(&world.app.db, world.app.clock.clock());
    elsewhere.store = world.app.db.connect(2).await;
    elsewhere
}

/// A stream that has polled for the first time.
async fn polled_stream(world: &World, mia: &Actor, mias: &str) -> Events {
    let mut stream = Events::open(&world.router, stream_request("", mias)).await;
    advance_clock(world);
    let first = world.memory_of(mia, "First").await;
    assert_eq!(stream.news().await, changed(first, 1));
    stream
}

/// The change comes from another process and arrives here by `NOTIFY`.
#[tokio::test]
async fn change_of_another_process_is_sent() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let elsewhere = elsewhere(&world).await;
    let (here, there) = (world.app.db.store.clone(), elsewhere.store.clone());
    let relays = [
        tokio::spawn(async move { here.changes_relay(id()).await }),
        tokio::spawn(async move { there.changes_relay(id()).await }),
    ];
    let mut stream = polled_stream(&world, &mia, &mias).await;
    // The first may be found because the relay has only just started to listen.
    for text in ["From elsewhere", "And once more"] {
        let memory = support::program::memory(&elsewhere, &mia, text).await;
        assert_eq!(stream.news().await, changed(memory, 1), "{text}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    relays.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Without a notification, a stream polls.
#[tokio::test]
async fn stream_polls_without_notifications() {
    let world = World::new().await;
    let (mia, mias) = member(&world, "Mia").await;
    let elsewhere = elsewhere(&world).await;
    let mut stream = polled_stream(&world, &mia, &mias).await;
    // The poll of the opened stream must be over first.
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

/// Events name what changed and never contain its text.
#[tokio::test]
async fn stream_contains_no_memory_text() {
    let world = World::with(product).await;
    let (mia, mias) = member(&world, "Mia").await;
    let mut stream = Events::open(&world.router, stream_request("", &mias)).await;
    advance_clock(&world);
    let memory = world.memory_of(&mia, "Canary in the text").await;
    let (_, told) = stream.news().await;
    let names: Vec<_> = told.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["change", "id", "version"]);
    let at = format!("/api/v1/memories/{memory}");
    let answer = world.get(&at, &mias).await;
    assert!(answer.body.contains("Canary"), "{}", answer.body);
}
