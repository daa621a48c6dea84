//! Helpers that call operations with separate arguments.

use domain::{
    Actor, ApiKeyId, AppError, EmbeddingModelId, GroupMappingId, InviteId, MemoryViewId, NoInput,
    NotificationId, Page, PersonaId, RequestId, RoleId, TeamId, UserId,
    api_key::{
        ApiKey, ApiKeyDetail, ApiKeyInput, ApiKeyListInput, ApiKeyPath, ApiKeyScope, CreatedApiKey,
        KeyOwner, OrganisationApiKeyInput, ServiceAccountPath,
    },
    break_glass::BreakGlassReport,
    bulk::{BulkAction, BulkChoice, BulkInput, BulkOutcome, BulkOutcomePath, BulkPreview},
    embedding_model::{EmbeddingModelInput, EmbeddingModelPath, EmbeddingModels},
    group_mapping::{
        GroupMappingInput, GroupMappingPath, GroupMappingSimulateInput, GroupMappingUpdateInput,
        GroupMappings, Simulation,
    },
    invite::{
        Invite, InviteChoices, InviteInput, InviteLink, InviteListInput, InvitePath,
        InviteRenewInput,
    },
    member::{MemberDetail, MemberListInput, MemberPath, MemberRolePath, MemberSummary},
    memory_view::{
        MemoryView, MemoryViewInput, MemoryViewPath, MemoryViewQuery, MemoryViewRenameInput,
    },
    notification::{NotificationListInput, NotificationPage, NotificationPath},
    offboard::{OffboardInput, OffboardPreview},
    persona::{Persona, PersonaInput, PersonaPath, PersonaUpdateInput},
    preferences::{DisplaySettings, Preferences, PreferencesInput, Theme, ThemeInput},
    profile::Profile,
    role::{Role, RoleDeleteInput, RoleDetail, RoleInput, RolePath, RoleUpdateInput},
    settings::{Organisation, SettingsInput},
    team::{
        TeamChange, TeamDeleteInput, TeamDetail, TeamInput, TeamListInput, TeamMemberInput,
        TeamMemberPath, TeamPath, TeamRenameInput, TeamSummary,
    },
};
use service::{
    ApiKeyCreate, ApiKeyGet, ApiKeyList, ApiKeyOwnerGet, ApiKeyRevoke, BreakGlassReportList, Ctx,
    EmbeddingModelCancel, EmbeddingModelGet, EmbeddingModelPause, EmbeddingModelResume,
    EmbeddingModelStart, GroupMappingCreate, GroupMappingDelete, GroupMappingList,
    GroupMappingSimulate, GroupMappingUpdate, InviteChoicesGet, InviteCreate, InviteGet,
    InviteList, InviteRenew, InviteRevoke, MemberBulkActionList, MemberBulkApply,
    MemberBulkOutcomeGet, MemberBulkPreview, MemberGet, MemberList, MemberOffboard,
    MemberOffboardPreview, MemberRoleGrant, MemberRoleRevoke, MemoryViewCreate, MemoryViewDelete,
    MemoryViewList, MemoryViewRename, NotificationList, NotificationRead, NotificationReadAll,
    OrganisationApiKeyCreate, OrganisationApiKeyGet, OrganisationApiKeyList,
    OrganisationApiKeyRevoke, PersonaCreate, PersonaDelete, PersonaGet, PersonaList, PersonaUpdate,
    PreferencesGet, PreferencesUpdate, ProfileGet, RoleCreate, RoleDelete, RoleGet, RoleList,
    RoleUpdate, ServiceAccountOwnerGet, SettingsGet, SettingsUpdate, TeamCreate, TeamDelete,
    TeamGet, TeamList, TeamMemberRemove, TeamMemberSet, TeamRename, ThemeSet, call,
};

pub(crate) async fn team_list(
    ctx: &Ctx,
    actor: &Actor,
    query: &str,
    after: Option<&str>,
) -> Result<Page<TeamSummary>, AppError> {
    let input = TeamListInput {
        query: query.into(),
        after: after.map(Into::into),
    };
    call::<TeamList>(ctx, actor, input).await
}

