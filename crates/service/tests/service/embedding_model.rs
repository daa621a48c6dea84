//! Switching the embedding model while members go on searching.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use domain::{
    Actor, AppError, EmbeddingModelId,
    access::SystemRole,
    embedding_model::{EmbeddingModelEntry, EmbeddingModelInput, EmbeddingModelStatus},
    memory::{MemoryFilter, SearchMode, SearchResults},
};
use serde_json::{Value, json};
use service::Embedder;
use time::Duration;

use crate::call_memory::{memory_create, memory_search, memory_update};
use crate::{
    call::{
        embedding_model_cancel, embedding_model_get, embedding_model_pause, embedding_model_resume,
        embedding_model_start,
    },
    support::{World, change, draft, model_dir},
};

/// The answer of the fake service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Good,
    Down,
    Nonsense,
    Shorter,
    /// Delays the answer until the mood changes.
    Waiting,
}

struct Fake {
    addr: SocketAddr,
    mood: Mutex<Mood>,
    keys: Mutex<Vec<Option<String>>>,
    texts: Mutex<Vec<String>>,
}

/// An embedding service with 100 dimensions in which the meaning of a text is
/// which of a few words it contains. A text with “poison” is rejected.
async fn service() -> Arc<Fake> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fake = Arc::new(Fake {
        addr: listener.local_addr().unwrap(),
        mood: Mutex::new(Mood::Good),
        keys: Mutex::default(),
        texts: Mutex::default(),
    });
    let app = Router::new()
        .route("/v1/embeddings", post(answer))
        .with_state(fake.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    fake
}

async fn answer(
    State(fake): State<Arc<Fake>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let key = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    fake.keys.lock().unwrap().push(key);
    if body["model"] != "fake" {
        return StatusCode::NOT_FOUND.into_response();
    }
    let texts: Vec<String> = serde_json::from_value(body["input"].clone()).unwrap();
    fake.texts.lock().unwrap().extend(texts.clone());
    let mut mood = *fake.mood.lock().unwrap();
    while mood == Mood::Waiting {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        mood = *fake.mood.lock().unwrap();
    }
    match mood {
        Mood::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Nonsense => return "certainly!".into_response(),
        Mood::Good | Mood::Shorter | Mood::Waiting => {}
    }
    if texts.iter().any(|text| text.contains("poison")) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let dimensions = if mood == Mood::Shorter { 64 } else { 100 };
    let data: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({ "index": index, "embedding": meaning(text, dimensions) }))
        .collect();
    Json(json!({ "data": data })).into_response()
}

/// Points to one axis for animals that swim and to another for those that fly.
fn meaning(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.01; dimensions];
    for (axis, words) in [["trout", "swims"], ["heron", "flies"]].iter().enumerate() {
        if words.iter().any(|word| text.contains(word)) {
            vector[axis] = 1.0;
        }
    }
    vector
}

async fn world() -> (World, Arc<Fake>, Actor) {
    let fake = service().await;
    let endpoint = (format!("http://{}/v1", fake.addr), Some("sk-secret".into()));
    let embedder = Embedder::open(&model_dir())
        .await
        .with_services(&[], BTreeMap::from([("fake".to_owned(), endpoint)]))
        .unwrap();
    let world = World::with(embedder).await;
    let owner = world.tenant.actor(SystemRole::Owner, "Olga").await;
    (world, fake, owner)
}

fn fake_model() -> EmbeddingModelInput {
    EmbeddingModelInput {
        source: "endpoint:fake".into(),
        model: "fake".into(),
        ..EmbeddingModelInput::default()
    }
}

async fn search(world: &World, actor: &Actor, question: &str, mode: SearchMode) -> SearchResults {
    memory_search(&world.ctx, actor, question, mode, &MemoryFilter::default())
        .await
        .unwrap()
}

fn first(results: &SearchResults) -> Option<&str> {
    Some(results.hits.first()?.memory.excerpt.as_str())
}

async fn status(world: &World, owner: &Actor, id: EmbeddingModelId) -> EmbeddingModelStatus {
    let models = embedding_model_get(&world.ctx, owner).await.unwrap();
    let mut models = models.models.iter().map(|entry| &entry.model);
    models.find(|model| model.id == id).unwrap().status
}

/// Waits for a background job to make a condition true.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{what}: not within 10 s");
}

async fn vectors(world: &World) -> (i64, i64) {
    sqlx::query_as("SELECT count(embedding_a), count(embedding_b) FROM memories")
        .fetch_one(&world.db.admin)
        .await
        .unwrap()
}

