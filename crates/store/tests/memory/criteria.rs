//! Filters of lists and searches, compared with a straightforward reading of
//! every memory in Rust.

use std::collections::BTreeSet;

use domain::{
    Actor, MemoryId, PersonaId, TeamId, Timestamp, UserId,
    access::SystemRole,
    memory::{MemoryCriteria, MemoryKind, MemoryOwner, Origin, SearchMode, Term, Visibility},
};
use store::{
    memory::{MemoryPage, SearchParams, SearchQuery, memory_list, memory_search},
    testing::{NOW, TestDb, id},
};
use time::{Date, Duration, macros::date};
use uuid::Uuid;

use crate::support::{model, toward};

/// A memory with the fields that filters look at.
#[derive(Clone, Debug)]
struct Known {
    id: MemoryId,
    owner: UserId,
    kind: MemoryKind,
    tags: Vec<String>,
    persona: Option<PersonaId>,
    visibility: Visibility,
    team: Option<TeamId>,
    origin: Origin,
    expires_at: Option<Timestamp>,
    updated_at: Timestamp,
    deleted: bool,
}

/// A seeded generator of random numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.roll(values.len())]
    }
}

const TAGS: [&str; 4] = ["home", "work trip", "a'b\\c", "Zürich"];
const FIRST: Date = date!(2026 - 02 - 20);

struct World {
    db: TestDb,
    actors: Vec<Actor>,
    teams: Vec<TeamId>,
    personas: Vec<(UserId, PersonaId)>,
    known: Vec<Known>,
}

async fn world(dice: &mut Dice) -> World {
    let db = TestDb::new().await;
    let acme = db.tenant("acme").await;
    let mut users = Vec::new();
    for name in ["Ada", "Ben", "Cleo"] {
        users.push(acme.user(name).await);
    }
    let teams = vec![
        acme.team("One", &users[..2]).await,
        acme.team("Two", &users[1..]).await,
    ];
    let mut actors = Vec::new();
    for user in &users {
        actors.push(acme.actor_of(*user).await);
    }
    let mut personas = Vec::new();
    for user in &users {
        for name in ["Work", "Home"] {
            let persona: PersonaId = id();
            sqlx::query("INSERT INTO personas VALUES ($1, $2, $3, $4, '', $5, $5)")
                .bind(acme.id)
                .bind(persona)
                .bind(user)
                .bind(name)
                .bind(NOW)
                .execute(&db.admin)
                .await
                .unwrap();
            personas.push((*user, persona));
        }
    }
    // Another organisation with the same text, which must never be found.
    let gus = db
        .tenant("globex")
        .await
        .actor(SystemRole::Owner, "Gus")
        .await;
    let mut known = Vec::new();
    for n in 0..240 {
        let memory = Known {
            id: id(),
            owner: dice.of(&users),
            kind: dice.of(MemoryKind::ALL),
            tags: TAGS
                .iter()
                .filter(|_| dice.roll(3) == 0)
                .map(|&tag| tag.to_owned())
                .collect(),
            persona: None,
            visibility: dice.of(Visibility::ALL),
            team: None,
            origin: dice.of(&[Origin::Dashboard, Origin::Import, Origin::Claude]),
            expires_at: match dice.roll(4) {
                0 => Some(NOW + Duration::days(3)),
                1 if n % 2 == 0 => Some(NOW - Duration::days(1)),
                _ => None,
            },
            // Several at the same moment, and some at the edge of a day.
            updated_at: FIRST.midnight().assume_utc()
                + Duration::days(dice.roll(8).try_into().unwrap())
                - Duration::microseconds(dice.roll(2).try_into().unwrap()),
            deleted: dice.roll(6) == 0,
        };
        let own: Vec<_> = personas
            .iter()
            .filter(|(user, _)| *user == memory.owner)
            .collect();
        let memory = Known {
            persona: (dice.roll(2) == 0).then(|| own[dice.roll(own.len())].1),
            team: (memory.visibility == Visibility::Team).then(|| dice.of(&teams)),
            ..memory
        };
        insert(&db, acme.id.0, &memory).await;
        let foreign = Known {
            id: id(),
            owner: gus.user_id,
            persona: None,
            team: None,
            visibility: Visibility::Org,
            ..memory.clone()
        };
        insert(&db, gus.tenant_id.0, &foreign).await;
        known.push(memory);
    }
    World {
        db,
        actors,
        teams,
        personas,
        known,
    }
}

