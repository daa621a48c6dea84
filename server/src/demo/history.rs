//! Writes the history of the demo's company: each step through the operation
//! that a member would use, at its own time.

use std::{collections::HashMap, time::Instant};

use domain::{Actor, InviteId, PersonaId, access::SystemRole, memory::MemoryListInput};
use service::{
    Ctx, Endpoint, Person,
    identity::{FollowedInvite, SessionSettings},
};
use time::Duration;

use super::{
    create, email, identity,
    members::{HistoryError, Members},
    memories::Written,
    person,
    script::{Event, Script, Step, SystemStep},
    timeline::{Entry, HistoryClock, timeline},
};
use crate::{
    auth::demo::{DemoCast, DemoTenant},
    failure::Failure,
};

/// The organisation is this many days older than what the script tells.
const FOUNDED_BEFORE: Duration = Duration::hours(2);

/// Creates the organisation and everything that happened in it, up to the
/// present of `ctx`.
pub(super) async fn write(
    ctx: &Ctx,
    cast: &DemoCast,
    tenant: &DemoTenant,
    issuer: &str,
    sessions: &SessionSettings,
) -> Result<(), Failure> {
    let began = Instant::now();
    let script = Script::load().map_err(Failure::failed)?;
    let timeline = timeline(&script, ctx.clock.now());
    let Some((first, _)) = timeline.first() else {
        return Err(Failure::Failed("The demo's history is empty.".to_owned()));
    };
    let clock = HistoryClock::new();
    clock.set(*first - FOUNDED_BEFORE);
    let ctx = ctx.clone().with_clock(clock.clock());
    let tenant_id = create(&ctx, cast, tenant, issuer).await?;
    let mut members = Members::new(ctx.clone(), tenant_id, tenant.slug, issuer, sessions);
    for demo in cast.people_of(tenant.slug) {
        if demo.role == SystemRole::Owner {
            let joined = members.add_by_sign_in(demo.subject, demo.name, None).await;
            joined.map_err(Failure::failed)?;
        } else {
            let person = person(issuer, demo);
            let added = service::member_add(&ctx, tenant_id, &person, demo.role).await;
            let id = added.map_err(Failure::failed)?;
            members.add(demo.subject, id, demo.name, &[]);
        }
    }
    let mut history = History {
        members,
        invites: HashMap::new(),
        personas: HashMap::new(),
        written: HashMap::new(),
    };
    for (at, entry) in &timeline {
        clock.set(*at);
        history.enact(*entry).await.map_err(|error| {
            Failure::Failed(format!(
                "The demo's history can't be written: {entry:?}: {error}"
            ))
        })?;
    }
    tracing::info!(
        steps = timeline.len(),
        seconds = began.elapsed().as_secs_f32(),
        "the demo's history was written"
    );
    Ok(())
}

/// What was written so far, by its name in the script.
pub(super) struct History<'a> {
    pub(super) members: Members<'a>,
    /// The links of invites, by address.
    pub(super) invites: HashMap<String, (InviteId, String)>,
    pub(super) personas: HashMap<(String, String), PersonaId>,
    pub(super) written: HashMap<String, Written>,
}

impl History<'_> {
    /// Runs an operation.
    pub(super) async fn call<E: Endpoint>(
        &self,
        actor: &Actor,
        input: E::Input,
    ) -> Result<E::Output, HistoryError> {
        Ok(service::call::<E>(&self.members.ctx, actor, input).await?)
    }

    async fn enact(&mut self, entry: Entry<'_>) -> Result<(), HistoryError> {
        match entry {
            Entry::Event(event) => self.event(event).await,
            Entry::Write(memory) => self.write_memory(memory).await,
            Entry::WriteMany(memories) => self.write_memories(memories).await,
            Entry::Decide(memory) => self.decide(memory).await,
            Entry::Change(memory, change) => self.change(memory, change).await,
            Entry::Reply(memory, reply) => self.reply(memory, reply).await,
        }
    }

    async fn event(&mut self, event: &Event) -> Result<(), HistoryError> {
        match &event.step {
            Step::Member(step) => self.member_step(&event.by, step).await,
            Step::System(step) => self.system_step(step).await,
        }
    }

    /// A step of the command line, a program or somebody who is no member yet.
    async fn system_step(&mut self, step: &SystemStep) -> Result<(), HistoryError> {
        match step {
            SystemStep::Join {
                member,
                name,
                role,
                groups,
            } => self.join(member, name, *role, groups).await,
            SystemStep::Operator { member } => {
                let key = identity(self.members.issuer, member);
                service::operator_add(&self.members.ctx, self.members.tenant_id, &key).await?;
                Ok(())
            }
            SystemStep::Accept {
                email,
                member,
                name,
            } => self.accept(email, member, name).await,
            SystemStep::UseKey { key } => {
                let actor = self.members.with_key(key).await?;
                self.call::<service::MemoryList>(&actor, MemoryListInput::default())
                    .await?;
                Ok(())
            }
            SystemStep::RefusedKey { key } => {
                // The refusal is in the audit log.
                match self.members.with_key(key).await {
                    Ok(_) => Err(HistoryError::Refused(format!(
                        "the key {key} is still good"
                    ))),
                    Err(_) => Ok(()),
                }
            }
        }
    }

    async fn join(
        &mut self,
        member: &str,
        name: &str,
        role: SystemRole,
        groups: &[String],
    ) -> Result<(), HistoryError> {
        let person = Person {
            display_name: name.to_owned(),
            email: Some(email(member)),
            identity: identity(self.members.issuer, member),
        };
        let (ctx, tenant_id) = (&self.members.ctx, self.members.tenant_id);
        let id = service::member_add(ctx, tenant_id, &person, role).await?;
        self.members.add(member, id, name, groups);
        Ok(())
    }

    async fn accept(&mut self, email: &str, member: &str, name: &str) -> Result<(), HistoryError> {
        let (_, link) = self.invite(email)?;
        let token = link.rsplit('/').next().unwrap_or_default();
        let found = service::invite_find(&self.members.ctx, token).await?;
        let followed = FollowedInvite {
            tenant_id: found.tenant_id,
            id: found.id,
            renewals: found.renewals,
        };
        self.members
            .add_by_sign_in(member, name, Some(followed))
            .await
    }

    pub(super) fn invite(&self, email: &str) -> Result<&(InviteId, String), HistoryError> {
        let found = self.invites.get(email);
        found.ok_or_else(|| HistoryError::Unknown("invite", email.to_owned()))
    }
}