#[tokio::test]
async fn searches_use_the_old_model_until_the_new_one_is_complete() {
    let (world, fake, owner) = world().await;
    let (ctx, mia) = (&world.ctx, &world.member("Mia").await);
    for text in ["a trout", "a heron", "a stone"] {
        memory_create(ctx, mia, &draft(text)).await.unwrap();
    }
    let worker = world.worker();
    world.embedded(mia).await;

    // The worker may stop before or after the batch with the new vectors.
    let id = embedding_model_start(ctx, &owner, &fake_model())
        .await
        .unwrap();
    worker.stop().await;
    let (_, before) = vectors(&world).await;
    assert!(before == 0 || before == 3, "all in one batch, or none");
    fake.texts.lock().unwrap().clear();

    // The search uses whichever model is active, and succeeds with either.
    let results = search(&world, mia, "what swims?", SearchMode::Meaning).await;
    assert_eq!(results.notice, None);
    assert_eq!(first(&results), Some("a trout"));
    let asked_fake = !fake.texts.lock().unwrap().is_empty();
    assert_eq!(
        asked_fake,
        status(&world, &owner, id).await == EmbeddingModelStatus::Active
    );

    let worker = world.worker();
    until("the new model becomes active", async || {
        status(&world, &owner, id).await == EmbeddingModelStatus::Active
    })
    .await;
    assert_eq!(
        vectors(&world).await,
        (3, 3),
        "the old vectors stay for searches in progress"
    );
    let results = search(&world, mia, "what swims?", SearchMode::Meaning).await;
    assert_eq!(first(&results), Some("a trout"));
    assert!(
        fake.texts
            .lock()
            .unwrap()
            .contains(&"what swims?".to_owned())
    );
    let like = crate::call_memory::memory_similar(
        ctx,
        mia,
        results.hits[0].memory.id,
        &MemoryFilter::default(),
    )
    .await
    .unwrap();
    assert_eq!(like.mode, SearchMode::Both);

    let models = embedding_model_get(ctx, &owner).await.unwrap();
    let EmbeddingModelEntry {
        model: active,
        progress,
    } = models.active().unwrap();
    assert_eq!(
        (active.id, active.dimensions, active.is_shortened),
        (id, 100, false)
    );
    assert_eq!((progress.done, progress.total), (3, 3));
    assert!(models.is_dropping());
    let activated = world.audit().await;
    let activated = activated
        .iter()
        .find(|row| row.action == "embedding_model.activate");
    assert!(activated.is_some_and(|row| row.resource_id == Some(id.to_string())));

    world.pass(Duration::minutes(3));
    // Repeated as housekeeping does, because a job may still be finishing.
    until("the old vectors are deleted", async || {
        service::embedding_sweep(ctx).await.unwrap();
        vectors(&world).await == (0, 3)
    })
    .await;
    until("another model can be started", async || {
        let models = embedding_model_get(ctx, &owner).await.unwrap();
        !models.is_dropping()
    })
    .await;

    // Switch back, into the column that has become free.
    let local = EmbeddingModelInput {
        source: "local".into(),
        ..EmbeddingModelInput::default()
    };
    let back = embedding_model_start(ctx, &owner, &local).await.unwrap();
    until("the first model becomes active again", async || {
        status(&world, &owner, back).await == EmbeddingModelStatus::Active
    })
    .await;
    assert_eq!(vectors(&world).await, (3, 3));
    worker.stop().await;

    assert!(
        fake.keys
            .lock()
            .unwrap()
            .iter()
            .all(|key| key.as_deref() == Some("Bearer sk-secret"))
    );
    let told = format!("{:?} {:?} {models:?}", world.ctx, world.audit().await);
    assert!(!told.contains("sk-secret"), "{told}");
}

