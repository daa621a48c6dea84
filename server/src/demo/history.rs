//! Writes the history of the demo's company: each step through the operation
//! that a member would use, at its own time.

use std::{collections::HashMap, time::Instant};

use domain::{
    Actor, AppError, NoInput, Permission,
    access::SystemRole,
    api_key::{ApiKeyInput, ApiKeyPath, OrganisationApiKeyInput, ServiceAccountInput},
    audit::AuditListInput,
    break_glass::BreakGlassDraft,
    group_mapping::GroupMappingInput,
    import::{ImportChoiceInput, ImportOptions},
    invite::{InviteInput, InvitePath},
    member::{MemberPath, MemberRolePath},
    memory::{MemoryFilter, MemoryListInput, MemoryPath},
    memory_view::{MemoryViewInput, MemoryViewQuery},
    offboard::OffboardInput,
    persona::PersonaInput,
    preferences::PreferencesInput,
    role::RoleInput,
    settings::SettingsInput,
    team::{TeamInput, TeamMemberInput, TeamRole},
};
use service::{Ctx, Endpoint, Person, Upload, UploadError, identity::SessionSettings};
use time::Duration;

use super::{
    create, identity,
    members::{HistoryError, Key, Members},
    memories::Written,
    person,
    script::{self, Event, Script, Step},
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
    invites: HashMap<String, (domain::invite::InviteId, String)>,
    pub(super) personas: HashMap<(String, String), domain::PersonaId>,
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
            Step::Join {
                member,
                name,
                role,
                groups,
            } => self.join(member, name, *role, groups).await,
            Step::Operator { member } => {
                let key = identity(self.members.issuer, member);
                service::operator_add(&self.members.ctx, self.members.tenant_id, &key).await?;
                Ok(())
            }
            Step::Accept {
                email,
                member,
                name,
            } => self.accept(email, member, name).await,
            Step::UseKey { key } => {
                let actor = self.members.by_key(key).await?;
                self.call::<service::MemoryList>(&actor, MemoryListInput::default())
                    .await?;
                Ok(())
            }
            Step::RefusedKey { key } => {
                // The refusal is in the audit log.
                match self.members.by_key(key).await {
                    Ok(_) => Err(HistoryError::Refused(format!(
                        "the key {key} is still good"
                    ))),
                    Err(_) => Ok(()),
                }
            }
            step => {
                let actor = self.members.in_browser(&event.by).await?;
                self.member_step(&event.by, &actor, step).await?;
                if step.changes_permissions() {
                    self.members.permissions_changed();
                }
                Ok(())
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
            email: Some(format!("{member}@northwind.example")),
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
        let followed = service::identity::FollowedInvite {
            tenant_id: found.tenant_id,
            id: found.id,
            renewals: found.renewals,
        };
        self.members
            .add_by_sign_in(member, name, Some(followed))
            .await
    }

    fn invite(&self, email: &str) -> Result<&(domain::invite::InviteId, String), HistoryError> {
        let found = self.invites.get(email);
        found.ok_or_else(|| HistoryError::Unknown("invite", email.to_owned()))
    }

    /// A step of a member in their browser.
    async fn member_step(
        &mut self,
        by: &str,
        actor: &Actor,
        step: &Step,
    ) -> Result<(), HistoryError> {
        match step {
            Step::Settings {
                time_zone,
                currency,
                invite_domains,
            } => {
                let now = self.call::<service::SettingsGet>(actor, NoInput {}).await?;
                let input = SettingsInput {
                    version: now.version,
                    name: now.name,
                    time_zone: time_zone.clone(),
                    currency: currency.clone(),
                    invite_domains: invite_domains.clone(),
                    ..SettingsInput::default()
                };
                self.call::<service::SettingsUpdate>(actor, input).await?;
            }
            Step::Preferences { time_zone, locale } => {
                let input = PreferencesInput {
                    time_zone: time_zone.clone(),
                    locale: locale.clone(),
                    ..PreferencesInput::default()
                };
                self.call::<service::PreferencesUpdate>(actor, input)
                    .await?;
            }
            Step::Team { team, name } => {
                let input = TeamInput { name: name.clone() };
                let made = self.call::<service::TeamCreate>(actor, input).await?;
                self.members.teams.insert(team.clone(), made.id);
            }
            Step::TeamMember {
                team,
                member,
                leads,
            } => {
                let input = TeamMemberInput {
                    id: self.members.team(team)?,
                    user_id: self.members.id(member)?,
                    role: if *leads {
                        TeamRole::Lead
                    } else {
                        TeamRole::Member
                    },
                };
                self.call::<service::TeamMemberSet>(actor, input).await?;
            }
            Step::Role {
                name,
                description,
                permissions,
            } => {
                let input = RoleInput {
                    name: name.clone(),
                    description: description.clone(),
                    permissions: keys_of(permissions),
                };
                self.call::<service::RoleCreate>(actor, input).await?;
            }
            Step::Grant { role, to } => {
                let input = self.role_of(actor, role, to).await?;
                self.call::<service::MemberRoleGrant>(actor, input).await?;
            }
            Step::Revoke { role, from } => {
                let input = self.role_of(actor, role, from).await?;
                self.call::<service::MemberRoleRevoke>(actor, input).await?;
            }
            Step::Rule {
                group,
                label,
                role,
                team,
            } => {
                let input = GroupMappingInput {
                    source: "group".to_owned(),
                    group_id: group.clone(),
                    label: label.clone(),
                    role: self.optional_role(actor, role.as_deref()).await?,
                    team: self.optional_team(team.as_deref())?,
                    ..GroupMappingInput::default()
                };
                self.call::<service::GroupMappingCreate>(actor, input)
                    .await?;
            }
            Step::Invite {
                email,
                role,
                team,
                days,
            } => {
                let input = InviteInput {
                    email: email.clone(),
                    role: self.optional_role(actor, Some(role)).await?,
                    team: self.optional_team(team.as_deref())?,
                    days: days.to_string(),
                };
                let made = self.call::<service::InviteCreate>(actor, input).await?;
                self.invites.insert(email.clone(), (made.id, made.link));
            }
            Step::RevokeInvite { email } => {
                let (id, _) = *self.invite(email)?;
                let input = InvitePath { id };
                self.call::<service::InviteRevoke>(actor, input).await?;
            }
            Step::Service { member, name, kind } => {
                let input = ServiceAccountInput {
                    name: name.clone(),
                    kind: kind.clone(),
                };
                let made = self
                    .call::<service::ServiceAccountCreate>(actor, input)
                    .await?;
                self.members.add(member, made.id, name, &[]);
            }
            Step::Key {
                key,
                label,
                owner,
                vendor,
                scopes,
                lifetime,
            } => {
                let input = ApiKeyInput {
                    label: label.clone(),
                    scopes: keys_of(scopes),
                    vendor: Some(vendor.clone()),
                    lifetime: lifetime.clone(),
                };
                let made = match owner {
                    None => self.call::<service::ApiKeyCreate>(actor, input).await?,
                    Some(owner) => {
                        let owner = self.members.id(owner)?;
                        let input = OrganisationApiKeyInput::new(owner, input);
                        self.call::<service::OrganisationApiKeyCreate>(actor, input)
                            .await?
                    }
                };
                let (id, text) = (made.id, made.key);
                self.members.keys.insert(key.clone(), Key { id, text });
            }
            Step::RevokeKey { key } => {
                let input = ApiKeyPath {
                    id: self.members.key(key)?.id,
                };
                self.call::<service::OrganisationApiKeyRevoke>(actor, input)
                    .await?;
            }
            Step::Persona { name, description } => {
                let input = PersonaInput {
                    name: name.clone(),
                    description: description.clone(),
                };
                let made = self.call::<service::PersonaCreate>(actor, input).await?;
                self.personas.insert((by.to_owned(), name.clone()), made.id);
            }
            Step::View {
                name,
                query,
                tag,
                kind,
            } => {
                let filter = MemoryFilter {
                    tag: tag.clone(),
                    kind: kind.clone(),
                    ..MemoryFilter::default()
                };
                let input = MemoryViewInput {
                    name: name.clone(),
                    query: MemoryViewQuery {
                        query: query.clone(),
                        filter,
                        ..MemoryViewQuery::default()
                    },
                };
                self.call::<service::MemoryViewCreate>(actor, input).await?;
            }
            Step::Import { file_name, tags } => self.import(actor, file_name, tags).await?,
            Step::Delete { memory } => {
                let input = MemoryPath {
                    id: self.memory(memory)?,
                };
                self.call::<service::MemoryDelete>(actor, input).await?;
            }
            Step::BreakGlass {
                of,
                reason,
                minutes,
                reads,
            } => {
                self.break_glass(actor, of, (reason, *minutes), reads)
                    .await?
            }
            Step::AuditDenied => {
                let denied = self
                    .call::<service::AuditList>(actor, AuditListInput::default())
                    .await;
                let Err(HistoryError::App(AppError::Forbidden { .. })) = denied else {
                    return Err(HistoryError::Refused(format!(
                        "{by} may read the audit log"
                    )));
                };
            }
            Step::Suspend { member } => {
                let input = MemberPath {
                    id: self.members.id(member)?,
                };
                self.call::<service::MemberSuspend>(actor, input).await?;
            }
            Step::Offboard { member, heir } => {
                let input = OffboardInput {
                    id: self.members.id(member)?,
                    confirm: self.members.name(member)?.to_owned(),
                    heir: Some(self.members.id(heir)?),
                };
                self.call::<service::MemberOffboard>(actor, input).await?;
            }
            Step::ReadNotifications => {
                self.call::<service::NotificationReadAll>(actor, NoInput {})
                    .await?;
            }
            Step::Join { .. }
            | Step::Operator { .. }
            | Step::Accept { .. }
            | Step::UseKey { .. }
            | Step::RefusedKey { .. } => {
                return Err(HistoryError::Refused(format!(
                    "{by} can't do this: {step:?}"
                )));
            }
        }
        Ok(())
    }

    async fn role_of(
        &mut self,
        actor: &Actor,
        role: &str,
        member: &str,
    ) -> Result<MemberRolePath, HistoryError> {
        Ok(MemberRolePath {
            id: self.members.id(member)?,
            role_id: self.members.role(actor, role).await?,
        })
    }

    async fn optional_role(
        &mut self,
        actor: &Actor,
        role: Option<&str>,
    ) -> Result<String, HistoryError> {
        match role {
            Some(role) => Ok(self.members.role(actor, role).await?.to_string()),
            None => Ok(String::new()),
        }
    }

    fn optional_team(&self, team: Option<&str>) -> Result<String, HistoryError> {
        match team {
            Some(team) => Ok(self.members.team(team)?.to_string()),
            None => Ok(String::new()),
        }
    }

    /// Uploads the file, confirms the import and runs it.
    async fn import(&self, actor: &Actor, file_name: &str, tags: &str) -> Result<(), HistoryError> {
        let ctx = &self.members.ctx;
        let upload = async {
            let mut upload = Upload::begin(ctx, actor, file_name).await?;
            upload.write(script::IMPORT.as_bytes()).await?;
            upload.finish(None).await
        };
        let started = upload.await.map_err(|error| match error {
            UploadError::App(error) => HistoryError::App(error),
            UploadError::Problem(problem) => HistoryError::Refused(format!("{problem:?}")),
        })?;
        let input = ImportChoiceInput {
            id: started.id,
            choice: ImportOptions {
                tags: tags.to_owned(),
                ..ImportOptions::default()
            },
        };
        self.call::<service::ImportConfirm>(actor, input).await?;
        Ok(service::imports_run(ctx).await?)
    }

    /// Opens a member's private memories, reads some and ends the access.
    async fn break_glass(
        &mut self,
        actor: &Actor,
        of: &str,
        (reason, minutes): (&str, u16),
        reads: &[String],
    ) -> Result<(), HistoryError> {
        let subject = self.members.id(of)?;
        let draft = BreakGlassDraft {
            reason: reason.to_owned(),
            minutes: minutes.to_string(),
        };
        let ctx = &self.members.ctx;
        service::break_glass_open(ctx, actor, subject, &draft).await?;
        service::break_glass_list(ctx, actor, subject, None).await?;
        for memory in reads {
            let id = self.memory(memory)?;
            let read = service::break_glass_read(ctx, actor, subject, id).await?;
            if read.open.is_none() {
                return Err(HistoryError::Refused("the access is not open".to_owned()));
            }
        }
        Ok(service::break_glass_close(ctx, actor, subject).await?)
    }
}

fn keys_of(permissions: &[Permission]) -> Vec<String> {
    let keys = permissions.iter().map(|permission| permission.key());
    keys.map(str::to_owned).collect()
}