pub(crate) async fn team_get(ctx: &Ctx, actor: &Actor, id: TeamId) -> Result<TeamDetail, AppError> {
    call::<TeamGet>(ctx, actor, TeamPath { id }).await
}

pub(crate) async fn team_create(ctx: &Ctx, actor: &Actor, name: &str) -> Result<TeamId, AppError> {
    let input = TeamInput { name: name.into() };
    Ok(call::<TeamCreate>(ctx, actor, input).await?.id)
}

pub(crate) async fn team_rename(
    ctx: &Ctx,
    actor: &Actor,
    id: TeamId,
    name: &str,
) -> Result<(), AppError> {
    let input = TeamRenameInput {
        id,
        name: name.into(),
    };
    call::<TeamRename>(ctx, actor, input).await.map(drop)
}

pub(crate) async fn team_member_change(
    ctx: &Ctx,
    actor: &Actor,
    id: TeamId,
    user_id: UserId,
    change: TeamChange,
) -> Result<(), AppError> {
    match change {
        TeamChange::Join(role) => {
            let input = TeamMemberInput { id, user_id, role };
            call::<TeamMemberSet>(ctx, actor, input).await
        }
        TeamChange::Leave => {
            call::<TeamMemberRemove>(ctx, actor, TeamMemberPath { id, user_id }).await
        }
    }
}

pub(crate) async fn team_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: TeamId,
    confirm: &str,
) -> Result<(), AppError> {
    let input = TeamDeleteInput {
        id,
        confirm: confirm.into(),
    };
    call::<TeamDelete>(ctx, actor, input).await
}

pub(crate) async fn settings_get(ctx: &Ctx, actor: &Actor) -> Result<Organisation, AppError> {
    call::<SettingsGet>(ctx, actor, NoInput {}).await
}

pub(crate) async fn settings_update(
    ctx: &Ctx,
    actor: &Actor,
    version: i32,
    input: &SettingsInput,
) -> Result<(), AppError> {
    let input = SettingsInput {
        version,
        ..input.clone()
    };
    call::<SettingsUpdate>(ctx, actor, input).await
}

pub(crate) async fn invite_list(
    ctx: &Ctx,
    actor: &Actor,
    status: &str,
) -> Result<Page<Invite>, AppError> {
    let input = InviteListInput {
        status: status.into(),
        after: None,
    };
    call::<InviteList>(ctx, actor, input).await
}

pub(crate) async fn invite_get(ctx: &Ctx, actor: &Actor, id: InviteId) -> Result<Invite, AppError> {
    call::<InviteGet>(ctx, actor, InvitePath { id }).await
}

pub(crate) async fn invite_choices(ctx: &Ctx, actor: &Actor) -> Result<InviteChoices, AppError> {
    call::<InviteChoicesGet>(ctx, actor, NoInput {}).await
}

pub(crate) async fn invite_create(
    ctx: &Ctx,
    actor: &Actor,
    input: &InviteInput,
) -> Result<InviteLink, AppError> {
    call::<InviteCreate>(ctx, actor, input.clone()).await
}

pub(crate) async fn invite_renew(
    ctx: &Ctx,
    actor: &Actor,
    id: InviteId,
    days: &str,
) -> Result<InviteLink, AppError> {
    let days = days.into();
    call::<InviteRenew>(ctx, actor, InviteRenewInput { id, days }).await
}

pub(crate) async fn invite_revoke(ctx: &Ctx, actor: &Actor, id: InviteId) -> Result<(), AppError> {
    call::<InviteRevoke>(ctx, actor, InvitePath { id }).await
}