async fn insert(db: &TestDb, tenant: Uuid, memory: &Known) {
    sqlx::query(
        "INSERT INTO memories (tenant_id, id, user_id, kind, title, content, tags, persona_id, visibility, team_id,
                               origin, expires_at, importance, version, allowed_vendors, created_at, updated_at,
                               deleted_at, embedding_a)
         VALUES ($1, $2, $3, $4, '', 'a lake in the hills', $5, $6, $7, $8, $9, $10, 0.5, 1, '{*}', $11, $11, $12,
                 $13::real[]::vector::halfvec)",
    )
    .bind(tenant)
    .bind(memory.id)
    .bind(memory.owner)
    .bind(memory.kind)
    .bind(&memory.tags)
    .bind(memory.persona)
    .bind(memory.visibility)
    .bind(memory.team)
    .bind(memory.origin)
    .bind(memory.expires_at)
    .bind(memory.updated_at)
    .bind(memory.deleted.then_some(NOW))
    .bind(toward(0, 1, 0.2))
    .execute(&db.admin)
    .await
    .unwrap();
}

/// The policy and the filter, stated independently.
fn fits(memory: &Known, actor: &Actor, criteria: &MemoryCriteria) -> bool {
    let mine = memory.owner == actor.user_id;
    let in_sight = mine
        || !memory.deleted
            && match memory.visibility {
                Visibility::Private => false,
                Visibility::Team => memory
                    .team
                    .is_some_and(|team| actor.team_ids.contains(&team)),
                Visibility::Org => true,
            };
    let day = memory.updated_at.date();
    in_sight
        && memory.deleted == criteria.trash
        && (memory.deleted || memory.expires_at.is_none_or(|at| at > NOW))
        && criteria.kind.is_none_or(|kind| kind == memory.kind)
        && criteria.tags.iter().all(|tag| memory.tags.contains(tag))
        && criteria
            .persona_id
            // A persona is its owner's secret, also if the memory is shared.
            .is_none_or(|persona| mine && memory.persona == Some(persona))
        && criteria.owner.is_none_or(|owner| match owner {
            MemoryOwner::Mine => mine,
            MemoryOwner::Others => !mine,
            MemoryOwner::Member(id) => memory.owner == id,
        })
        && criteria
            .team_id
            .is_none_or(|team| memory.team == Some(team))
        && criteria.origin.is_none_or(|origin| origin == memory.origin)
        && criteria
            .term
            .is_none_or(|term| (term == Term::Short) == memory.expires_at.is_some())
        && criteria
            .visibility
            .is_none_or(|visibility| visibility == memory.visibility)
        && criteria.changed_from.is_none_or(|from| day >= from)
        && criteria.changed_to.is_none_or(|to| day <= to)
}

/// A filter of one sort.
fn one_filter(sort: usize, dice: &mut Dice, world: &World) -> MemoryCriteria {
    let mut criteria = MemoryCriteria::default();
    also(&mut criteria, sort, dice, world);
    criteria
}

const SORTS: usize = 11;

fn also(criteria: &mut MemoryCriteria, sort: usize, dice: &mut Dice, world: &World) {
    let day = FIRST + Duration::days(dice.roll(8).try_into().unwrap());
    match sort {
        0 => criteria.kind = Some(dice.of(MemoryKind::ALL)),
        1 => {
            let (one, other) = (dice.of(&TAGS), dice.of(&TAGS));
            criteria.tags = vec![one.to_owned()];
            if one != other {
                criteria.tags.push(other.to_owned());
            }
        }
        2 => criteria.persona_id = Some(dice.of(&world.personas).1),
        3 => criteria.owner = Some(MemoryOwner::Mine),
        4 => criteria.owner = Some(MemoryOwner::Others),
        5 => {
            criteria.owner = Some(MemoryOwner::Member(
                dice.of(&world.known.iter().map(|m| m.owner).collect::<Vec<_>>()),
            ));
        }
        6 => criteria.team_id = Some(dice.of(&world.teams)),
        7 => criteria.origin = Some(dice.of(&[Origin::Dashboard, Origin::Import, Origin::Claude])),
        8 => criteria.term = Some(dice.of(Term::ALL)),
        9 => criteria.visibility = Some(dice.of(Visibility::ALL)),
        _ => {
            criteria.changed_from = (dice.roll(3) > 0).then_some(day);
            criteria.changed_to = (dice.roll(3) > 0).then_some(day + Duration::days(1));
        }
    }
}