#[tokio::test]
async fn failing_service_delays_vectors_and_loses_nothing() {
    let (world, fake, owner) = world().await;
    let (ctx, mia) = (&world.ctx, &world.member("Mia").await);
    let worker = world.worker();
    let id = embedding_model_start(ctx, &owner, &fake_model())
        .await
        .unwrap();
    until("no memory waits for a vector", async || {
        status(&world, &owner, id).await == EmbeddingModelStatus::Active
    })
    .await;

    for (mood, name, sentence) in [
        (Mood::Down, "Amber", "fault of its own"),
        (Mood::Nonsense, "Pebble", "no embedding"),
        (Mood::Shorter, "Cedar", "don't have 100 dimensions"),
    ] {
        *fake.mood.lock().unwrap() = mood;
        let text = format!("a trout called {name}");
        memory_create(ctx, mia, &draft(&text)).await.unwrap();
        until("the problem is shown", async || {
            let models = embedding_model_get(ctx, &owner).await.unwrap();
            let model = &models.active().unwrap().model;
            model
                .problem
                .as_ref()
                .is_some_and(|problem| problem.contains(sentence))
        })
        .await;
        // Keyword search goes on, and each search says why.
        let results = search(&world, mia, name, SearchMode::Both).await;
        assert_eq!(
            (first(&results), results.mode),
            (Some(text.as_str()), SearchMode::Words)
        );
        let notice = results.notice.unwrap();
        assert!(notice.contains(sentence), "{notice}");
        assert_eq!(results.waiting_for_embedding, 0, "words don't wait");

        *fake.mood.lock().unwrap() = Mood::Good;
        world.pass(Duration::minutes(11));
        service::embedding_sweep(ctx).await.unwrap();
        world.embedded(mia).await;
        until("the problem is gone", async || {
            let models = embedding_model_get(ctx, &owner).await.unwrap();
            models.active().unwrap().model.problem.is_none()
        })
        .await;
    }
    let results = search(&world, mia, "what swims?", SearchMode::Meaning).await;
    assert_eq!(results.hits.len(), 3);
    worker.stop().await;
}

#[tokio::test]
async fn text_rejected_by_the_service_blocks_no_other() {
    let (world, fake, owner) = world().await;
    let (ctx, mia) = (&world.ctx, &world.member("Mia").await);
    for text in ["a trout", "a poison", "a heron"] {
        memory_create(ctx, mia, &draft(text)).await.unwrap();
    }
    let worker = world.worker();
    let id = embedding_model_start(ctx, &owner, &fake_model())
        .await
        .unwrap();
    until("the model is complete", async || {
        status(&world, &owner, id).await == EmbeddingModelStatus::Active
    })
    .await;
    let found = search(&world, mia, "what flies?", SearchMode::Meaning).await;
    assert_eq!(first(&found), Some("a heron"));
    let found = search(&world, mia, "poison", SearchMode::Words).await;
    assert_eq!(first(&found), Some("a poison"));
    worker.stop().await;
    drop(fake);
}

#[tokio::test]
async fn each_text_is_sent_once_and_again_if_it_changed_meanwhile() {
    let (world, fake, owner) = world().await;
    let (ctx, mia) = (&world.ctx, &world.member("Mia").await);
    let mut ids = Vec::new();
    for n in 0..150 {
        let text = format!("trout number {n}");
        ids.push(memory_create(ctx, mia, &draft(&text)).await.unwrap());
    }
    let id = embedding_model_start(ctx, &owner, &fake_model())
        .await
        .unwrap();
    fake.texts.lock().unwrap().clear();
    *fake.mood.lock().unwrap() = Mood::Waiting;
    let worker = world.worker();
    until("the first texts are sent", async || {
        let texts = fake.texts.lock().unwrap();
        texts.iter().any(|text| text == "trout number 7")
    })
    .await;
    memory_update(ctx, mia, ids[7], 1, &change("a heron"))
        .await
        .unwrap();
    *fake.mood.lock().unwrap() = Mood::Good;
    until("the model is complete", async || {
        status(&world, &owner, id).await == EmbeddingModelStatus::Active
    })
    .await;

    assert_eq!(vectors(&world).await.1, 150);
    let found = search(&world, mia, "what flies?", SearchMode::Meaning).await;
    assert_eq!(first(&found), Some("a heron"));
    let mut texts = fake.texts.lock().unwrap().clone();
    texts.retain(|text| text != "what flies?");
    texts.sort_unstable();
    let mut expected: Vec<_> = (0..150).map(|n| format!("trout number {n}")).collect();
    expected.push("a heron".into());
    expected.sort_unstable();
    assert_eq!(texts, expected);
    worker.stop().await;
}