pub(crate) async fn group_mapping_list(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<GroupMappings, AppError> {
    call::<GroupMappingList>(ctx, actor, NoInput {}).await
}

pub(crate) async fn group_mapping_simulate(
    ctx: &Ctx,
    actor: &Actor,
    input: &GroupMappingSimulateInput,
) -> Result<Simulation, AppError> {
    call::<GroupMappingSimulate>(ctx, actor, input.clone()).await
}

pub(crate) async fn group_mapping_create(
    ctx: &Ctx,
    actor: &Actor,
    rule: &GroupMappingInput,
) -> Result<GroupMappingId, AppError> {
    let created = call::<GroupMappingCreate>(ctx, actor, rule.clone()).await?;
    Ok(created.id)
}

pub(crate) async fn group_mapping_update(
    ctx: &Ctx,
    actor: &Actor,
    id: GroupMappingId,
    rule: &GroupMappingInput,
) -> Result<(), AppError> {
    let input = GroupMappingUpdateInput::new(id, rule.clone());
    call::<GroupMappingUpdate>(ctx, actor, input).await
}

pub(crate) async fn group_mapping_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: GroupMappingId,
) -> Result<(), AppError> {
    call::<GroupMappingDelete>(ctx, actor, GroupMappingPath { id }).await
}

pub(crate) async fn api_key_list(
    ctx: &Ctx,
    actor: &Actor,
    scope: ApiKeyScope,
) -> Result<Page<ApiKey>, AppError> {
    let input = ApiKeyListInput::default();
    match scope {
        ApiKeyScope::Own => call::<ApiKeyList>(ctx, actor, input).await,
        ApiKeyScope::Any => call::<OrganisationApiKeyList>(ctx, actor, input).await,
    }
}

pub(crate) async fn api_key_get(
    ctx: &Ctx,
    actor: &Actor,
    scope: ApiKeyScope,
    id: ApiKeyId,
) -> Result<ApiKeyDetail, AppError> {
    let input = ApiKeyPath { id };
    match scope {
        ApiKeyScope::Own => call::<ApiKeyGet>(ctx, actor, input).await,
        ApiKeyScope::Any => call::<OrganisationApiKeyGet>(ctx, actor, input).await,
    }
}

/// Converts the actor, or an agent or service account, into the owner of a new key.
pub(crate) async fn api_key_owner(
    ctx: &Ctx,
    actor: &Actor,
    owner: Option<UserId>,
) -> Result<KeyOwner, AppError> {
    match owner {
        None => call::<ApiKeyOwnerGet>(ctx, actor, NoInput {}).await,
        Some(id) => call::<ServiceAccountOwnerGet>(ctx, actor, ServiceAccountPath { id }).await,
    }
}

/// Creates a key of the actor, or of an agent or service account.
pub(crate) async fn api_key_create(
    ctx: &Ctx,
    actor: &Actor,
    owner: Option<UserId>,
    key: &ApiKeyInput,
) -> Result<CreatedApiKey, AppError> {
    let key = key.clone();
    match owner {
        None => call::<ApiKeyCreate>(ctx, actor, key).await,
        Some(owner) => {
            let input = OrganisationApiKeyInput::new(owner, key);
            call::<OrganisationApiKeyCreate>(ctx, actor, input).await
        }
    }
}

pub(crate) async fn api_key_revoke(
    ctx: &Ctx,
    actor: &Actor,
    scope: ApiKeyScope,
    id: ApiKeyId,
) -> Result<(), AppError> {
    let input = ApiKeyPath { id };
    match scope {
        ApiKeyScope::Own => call::<ApiKeyRevoke>(ctx, actor, input).await,
        ApiKeyScope::Any => call::<OrganisationApiKeyRevoke>(ctx, actor, input).await,
    }
}

pub(crate) async fn profile_get(ctx: &Ctx, actor: &Actor) -> Result<Profile, AppError> {
    call::<ProfileGet>(ctx, actor, NoInput {}).await
}

