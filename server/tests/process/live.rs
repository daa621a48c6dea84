//! Streams of events from the running program.

use std::time::Duration;

use domain::{
    Permission,
    access::SystemRole,
    api_key::{ApiKeyInput, NEVER},
};
use rustix::process::Signal;
use service::{Clock, Ctx, Embedder, Entropy};
use store::testing::TestDb;
use tokio::time::timeout;

use crate::support::{Folder, Server, atrium_on, run};

/// A server with an organisation, and the key of a member of it.
async fn started() -> (TestDb, Folder, Server, String) {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let member = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let embedder = Embedder::off("Tests have no model.");
    let ctx = Ctx::new(
        db.store.clone(),
        Clock::system(),
        Entropy::system(),
        embedder,
    );
    let draft = ApiKeyInput {
        label: "Ears".into(),
        vendor: None,
        scopes: vec![Permission::MemoryRead.key().into()],
        lifetime: NEVER.into(),
    };
    let key = service::call::<service::ApiKeyCreate>(&ctx, &member, draft).await;
    let server = Server::start(atrium_on(&db, &folder, &["serve"]));
    (db, folder, server, key.unwrap().key)
}

async fn open(server: &Server, key: &str) -> reqwest::Response {
    let url = format!("{}/api/v1/events", server.url);
    let client = reqwest::Client::builder().build().unwrap();
    let mut answer = client.get(url).bearer_auth(key).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let first = answer.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("event: ready"));
    answer
}

/// The remaining text of the stream, until it ends.
async fn rest(mut answer: reqwest::Response, within: Duration) -> String {
    let read = async {
        let mut text = String::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
        text
    };
    timeout(within, read).await.expect("the stream ends")
}

// SEC-F2
#[tokio::test]
async fn stop_ends_open_streams_without_waiting_for_them() {
    let (_db, _folder, mut server, key) = started().await;
    let answer = open(&server, &key).await;
    server.signal(Signal::TERM);
    assert!(server.ended(Duration::from_secs(5)).success());
    let told = rest(answer, Duration::from_secs(1)).await;
    // A client that gets no `end` event reconnects.
    assert!(!told.contains("event: end"), "{told}");
}

// SEC-B3: the command line is another process. The server hears of the change
// by NOTIFY, sooner than a stream polls.
#[tokio::test]
async fn suspending_the_organisation_by_command_ends_its_streams() {
    let (db, folder, server, key) = started().await;
    let answer = open(&server, &key).await;
    let suspend = ["tenant", "suspend", "acme", "--reason", "unpaid"];
    let (status, _, stderr) = run(atrium_on(&db, &folder, &suspend));
    assert_eq!(status, 0, "{stderr}");
    let told = rest(answer, Duration::from_secs(4)).await;
    assert!(told.contains(r#"{"reason":"inactive"}"#), "{told}");
}
