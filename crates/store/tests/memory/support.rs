//! Short ways to memories in a test's database.

use domain::{
    Actor, MemoryId, TeamId, Timestamp,
    memory::{MemoryChange, MemoryDraft, MemoryText, NewMemory, Origin},
};
use store::{
    memory::{EMBEDDING_DIMENSIONS, EmbeddedMemory, embedding_set_many, memory_create},
    testing::{NOW, TestDb, id},
};

pub(crate) fn text(content: &str) -> MemoryText {
    MemoryText::parse(&MemoryDraft {
        content: content.into(),
        ..MemoryDraft::default()
    })
    .unwrap()
}

pub(crate) fn change(content: &str) -> MemoryChange {
    MemoryChange::of(text(content))
}

pub(crate) async fn create(db: &TestDb, actor: &Actor, content: &str) -> MemoryId {
    create_at(db, actor, text(content), NOW).await
}

pub(crate) async fn create_at(
    db: &TestDb,
    actor: &Actor,
    text: MemoryText,
    at: Timestamp,
) -> MemoryId {
    let id = id();
    let mut tx = db.store.begin(actor).await.unwrap();
    memory_create(&mut tx, id, &NewMemory::of(text, Origin::Dashboard), at)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// Shares a memory behind row security's back: there is no act for it yet.
pub(crate) async fn share(db: &TestDb, memory: MemoryId, visibility: &str, team: Option<TeamId>) {
    sqlx::query("UPDATE memories SET visibility = $2, team_id = $3 WHERE id = $1")
        .bind(memory.0)
        .bind(visibility)
        .bind(team.map(|team| team.0))
        .execute(&db.admin)
        .await
        .unwrap();
}

/// A vector between two of the space's axes.
pub(crate) fn toward(axis: usize, other: usize, lean: f32) -> Vec<f32> {
    let mut vector = vec![0.0; EMBEDDING_DIMENSIONS];
    vector[axis] = 1.0;
    vector[other] += lean;
    vector
}

pub(crate) async fn embed(db: &TestDb, actor: &Actor, memory: MemoryId, embedding: Vec<f32>) {
    let mut tx = db.store.begin(actor).await.unwrap();
    let embedded = [EmbeddedMemory {
        id: memory,
        version: 1,
        embedding,
    }];
    assert_eq!(
        embedding_set_many(&mut tx, "test", &embedded, NOW)
            .await
            .unwrap(),
        1
    );
    tx.commit().await.unwrap();
}

/// Fills up a tenant's collection behind the store's back.
pub(crate) async fn fill(db: &TestDb, actor: &Actor, count: i32, content: &str) {
    sqlx::query(
        "INSERT INTO memories (tenant_id, id, user_id, kind, title, content, tags, visibility, origin, importance,
                               version, allowed_vendors, created_at, updated_at)
         SELECT $1, gen_random_uuid(), $2, 'fact', '', $4 || ' ' || n, '{}', 'private', 'import', 0.5, 1, '{*}', $5, $5
           FROM generate_series(1, $3) AS n",
    )
    .bind(actor.tenant_id.0)
    .bind(actor.user_id.0)
    .bind(count)
    .bind(content)
    .bind(NOW)
    .execute(&db.admin)
    .await
    .unwrap();
}