pub(crate) async fn preferences_get(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<(Preferences, Option<String>), AppError> {
    let detail = call::<PreferencesGet>(ctx, actor, NoInput {}).await?;
    Ok((detail.preferences, detail.tenant_time_zone))
}

/// Returns the resulting display settings.
pub(crate) async fn preferences_update(
    ctx: &Ctx,
    actor: &Actor,
    input: &PreferencesInput,
) -> Result<DisplaySettings, AppError> {
    call::<PreferencesUpdate>(ctx, actor, input.clone()).await?;
    let (preferences, tenant_time_zone) = preferences_get(ctx, actor).await?;
    let now = ctx.clock.now();
    Ok(service::display_settings(
        &preferences,
        tenant_time_zone.as_deref(),
        now,
    ))
}

pub(crate) async fn theme_set(ctx: &Ctx, actor: &Actor, theme: Theme) -> Result<(), AppError> {
    call::<ThemeSet>(ctx, actor, ThemeInput { theme }).await
}

pub(crate) async fn break_glass_reports(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<Vec<BreakGlassReport>, AppError> {
    call::<BreakGlassReportList>(ctx, actor, NoInput {}).await
}

pub(crate) async fn embedding_model_get(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<EmbeddingModels, AppError> {
    call::<EmbeddingModelGet>(ctx, actor, NoInput {}).await
}

pub(crate) async fn embedding_model_start(
    ctx: &Ctx,
    actor: &Actor,
    input: &EmbeddingModelInput,
) -> Result<EmbeddingModelId, AppError> {
    let started = call::<EmbeddingModelStart>(ctx, actor, input.clone()).await?;
    Ok(started.id)
}

pub(crate) async fn embedding_model_pause(
    ctx: &Ctx,
    actor: &Actor,
    id: EmbeddingModelId,
) -> Result<(), AppError> {
    call::<EmbeddingModelPause>(ctx, actor, EmbeddingModelPath { id }).await
}

pub(crate) async fn embedding_model_resume(
    ctx: &Ctx,
    actor: &Actor,
    id: EmbeddingModelId,
) -> Result<(), AppError> {
    call::<EmbeddingModelResume>(ctx, actor, EmbeddingModelPath { id }).await
}

pub(crate) async fn embedding_model_cancel(
    ctx: &Ctx,
    actor: &Actor,
    id: EmbeddingModelId,
) -> Result<(), AppError> {
    call::<EmbeddingModelCancel>(ctx, actor, EmbeddingModelPath { id }).await
}

pub(crate) async fn role_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Role>, AppError> {
    Ok(call::<RoleList>(ctx, actor, NoInput {}).await?.items)
}

pub(crate) async fn role_get(ctx: &Ctx, actor: &Actor, id: RoleId) -> Result<RoleDetail, AppError> {
    call::<RoleGet>(ctx, actor, RolePath { id }).await
}

pub(crate) async fn role_create(
    ctx: &Ctx,
    actor: &Actor,
    input: &RoleInput,
) -> Result<RoleId, AppError> {
    Ok(call::<RoleCreate>(ctx, actor, input.clone()).await?.id)
}

pub(crate) async fn role_update(
    ctx: &Ctx,
    actor: &Actor,
    id: RoleId,
    version: i32,
    input: &RoleInput,
) -> Result<(), AppError> {
    let RoleInput {
        name,
        description,
        permissions,
    } = input.clone();
    let input = RoleUpdateInput {
        id,
        version,
        name,
        description,
        permissions,
    };
    call::<RoleUpdate>(ctx, actor, input).await
}

pub(crate) async fn role_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: RoleId,
    version: i32,
    holder_count: i64,
) -> Result<(), AppError> {
    let input = RoleDeleteInput {
        id,
        version,
        holder_count,
    };
    call::<RoleDelete>(ctx, actor, input).await
}

pub(crate) async fn member_list(
    ctx: &Ctx,
    actor: &Actor,
    input: &MemberListInput,
) -> Result<Page<MemberSummary>, AppError> {
    call::<MemberList>(ctx, actor, input.clone()).await
}

pub(crate) async fn member_get(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
) -> Result<MemberDetail, AppError> {
    call::<MemberGet>(ctx, actor, MemberPath { id }).await
}

pub(crate) async fn member_role_grant(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
    role_id: RoleId,
) -> Result<(), AppError> {
    call::<MemberRoleGrant>(ctx, actor, MemberRolePath { id, role_id }).await
}

pub(crate) async fn member_role_revoke(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
    role_id: RoleId,
) -> Result<(), AppError> {
    call::<MemberRoleRevoke>(ctx, actor, MemberRolePath { id, role_id }).await
}

pub(crate) async fn offboard(
    ctx: &Ctx,
    actor: &Actor,
    input: OffboardInput,
) -> Result<(), AppError> {
    call::<MemberOffboard>(ctx, actor, input).await
}

pub(crate) async fn offboard_preview(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
) -> Result<OffboardPreview, AppError> {
    call::<MemberOffboardPreview>(ctx, actor, MemberPath { id }).await
}

pub(crate) async fn bulk_choices(ctx: &Ctx, actor: &Actor) -> Result<Vec<BulkChoice>, AppError> {
    let page = call::<MemberBulkActionList>(ctx, actor, NoInput {}).await?;
    Ok(page.items)
}

pub(crate) async fn bulk_preview(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAction,
    ids: &[UserId],
) -> Result<BulkPreview, AppError> {
    call::<MemberBulkPreview>(ctx, actor, bulk_input(act, ids)).await
}

pub(crate) async fn bulk_apply(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAction,
    ids: &[UserId],
) -> Result<RequestId, AppError> {
    let applied = call::<MemberBulkApply>(ctx, actor, bulk_input(act, ids)).await?;
    Ok(applied.id)
}

fn bulk_input(act: BulkAction, ids: &[UserId]) -> BulkInput {
    BulkInput {
        act: act.key(),
        ids: ids.to_vec(),
    }
}

pub(crate) async fn bulk_outcome(
    ctx: &Ctx,
    actor: &Actor,
    id: RequestId,
) -> Result<BulkOutcome, AppError> {
    call::<MemberBulkOutcomeGet>(ctx, actor, BulkOutcomePath { id }).await
}

pub(crate) async fn persona_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Persona>, AppError> {
    let page = call::<PersonaList>(ctx, actor, NoInput {}).await?;
    Ok(page.items)
}

pub(crate) async fn persona_get(
    ctx: &Ctx,
    actor: &Actor,
    id: PersonaId,
) -> Result<Persona, AppError> {
    call::<PersonaGet>(ctx, actor, PersonaPath { id }).await
}

pub(crate) async fn persona_create(
    ctx: &Ctx,
    actor: &Actor,
    input: &PersonaInput,
) -> Result<PersonaId, AppError> {
    Ok(call::<PersonaCreate>(ctx, actor, input.clone()).await?.id)
}

pub(crate) async fn persona_update(
    ctx: &Ctx,
    actor: &Actor,
    id: PersonaId,
    input: &PersonaInput,
) -> Result<(), AppError> {
    let PersonaInput { name, description } = input.clone();
    let input = PersonaUpdateInput {
        id,
        name,
        description,
    };
    call::<PersonaUpdate>(ctx, actor, input).await
}

pub(crate) async fn persona_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: PersonaId,
) -> Result<(), AppError> {
    call::<PersonaDelete>(ctx, actor, PersonaPath { id }).await
}

pub(crate) async fn memory_view_list(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<Vec<MemoryView>, AppError> {
    let page = call::<MemoryViewList>(ctx, actor, NoInput {}).await?;
    Ok(page.items)
}

pub(crate) async fn memory_view_create(
    ctx: &Ctx,
    actor: &Actor,
    name: &str,
    query: &MemoryViewQuery,
) -> Result<MemoryViewId, AppError> {
    let input = MemoryViewInput {
        name: name.into(),
        query: query.clone(),
    };
    Ok(call::<MemoryViewCreate>(ctx, actor, input).await?.id)
}

pub(crate) async fn memory_view_rename(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryViewId,
    name: &str,
) -> Result<(), AppError> {
    let input = MemoryViewRenameInput {
        id,
        name: name.into(),
    };
    call::<MemoryViewRename>(ctx, actor, input).await.map(drop)
}

pub(crate) async fn memory_view_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryViewId,
) -> Result<(), AppError> {
    call::<MemoryViewDelete>(ctx, actor, MemoryViewPath { id }).await
}

pub(crate) async fn notification_list(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<NotificationPage, AppError> {
    call::<NotificationList>(ctx, actor, NotificationListInput::default()).await
}

pub(crate) async fn notification_read(
    ctx: &Ctx,
    actor: &Actor,
    id: NotificationId,
) -> Result<(), AppError> {
    call::<NotificationRead>(ctx, actor, NotificationPath { id }).await
}

pub(crate) async fn notification_read_all(ctx: &Ctx, actor: &Actor) -> Result<(), AppError> {
    call::<NotificationReadAll>(ctx, actor, NoInput {}).await
}
