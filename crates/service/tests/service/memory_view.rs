//! Saved views, filters from a URL, and similar memories.

use domain::{
    AppError,
    access::SystemRole,
    memory::{MemoryFilter, SearchMode},
    memory_view::{MAX_VIEWS, MemoryViewQuery},
};
use service::memory_filter_choices;

use crate::call_memory::{memory_create, memory_list, memory_search, memory_similar};
use crate::{
    call::{memory_view_create, memory_view_delete, memory_view_list, memory_view_rename},
    support::{World, draft},
};

fn asks(query: &str) -> MemoryViewQuery {
    MemoryViewQuery {
        query: query.into(),
        ..MemoryViewQuery::default()
    }
}

#[tokio::test]
async fn view_is_stored_as_saved_and_its_name_is_unique_for_each_member() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let (mia, noah) = (world.member("Mia").await, world.member("Noah").await);
    let query = MemoryViewQuery {
        mode: SearchMode::Words,
        filter: MemoryFilter {
            tag: "home, garden".into(),
            ..MemoryFilter::default()
        },
        ..asks("tea")
    };
    let tea = memory_view_create(ctx, &mia, " Tea ", &query)
        .await
        .unwrap();
    memory_view_create(ctx, &mia, "apples", &asks("x"))
        .await
        .unwrap();
    let views = memory_view_list(ctx, &mia).await.unwrap();
    assert_eq!(
        views
            .iter()
            .map(|view| view.name.as_str())
            .collect::<Vec<_>>(),
        ["apples", "Tea"]
    );
    assert_eq!((views[1].id, &views[1].query), (tea, &query));

    let taken = memory_view_create(ctx, &mia, "TEA", &asks("x"))
        .await
        .unwrap_err();
    assert!(taken.for_field("name").is_some(), "{taken:?}");
    let taken = memory_view_rename(ctx, &mia, tea, "Apples")
        .await
        .unwrap_err();
    assert!(taken.for_field("name").is_some(), "{taken:?}");
    memory_view_create(ctx, &noah, "tea", &asks("x"))
        .await
        .unwrap();
    memory_view_rename(ctx, &mia, tea, "TEA").await.unwrap();
    memory_view_delete(ctx, &mia, tea).await.unwrap();
    assert_eq!(
        memory_view_delete(ctx, &mia, tea).await,
        Err(AppError::NotFound)
    );
    assert_eq!(memory_view_list(ctx, &mia).await.unwrap().len(), 1);
}

// SEC-C6
#[tokio::test]
async fn views_are_private() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let mia = world.member("Mia").await;
    let id = memory_view_create(ctx, &mia, "Tea", &asks("tea"))
        .await
        .unwrap();
    let other = world.db.tenant("other").await;
    for stranger in [
        world.tenant.actor(SystemRole::Owner, "Olga").await,
        other.actor(SystemRole::Owner, "Otto").await,
    ] {
        assert_eq!(memory_view_list(ctx, &stranger).await.unwrap(), []);
        let renamed = memory_view_rename(ctx, &stranger, id, "x").await;
        assert_eq!(renamed, Err(AppError::NotFound));
        let deleted = memory_view_delete(ctx, &stranger, id).await;
        assert_eq!(deleted, Err(AppError::NotFound));
    }
    assert_eq!(memory_view_list(ctx, &mia).await.unwrap()[0].name, "Tea");
}

#[tokio::test]
async fn number_of_views_is_limited_also_when_saving_concurrently() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let mia = world.member("Mia").await;
    for n in 1..MAX_VIEWS {
        memory_view_create(ctx, &mia, &format!("View {n}"), &asks("x"))
            .await
            .unwrap();
    }
    let (a, b) = (asks("a"), asks("b"));
    let (one, other) = tokio::join!(
        memory_view_create(ctx, &mia, "one", &a),
        memory_view_create(ctx, &mia, "other", &b),
    );
    let refused = one.and(other).unwrap_err();
    assert!(
        refused.for_field("name").unwrap().contains("50 views"),
        "{refused:?}"
    );
    let views = memory_view_list(ctx, &mia).await.unwrap();
    assert_eq!(i64::try_from(views.len()), Ok(MAX_VIEWS));
}

#[tokio::test]
async fn invalid_filter_is_rejected_by_field_name() {
    let world = World::without_model().await;
    let (ctx, mia) = (&world.ctx, &world.member("Mia").await);
    let bad = MemoryFilter {
        kind: "song".into(),
        from: "yesterday".into(),
        persona: "x".into(),
        ..MemoryFilter::default()
    };
    let id = memory_create(ctx, mia, &draft("Tea")).await.unwrap();
    for refused in [
        memory_list(ctx, mia, &bad, None).await.map(drop),
        memory_search(ctx, mia, "tea", SearchMode::Words, &bad)
            .await
            .map(drop),
        memory_similar(ctx, mia, id, &bad).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        for field in ["kind", "from", "persona"] {
            assert!(refused.for_field(field).is_some(), "{field} of {refused:?}");
        }
    }
    let saved = MemoryViewQuery {
        filter: bad,
        ..asks("tea")
    };
    let refused = memory_view_create(ctx, mia, "Bad", &saved)
        .await
        .unwrap_err();
    assert!(refused.for_field("kind").is_some());
}

// SEC-C6
#[tokio::test]
async fn memories_similar_to_an_invisible_one_are_not_found() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let (mia, noah) = (world.member("Mia").await, world.member("Noah").await);
    let id = memory_create(ctx, &mia, &draft("The canary sings"))
        .await
        .unwrap();
    memory_create(ctx, &mia, &draft("A canary flies"))
        .await
        .unwrap();
    memory_create(ctx, &noah, &draft("My canary is yellow"))
        .await
        .unwrap();
    let all = MemoryFilter::default();
    let like = memory_similar(ctx, &mia, id, &all).await.unwrap();
    let found: Vec<_> = like
        .hits
        .iter()
        .map(|hit| hit.memory.excerpt.as_str())
        .collect();
    assert_eq!(found, ["A canary flies"]);
    assert_eq!(like.mode, SearchMode::Words);
    assert_eq!(
        memory_similar(ctx, &noah, id, &all).await,
        Err(AppError::NotFound)
    );
}

#[tokio::test]
async fn filter_choices_are_own_teams_and_other_members_by_name() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let mia = world.member("Mia").await;
    let noah = world.member("Noah").await;
    let own = world.tenant.team("Garden", &[mia.user_id]).await;
    let other = world.tenant.team("Kitchen", &[noah.user_id]).await;
    let mia = world.tenant.actor_of(mia.user_id).await;
    let offered = memory_filter_choices(ctx, &mia, &MemoryFilter::default())
        .await
        .unwrap();
    assert_eq!(
        offered.teams.iter().map(|team| team.id).collect::<Vec<_>>(),
        [own]
    );
    assert!(offered.owners.iter().any(|owner| owner.id == noah.user_id));
    assert!(offered.owners.iter().all(|owner| owner.id != mia.user_id));
    // A value in use is named even if it isn't offered otherwise.
    let narrowed = MemoryFilter {
        team: other.to_string(),
        ..MemoryFilter::default()
    };
    let offered = memory_filter_choices(ctx, &mia, &narrowed).await.unwrap();
    assert_eq!(offered.teams.len(), 2);
}
