//! What members of the demo's company do besides writing memories.

use domain::{
    Actor, AppError, NoInput, Permission,
    api_key::{ApiKeyInput, ApiKeyPath, OrganisationApiKeyInput, ServiceAccountInput},
    audit::AuditListInput,
    break_glass::BreakGlassDraft,
    group_mapping::GroupMappingInput,
    import::{ImportChoiceInput, ImportOptions},
    invite::{InviteInput, InvitePath},
    member::{MemberPath, MemberRolePath},
    memory::{MemoryFilter, MemoryPath},
    memory_view::{MemoryViewInput, MemoryViewQuery},
    offboard::OffboardInput,
    persona::PersonaInput,
    preferences::PreferencesInput,
    role::RoleInput,
    settings::SettingsInput,
    team::{TeamInput, TeamMemberInput, TeamRole},
};
use service::{Upload, UploadError};

use super::{
    history::History,
    members::{HistoryError, Key},
    script::{self, KeyStep, MemberStep, OrganisationStep, OwnStep, RoleStep},
};

impl History<'_> {
    /// A step of a member in their browser.
    pub(super) async fn member_step(
        &mut self,
        by: &str,
        step: &MemberStep,
    ) -> Result<(), HistoryError> {
        let actor = self.members.in_browser(by).await?;
        match step {
            MemberStep::Organisation(step) => self.organisation_step(&actor, step).await?,
            MemberStep::Role(step) => self.role_step(&actor, step).await?,
            MemberStep::Key(step) => self.key_step(&actor, step).await?,
            MemberStep::Own(step) => return self.own_step(by, &actor, step).await,
        }
        // Somebody may do something else now.
        self.members.permissions_changed();
        Ok(())
    }

    async fn organisation_step(
        &mut self,
        actor: &Actor,
        step: &OrganisationStep,
    ) -> Result<(), HistoryError> {
        match step {
            OrganisationStep::Settings {
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
            OrganisationStep::Preferences { time_zone, locale } => {
                let input = PreferencesInput {
                    time_zone: time_zone.clone(),
                    locale: locale.clone(),
                    ..PreferencesInput::default()
                };
                self.call::<service::PreferencesUpdate>(actor, input)
                    .await?;
            }
            OrganisationStep::Team { team, name } => {
                let input = TeamInput { name: name.clone() };
                let made = self.call::<service::TeamCreate>(actor, input).await?;
                self.members.teams.insert(team.clone(), made.id);
            }
            OrganisationStep::TeamMember {
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
            OrganisationStep::Invite {
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
            OrganisationStep::RevokeInvite { email } => {
                let (id, _) = *self.invite(email)?;
                let input = InvitePath { id };
                self.call::<service::InviteRevoke>(actor, input).await?;
            }
            OrganisationStep::Suspend { member } => {
                let input = MemberPath {
                    id: self.members.id(member)?,
                };
                self.call::<service::MemberSuspend>(actor, input).await?;
            }
            OrganisationStep::Offboard { member, heir } => {
                let input = OffboardInput {
                    id: self.members.id(member)?,
                    confirm: self.members.name(member)?.to_owned(),
                    heir: Some(self.members.id(heir)?),
                };
                self.call::<service::MemberOffboard>(actor, input).await?;
            }
        }
        Ok(())
    }

    async fn role_step(&mut self, actor: &Actor, step: &RoleStep) -> Result<(), HistoryError> {
        match step {
            RoleStep::Role {
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
            RoleStep::Grant { role, to } => {
                let input = self.role_of(actor, role, to).await?;
                self.call::<service::MemberRoleGrant>(actor, input).await?;
            }
            RoleStep::Revoke { role, from } => {
                let input = self.role_of(actor, role, from).await?;
                self.call::<service::MemberRoleRevoke>(actor, input).await?;
            }
            RoleStep::Rule {
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
        }
        Ok(())
    }

    async fn key_step(&mut self, actor: &Actor, step: &KeyStep) -> Result<(), HistoryError> {
        match step {
            KeyStep::Service { member, name, kind } => {
                let input = ServiceAccountInput {
                    name: name.clone(),
                    kind: kind.clone(),
                    ..ServiceAccountInput::default()
                };
                let made = self
                    .call::<service::ServiceAccountCreate>(actor, input)
                    .await?;
                self.members.add(member, made.id, name, &[]);
            }
            KeyStep::Key {
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
            KeyStep::RevokeKey { key } => {
                let input = ApiKeyPath {
                    id: self.members.key(key)?.id,
                };
                self.call::<service::OrganisationApiKeyRevoke>(actor, input)
                    .await?;
            }
        }
        Ok(())
    }

    async fn own_step(
        &mut self,
        by: &str,
        actor: &Actor,
        step: &OwnStep,
    ) -> Result<(), HistoryError> {
        match step {
            OwnStep::Persona { name, description } => {
                let input = PersonaInput {
                    name: name.clone(),
                    description: description.clone(),
                };
                let made = self.call::<service::PersonaCreate>(actor, input).await?;
                self.personas.insert((by.to_owned(), name.clone()), made.id);
            }
            OwnStep::View {
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
            OwnStep::Import { file_name, tags } => self.import(actor, file_name, tags).await?,
            OwnStep::Delete { memory } => {
                let input = MemoryPath {
                    id: self.memory(memory)?,
                };
                self.call::<service::MemoryDelete>(actor, input).await?;
            }
            OwnStep::BreakGlass {
                of,
                reason,
                minutes,
                reads,
            } => {
                self.break_glass(actor, of, (reason, *minutes), reads)
                    .await?;
            }
            OwnStep::AuditDenied => {
                let denied = self
                    .call::<service::AuditList>(actor, AuditListInput::default())
                    .await;
                let Err(HistoryError::App(AppError::Forbidden { .. })) = denied else {
                    return Err(HistoryError::Refused(format!(
                        "{by} may read the audit log"
                    )));
                };
            }
            OwnStep::ReadNotifications => {
                self.call::<service::NotificationReadAll>(actor, NoInput {})
                    .await?;
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