async fn listed(world: &World, actor: &Actor, criteria: &MemoryCriteria) -> Vec<MemoryId> {
    let mut tx = world.db.store.begin(actor).await.unwrap();
    let (mut listed, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = MemoryPage {
            after: after.as_deref(),
            ..MemoryPage::first(7)
        };
        let page = memory_list(&mut tx, criteria, page, NOW).await.unwrap();
        listed.extend(page.items.iter().map(|memory| memory.id));
        let Some(next) = page.next else { return listed };
        after = Some(next);
    }
}

async fn found(
    world: &World,
    actor: &Actor,
    criteria: &MemoryCriteria,
    mode: SearchMode,
) -> BTreeSet<MemoryId> {
    let model = model(&world.db, actor).await;
    let query = SearchQuery::parse("hills");
    let vector = toward(0, 1, 0.0);
    let request = SearchParams {
        query: &query,
        vector: Some((&model, &vector)),
        mode,
        criteria,
        limit: 1_000,
        now: NOW,
    };
    let mut tx = world.db.store.begin(actor).await.unwrap();
    let hits = memory_search(&mut tx, &request).await.unwrap();
    hits.iter().map(|hit| hit.memory.id).collect()
}

/// Compares list and search with the expected memories. A semantic search takes
/// the nearest fifty of many equals, so any that match are accepted.
async fn compare(world: &World, actor: &Actor, criteria: &MemoryCriteria) -> usize {
    let mut expected: Vec<_> = world
        .known
        .iter()
        .filter(|memory| fits(memory, actor, criteria))
        .collect();
    expected.sort_by_key(|memory| std::cmp::Reverse((memory.updated_at, memory.id)));
    let expected: Vec<_> = expected.iter().map(|memory| memory.id).collect();
    let what = format!("{} {criteria:?}", actor.label);
    assert_eq!(
        listed(world, actor, criteria).await,
        expected,
        "list of {what}"
    );
    let expected: BTreeSet<_> = expected.into_iter().collect();
    let by_words = found(world, actor, criteria, SearchMode::Words).await;
    assert_eq!(by_words, expected, "words of {what}");
    let by_meaning = found(world, actor, criteria, SearchMode::Meaning).await;
    assert!(by_meaning.is_subset(&expected), "meaning of {what}");
    assert_eq!(
        by_meaning.len(),
        expected.len().min(50),
        "meaning of {what}"
    );
    expected.len()
}

#[tokio::test]
async fn each_filter_alone_and_combined_finds_what_it_says() {
    let mut dice = Dice(7);
    let world = world(&mut dice).await;
    let mut shown = 0;
    for actor in &world.actors {
        shown += compare(&world, actor, &MemoryCriteria::default()).await;
        for sort in 0..SORTS {
            for trash in [false, true] {
                let criteria = MemoryCriteria {
                    trash,
                    ..one_filter(sort, &mut dice, &world)
                };
                shown += compare(&world, actor, &criteria).await;
            }
        }
        for _ in 0..25 {
            let mut criteria = MemoryCriteria {
                trash: dice.roll(8) == 0,
                ..MemoryCriteria::default()
            };
            for _ in 0..2 + dice.roll(2) {
                let sort = dice.roll(SORTS);
                also(&mut criteria, sort, &mut dice, &world);
            }
            shown += compare(&world, actor, &criteria).await;
        }
    }
    assert!(shown > 500, "the filters find something: {shown}");
}
