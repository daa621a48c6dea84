//! The SECURITY DEFINER functions (SEC-C5) return no more than row security
//! allows.

use domain::{
    Actor,
    access::SystemRole,
    memory::{MemoryCriteria, SearchMode},
};
use sqlx::{Connection, PgConnection, Row};
use store::{
    Login,
    memory::{SearchParams, SearchQuery, memory_delete, memory_search},
    testing::{NOW, TestDb},
};
use uuid::Uuid;

use crate::support::{create, embed, model, share, toward};

/// A connection of the app login with the role and settings of an actor, as the
/// store sets them.
async fn connection_of(db: &TestDb, actor: Option<&Actor>) -> PgConnection {
    let mut conn = PgConnection::connect_with(&db.login_options(Login::App))
        .await
        .unwrap();
    let (tenant, user, teams) = match actor {
        Some(actor) => (
            actor.tenant_id.to_string(),
            actor.user_id.to_string(),
            format!(
                "{{{}}}",
                actor
                    .team_ids
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        ),
        None => Default::default(),
    };
    sqlx::query(
        "SELECT set_config('role', 'atrium_app', false), set_config('app.current_tenant_id', $1, false),
                set_config('app.current_user_id', $2, false), set_config('app.current_team_ids', $3, false)",
    )
    .bind(tenant)
    .bind(user)
    .bind(teams)
    .execute(&mut conn)
    .await
    .unwrap();
    conn
}

async fn ids(
    conn: &mut PgConnection,
    statement: &'static str,
    trash: bool,
    own: Option<bool>,
) -> Vec<Uuid> {
    let rows = sqlx::query(statement)
        .bind(trash)
        .bind(own)
        .fetch_all(conn)
        .await
        .unwrap();
    let mut ids: Vec<_> = rows.iter().map(|row| row.get(0)).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn word_search_returns_what_the_policy_allows() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let people = [
        acme.user("Ada").await,
        acme.user("Ben").await,
        acme.user("Cleo").await,
    ];
    let teams = [
        acme.team("One", &people[..2]).await,
        acme.team("Two", &people[1..]).await,
    ];
    let mut actors = vec![
        acme.actor_of(people[0]).await,
        acme.actor_of(people[1]).await,
        acme.actor_of(people[2]).await,
        acme.actor(SystemRole::Owner, "Olga").await,
    ];
    let globex = db.tenant("globex").await;
    actors.push(globex.actor(SystemRole::Owner, "Gus").await);

    // Every owner × visibility × team × in the trash or not.
    for owner in &actors {
        for (visibility, team) in [
            ("private", None),
            ("org", None),
            ("team", Some(0)),
            ("team", Some(1)),
        ] {
            if team.is_some() && owner.tenant_id == globex.id {
                continue;
            }
            for is_deleted in [false, true] {
                let memory = create(&db, owner, "a common word").await;
                share(&db, memory, visibility, team.map(|n: usize| teams[n])).await;
                if is_deleted {
                    let mut tx = db.store.begin(owner).await.unwrap();
                    memory_delete(&mut tx, memory, NOW).await.unwrap();
                    tx.commit().await.unwrap();
                }
            }
        }
    }

    let by_function = "SELECT memory_id FROM memory_search_words(
                           '{word}', NULL, NULL,
                           jsonb_strip_nulls(jsonb_build_object(
                               'trash', nullif($1, false),
                               'owner', CASE WHEN $2 OR $1 THEN current_setting('app.current_user_id') END,
                               'not_owner', CASE WHEN NOT $2 THEN current_setting('app.current_user_id') END)),
                           1000, 1000)";
    // States the filter only; row security decides what is visible.
    let by_policy = "SELECT id FROM memories
                      WHERE search @@ 'word'::tsquery
                        AND (deleted_at IS NOT NULL) = $1
                        AND (NOT $1 OR user_id::text = current_setting('app.current_user_id'))
                        AND ($2::bool IS NULL OR (user_id::text = current_setting('app.current_user_id')) = $2)";
    let mut seen = Vec::new();
    for actor in &actors {
        let mut conn = connection_of(&db, Some(actor)).await;
        for trash in [false, true] {
            for own in [None, Some(true), Some(false)] {
                let found = ids(&mut conn, by_function, trash, own).await;
                let allowed = ids(&mut conn, by_policy, trash, own).await;
                assert_eq!(found, allowed, "{} trash {trash} own {own:?}", actor.label);
                if own.is_none() {
                    seen.push(found.len());
                }
            }
        }
    }
    // Ada: own 4, org of 3 others, team One of 3 others; Ben: both teams;
    // Olga: own and org. The pairs are without and with the trash.
    assert_eq!(seen, [10, 4, 13, 4, 10, 4, 7, 4, 2, 2]);

    // Without settings there is no tenant, and nothing is visible.
    let mut conn = connection_of(&db, None).await;
    assert!(ids(&mut conn, by_function, false, None).await.is_empty());
    let size: i64 = sqlx::query_scalar("SELECT memory_collection_size(10)")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(size, 0);
}

#[tokio::test]
async fn search_finds_no_memories_of_others() {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let owner = acme.actor(SystemRole::Owner, "Olga").await;
    let stranger = db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    let vector = toward(0, 1, 0.0);
    let private = create(&db, &mia, "the canary sings").await;
    let org = create(&db, &mia, "the canary is yellow").await;
    for memory in [private, org] {
        embed(&db, &mia, memory, vector.clone()).await;
    }
    share(&db, org, "org", None).await;

    let (query, filter) = (
        SearchQuery::parse("canary \"canary\""),
        MemoryCriteria::default(),
    );
    let request = SearchParams {
        query: &query,
        vector: None,
        mode: SearchMode::Both,
        criteria: &filter,
        limit: 9,
        now: NOW,
    };
    for (actor, expected) in [
        (&mia, vec![private, org]),
        (&owner, vec![org]),
        (&stranger, vec![]),
    ] {
        let model = model(&db, actor).await;
        let request = SearchParams {
            vector: Some((&model, &vector)),
            ..request
        };
        let mut tx = db.store.begin(actor).await.unwrap();
        let mut found: Vec<_> = memory_search(&mut tx, &request)
            .await
            .unwrap()
            .iter()
            .map(|h| h.memory.id)
            .collect();
        found.sort();
        assert_eq!(found, expected, "{}", actor.label);
    }
}

#[tokio::test]
async fn only_the_application_role_may_call_them() {
    let db = TestDb::new().await;
    for role in ["atrium_auth", "atrium_worker", "atrium_operator"] {
        let mut conn = db.connection_for(role).await.unwrap();
        sqlx::query("SELECT set_config('role', $1, false)")
            .bind(role)
            .execute(&mut conn)
            .await
            .unwrap();
        let call = sqlx::query("SELECT memory_collection_size(10)")
            .execute(&mut conn)
            .await;
        assert_eq!(
            call.unwrap_err()
                .as_database_error()
                .unwrap()
                .code()
                .as_deref(),
            Some("42501"),
            "{role}"
        );
        let call = sqlx::query("SELECT memory_search_words('{a}', NULL, NULL, '{}', 1, 1)")
            .execute(&mut conn)
            .await;
        assert_eq!(
            call.unwrap_err()
                .as_database_error()
                .unwrap()
                .code()
                .as_deref(),
            Some("42501"),
            "{role}"
        );
    }
}
