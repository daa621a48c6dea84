//! Helpers for memories in a test's database.

use domain::{
    Actor, MemoryId, TeamId, Timestamp,
    access::SystemRole,
    embedding_model::EmbeddingModel,
    memory::{MemoryChange, MemoryText, NewMemory, Origin},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use store::{
    Login, TenantTx,
    embedding_model::embedding_model_active,
    memory::{EmbeddedMemory, embedding_set_many, memory_create},
    testing::{NOW, TestDb, TestTenant, id},
};

pub(crate) fn text(content: &str) -> MemoryText {
    MemoryText::new("", content.into(), "fact", &[]).unwrap()
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

/// Shares a memory as superuser, without a review.
pub(crate) async fn share(db: &TestDb, memory: MemoryId, visibility: &str, team: Option<TeamId>) {
    sqlx::query("UPDATE memories SET visibility = $2, team_id = $3 WHERE id = $1")
        .bind(memory)
        .bind(visibility)
        .bind(team)
        .execute(&db.admin)
        .await
        .unwrap();
}

/// Dimensions of a new organisation's model.
pub(crate) const DIMENSIONS: usize = 384;

/// The active model of the actor's organisation.
pub(crate) async fn model(db: &TestDb, actor: &Actor) -> EmbeddingModel {
    let mut tx = db.store.begin(actor).await.unwrap();
    embedding_model_active(&mut tx).await.unwrap()
}

/// A vector between two of the space's axes.
pub(crate) fn toward(axis: usize, other: usize, lean: f32) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSIONS];
    vector[axis] = 1.0;
    vector[other] += lean;
    vector
}

pub(crate) async fn embed(db: &TestDb, actor: &Actor, memory: MemoryId, embedding: Vec<f32>) {
    let model = model(db, actor).await;
    let mut tx = db.store.begin(actor).await.unwrap();
    let embedded = [EmbeddedMemory {
        id: memory,
        version: 1,
        embedding,
    }];
    assert_eq!(
        embedding_set_many(&mut tx, &model, &embedded)
            .await
            .unwrap(),
        1
    );
    tx.commit().await.unwrap();
}

/// Inserts many memories as superuser.
pub(crate) async fn fill(db: &TestDb, actor: &Actor, count: i32, content: &str) {
    sqlx::query(
        "INSERT INTO memories (tenant_id, id, user_id, kind, title, content, tags, visibility, origin, importance,
                               version, allowed_vendors, created_at, updated_at)
         SELECT $1, gen_random_uuid(), $2, 'fact', '', $4 || ' ' || n, '{}', 'private', 'import', 0.5, 1, '{*}', $5, $5
           FROM generate_series(1, $3) AS n",
    )
    .bind(actor.tenant_id)
    .bind(actor.user_id)
    .bind(count)
    .bind(content)
    .bind(NOW)
    .execute(&db.admin)
    .await
    .unwrap();
}

/// An organisation in which Mia belongs to the team that Lena leads, and Ada
/// reviews for the whole organisation.
pub(crate) struct Scene {
    pub(crate) db: TestDb,
    pub(crate) acme: TestTenant,
    pub(crate) mia: Actor,
    pub(crate) lena: Actor,
    pub(crate) ada: Actor,
    /// Lena leads it; Mia and Lena belong to it.
    pub(crate) design: TeamId,
    /// Lena belongs to it.
    pub(crate) sales: TeamId,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let db = TestDb::new().await;
        let acme = db.tenant("acme").await;
        let mia = acme.actor(SystemRole::Member, "Mia").await.user_id;
        let lena = acme.actor(SystemRole::Member, "Lena").await.user_id;
        let ada = acme.actor(SystemRole::Admin, "Ada").await;
        let design = acme.team("Design", &[mia, lena]).await;
        let sales = acme.team("Sales", &[lena]).await;
        sqlx::query("UPDATE team_members SET role = 'lead' WHERE team_id = $1 AND user_id = $2")
            .bind(design)
            .bind(lena)
            .execute(&db.admin)
            .await
            .unwrap();
        Self {
            mia: acme.actor_of(mia).await,
            lena: acme.actor_of(lena).await,
            ada,
            design,
            sales,
            db,
            acme,
        }
    }

    pub(crate) async fn begin(&self, actor: &Actor) -> TenantTx {
        self.db.store.begin(actor).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.db.admin).await.unwrap();
    }

    /// Visibility, team and version of a memory.
    pub(crate) async fn standing(&self, memory: MemoryId) -> (String, Option<TeamId>, i32) {
        sqlx::query_as("SELECT visibility, team_id, version FROM memories WHERE id = $1")
            .bind(memory)
            .fetch_one(&self.db.admin)
            .await
            .unwrap()
    }

    /// A connection with the settings that the store sets for `actor`.
    pub(crate) async fn connection(&self, actor: &Actor) -> PgConnection {
        let mut conn = PgConnection::connect_with(&self.db.login_options(Login::App))
            .await
            .unwrap();
        let keys: Vec<_> = actor.permissions.iter().map(|p| p.key()).collect();
        let teams = |ids: &[TeamId]| {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            format!("{{{}}}", ids.join(","))
        };
        sqlx::query(
            "SELECT set_config('role', 'atrium_app', false), set_config('app.current_tenant_id', $1, false),
                    set_config('app.current_user_id', $2, false), set_config('app.current_team_ids', $3, false),
                    set_config('app.led_team_ids', $4, false), set_config('app.permissions', $5, false)",
        )
        .bind(actor.tenant_id.to_string())
        .bind(actor.user_id.to_string())
        .bind(teams(&actor.team_ids))
        .bind(teams(&actor.led_team_ids))
        .bind(keys.join(","))
        .execute(&mut conn)
        .await
        .unwrap();
        conn
    }
}

/// The number of rows that a statement reached, or its error code.
pub(crate) async fn tried(conn: &mut PgConnection, sql: &str) -> Result<u64, String> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(conn)
        .await;
    done.map(|done| done.rows_affected()).map_err(|error| {
        let error = error
            .into_database_error()
            .expect("the server rejected the statement");
        error.code().unwrap_or_default().into_owned()
    })
}