#[tokio::test]
async fn switch_is_paused_resumed_and_cancelled() {
    let (world, fake, owner) = world().await;
    let (ctx, mia) = (&world.ctx, &world.member("Mia").await);
    memory_create(ctx, mia, &draft("a trout")).await.unwrap();

    let id = embedding_model_start(ctx, &owner, &fake_model())
        .await
        .unwrap();
    embedding_model_pause(ctx, &owner, id).await.unwrap();
    let again = embedding_model_pause(ctx, &owner, id).await;
    assert!(matches!(again, Err(AppError::Conflict { .. })), "{again:?}");
    fake.texts.lock().unwrap().clear();
    let worker = world.worker();
    world.embedded(mia).await;
    assert_eq!(vectors(&world).await, (1, 0));
    assert_eq!(
        status(&world, &owner, id).await,
        EmbeddingModelStatus::Paused
    );
    assert!(
        fake.texts.lock().unwrap().is_empty(),
        "nothing is sent while the switch is paused"
    );

    // Only one switch can run at a time.
    let other = embedding_model_start(ctx, &owner, &fake_model()).await;
    assert!(matches!(other, Err(AppError::Conflict { .. })), "{other:?}");
    *fake.mood.lock().unwrap() = Mood::Down;
    embedding_model_resume(ctx, &owner, id).await.unwrap();
    embedding_model_cancel(ctx, &owner, id).await.unwrap();
    assert_eq!(
        status(&world, &owner, id).await,
        EmbeddingModelStatus::Retired
    );
    let again = embedding_model_resume(ctx, &owner, id).await;
    assert!(matches!(again, Err(AppError::Conflict { .. })), "{again:?}");
    world.pass(Duration::minutes(3));
    service::embedding_sweep(ctx).await.unwrap();
    *fake.mood.lock().unwrap() = Mood::Good;

    let id = embedding_model_start(ctx, &owner, &fake_model())
        .await
        .unwrap();
    until("the next switch is complete", async || {
        status(&world, &owner, id).await == EmbeddingModelStatus::Active
    })
    .await;
    let same = embedding_model_start(ctx, &owner, &fake_model()).await;
    assert!(matches!(same, Err(AppError::Conflict { .. })), "{same:?}");
    worker.stop().await;
}

#[tokio::test]
async fn memories_of_a_former_member_are_embedded_too() {
    let (world, _fake, owner) = world().await;
    let (ctx, mia) = (&world.ctx, &world.member("Mia").await);
    memory_create(ctx, mia, &draft("a trout")).await.unwrap();
    sqlx::query("UPDATE users SET status = 'deactivated' WHERE id = $1")
        .bind(mia.user_id)
        .execute(&world.db.admin)
        .await
        .unwrap();
    let worker = world.worker();
    let id = embedding_model_start(ctx, &owner, &fake_model())
        .await
        .unwrap();
    until("the model is complete", async || {
        status(&world, &owner, id).await == EmbeddingModelStatus::Active
    })
    .await;
    assert_eq!(vectors(&world).await.1, 1);
    worker.stop().await;
}

#[tokio::test]
async fn model_that_does_not_answer_is_rejected_by_field_name() {
    let (world, fake, owner) = world().await;
    let ctx = &world.ctx;
    let next_door = format!("https://{}/v1", fake.addr);
    let draft = |source: &str, base_url: &str, model: &str, dimensions: &str| EmbeddingModelInput {
        source: source.into(),
        base_url: base_url.into(),
        model: model.into(),
        dimensions: dimensions.into(),
    };
    for (field, bad) in [
        ("source", draft("endpoint:unknown", "", "fake", "")),
        ("model", draft("endpoint:fake", "", "other", "")),
        ("model", draft("endpoint:fake", "", "fake", "128")),
        ("model", draft("endpoint:fake", "", "", "")),
        ("dimensions", draft("endpoint:fake", "", "fake", "5000")),
        // SEC-B8: no request into the internal network.
        (
            "base_url",
            draft("address", "https://127.0.0.1/v1", "fake", ""),
        ),
        (
            "base_url",
            draft("address", "https://169.254.169.254/", "fake", ""),
        ),
        (
            "base_url",
            draft("address", "http://example.com/v1", "fake", ""),
        ),
        // Nor to the service that the operator configured, without its key.
        ("base_url", draft("address", &next_door, "fake", "")),
        ("base_url", draft("address", "", "fake", "")),
    ] {
        let error = embedding_model_start(ctx, &owner, &bad).await.unwrap_err();
        assert!(error.for_field(field).is_some(), "{bad:?}: {error:?}");
        if bad.base_url == next_door {
            let told = error.for_field(field).unwrap();
            assert!(told.contains("this installation stands in"), "{told}");
        }
    }
    *fake.mood.lock().unwrap() = Mood::Down;
    let error = embedding_model_start(ctx, &owner, &fake_model())
        .await
        .unwrap_err();
    assert!(error.for_field("source").is_some(), "{error:?}");
    let models = embedding_model_get(ctx, &owner).await.unwrap();
    assert_eq!(models.models.len(), 1, "no switch was started");

    // SEC-E1: without the permission, nothing is sent.
    fake.texts.lock().unwrap().clear();
    let mia = world.member("Mia").await;
    let refused = embedding_model_start(ctx, &mia, &fake_model()).await;
    assert!(
        matches!(refused, Err(AppError::Forbidden { .. })),
        "{refused:?}"
    );
    assert!(fake.texts.lock().unwrap().is_empty());
}
