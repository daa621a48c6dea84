//! Personas: contexts of a member that memories can belong to.

use domain::{
    Action, AppError, NoInput, Page, PersonaId, WithId,
    persona::{MAX_PERSONAS, ParsedPersona, Persona, PersonaInput, PersonaPath},
};
use serde_json::json;
use store::persona as personas;

use crate::{
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    PersonaList,
    PersonaCreate,
    PersonaGet,
    PersonaUpdate,
    PersonaDelete,
}

pub struct PersonaList;

impl Operation for PersonaList {
    const ACTION: Action = Action::PersonaList;
    const ROUTE: Route = Route::get("/personas");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "List personas";
    const DESCRIPTION: &'static str = "The caller's own, all at once, by name.";
    type Input = NoInput;
    type Output = Page<Persona>;

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<Page<Persona>>, AppError> {
        let items = personas::persona_list(tx).await?;
        Ok(Done::read(Page::whole(items)))
    }
}

pub struct PersonaGet;

impl Operation for PersonaGet {
    const ACTION: Action = Action::PersonaList;
    const ROUTE: Route = Route::get("/personas/{id}");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Get a persona";
    type Input = PersonaPath;
    type Output = Persona;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        PersonaPath { id }: PersonaPath,
    ) -> Result<Done<Persona>, AppError> {
        Ok(Done::read(personas::persona_get(tx, id).await?))
    }
}

pub struct PersonaCreate;

impl Operation for PersonaCreate {
    const ACTION: Action = Action::PersonaCreate;
    const ROUTE: Route = Route::create("/personas");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Create a persona";
    type Input = PersonaInput;
    type Output = Persona;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: PersonaInput,
    ) -> Result<Done<Persona>, AppError> {
        let text = ParsedPersona::parse(&input)?;
        if personas::persona_list(tx).await?.len() >= MAX_PERSONAS {
            return Err(AppError::field(
                "name",
                format!("You have reached the limit of {MAX_PERSONAS} personas. Delete one first."),
            ));
        }
        let (id, now): (PersonaId, _) = (tx.ctx.ids.id(), tx.now());
        personas::persona_create(tx, id, &text, now).await?;
        let persona = Persona {
            id,
            name: text.name,
            description: text.description,
            memory_count: 0,
        };
        Ok(Done::audited(persona, AuditTarget::of(id)))
    }
}

pub struct PersonaUpdate;

impl Operation for PersonaUpdate {
    const ACTION: Action = Action::PersonaUpdate;
    const ROUTE: Route = Route::put("/personas/{id}");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Change a persona";
    const DESCRIPTION: &'static str = "Every field is replaced.";
    type Input = WithId<PersonaId, PersonaInput>;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        WithId { id, input }: WithId<PersonaId, PersonaInput>,
    ) -> Result<Done<()>, AppError> {
        let text = ParsedPersona::parse(&input)?;
        let now = tx.now();
        personas::persona_update(tx, id, &text, now).await?;
        Ok(Done::audited((), AuditTarget::of(id)))
    }
}

pub struct PersonaDelete;

impl Operation for PersonaDelete {
    const ACTION: Action = Action::PersonaDelete;
    const ROUTE: Route = Route::delete("/personas/{id}");
    const GROUP: Group = Group::Memories;
    const TITLE: &'static str = "Delete a persona";
    const DESCRIPTION: &'static str = "Its memories are kept without a persona.";
    type Input = PersonaPath;
    type Output = ();

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        PersonaPath { id }: PersonaPath,
    ) -> Result<Done<()>, AppError> {
        let left = personas::persona_delete(tx, id).await?;
        // The persona's name and text are private, so only the count is audited.
        let target = AuditTarget::of(id).with_changes(json!({ "memories": left }));
        Ok(Done::audited((), target))
    }
}
