//! Personas are private to their owner, and memories outlive them.

use domain::{
    Actor, PersonaId,
    access::SystemRole,
    memory::{MemoryText, NewMemory, Origin},
    persona::ParsedPersona,
};
use store::{
    StoreError,
    memory::{memory_create, memory_delete, memory_get},
    persona::{persona_create, persona_delete, persona_get, persona_list, persona_update},
    testing::{NOW, TestDb, id},
};

fn named(name: &str) -> ParsedPersona {
    ParsedPersona {
        name: name.into(),
        description: String::new(),
    }
}

async fn create(db: &TestDb, actor: &Actor, name: &str) -> Result<PersonaId, StoreError> {
    let id = id();
    let mut tx = db.store.begin(actor).await?;
    persona_create(&mut tx, id, &named(name), NOW).await?;
    tx.commit().await?;
    Ok(id)
}

// SEC-C6
#[tokio::test]
async fn nobody_else_sees_changes_or_uses_a_persona() {
    let db = TestDb::new().await;
    let (acme, globex) = (db.tenant("acme").await, db.tenant("globex").await);
    let mia = acme.actor(SystemRole::Member, "Mia").await;
    let admin = acme.actor(SystemRole::Owner, "Olga").await;
    let gus = globex.actor(SystemRole::Owner, "Gus").await;
    let work = create(&db, &mia, "Work").await.unwrap();
    for other in [&admin, &gus] {
        let mut tx = db.store.begin(other).await.unwrap();
        assert_eq!(persona_list(&mut tx).await.unwrap(), []);
        assert!(matches!(
            persona_get(&mut tx, work).await,
            Err(StoreError::NotFound)
        ));
        assert!(matches!(
            persona_update(&mut tx, work, &named("Mine"), NOW).await,
            Err(StoreError::NotFound)
        ));
        assert!(matches!(
            persona_delete(&mut tx, work).await,
            Err(StoreError::NotFound)
        ));
        let memory = NewMemory {
            persona_id: Some(work),
            ..NewMemory::of(
                MemoryText::new("", "Tea".into(), "fact", &[]).unwrap(),
                Origin::Dashboard,
            )
        };
        let used = memory_create(&mut tx, id(), &memory, NOW).await;
        assert!(matches!(used, Err(StoreError::Constraint(_))), "{used:?}");
        // Other members can use the same name.
        create(&db, other, "Work").await.unwrap();
    }
    let twice = create(&db, &mia, "Work").await;
    assert!(
        matches!(&twice, Err(StoreError::Constraint(name)) if name == "personas_name_key"),
        "{twice:?}"
    );
}

#[tokio::test]
async fn memories_outlive_their_persona() {
    let db = TestDb::new().await;
    let mia = db
        .tenant("acme")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let work = create(&db, &mia, "Work").await.unwrap();
    let home = create(&db, &mia, "home").await.unwrap();
    let mut kept = Vec::new();
    for persona in [work, work, home] {
        let memory = NewMemory {
            persona_id: Some(persona),
            ..NewMemory::of(
                MemoryText::new("", "Tea".into(), "fact", &[]).unwrap(),
                Origin::Dashboard,
            )
        };
        let memory_id = id();
        let mut tx = db.store.begin(&mia).await.unwrap();
        memory_create(&mut tx, memory_id, &memory, NOW)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        kept.push(memory_id);
    }
    let mut tx = db.store.begin(&mia).await.unwrap();
    memory_delete(&mut tx, kept[0], NOW).await.unwrap();
    let listed: Vec<_> = persona_list(&mut tx)
        .await
        .unwrap()
        .into_iter()
        .map(|persona| (persona.name, persona.memory_count))
        .collect();
    assert_eq!(listed, [("home".to_owned(), 1), ("Work".to_owned(), 1)]);
    assert_eq!(persona_delete(&mut tx, work).await.unwrap(), 2);
    for (memory, persona) in kept.iter().zip([None, None, Some(home)]) {
        let memory = memory_get(&mut tx, *memory).await.unwrap();
        assert_eq!(memory.persona_id, persona);
    }
    assert_eq!(persona_list(&mut tx).await.unwrap().len(), 1);
}
