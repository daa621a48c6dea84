//! Helpers that call operations with separate arguments.

mod member;
mod personal;

use domain::{
    Actor, ApiKeyId, AppError, EmbeddingModelId, GroupMappingId, InviteId, NoInput, Page, TeamId,
    UserId, WithId,
    api_key::{
        ApiKey, ApiKeyDetail, ApiKeyInput, ApiKeyListInput, ApiKeyPath, ApiKeyScope, CreatedApiKey,
        KeyOwner, OrganisationApiKeyInput, ServiceAccountPath,
    },
    embedding_model::{EmbeddingModelInput, EmbeddingModelPath, EmbeddingModels},
    group_mapping::{
        GroupMappingInput, GroupMappingPath, GroupMappingSimulateInput, GroupMappings, Simulation,
    },
    invite::{
        Invite, InviteChoices, InviteInput, InviteLink, InviteListInput, InvitePath,
        InviteRenewInput,
    },
    settings::{Organisation, SettingsInput},
    team::{
        TeamChange, TeamDeleteInput, TeamDetail, TeamInput, TeamListInput, TeamMemberInput,
        TeamMemberPath, TeamPath, TeamSummary,
    },
};
use service::{
    ApiKeyCreate, ApiKeyGet, ApiKeyList, ApiKeyOwnerGet, ApiKeyRevoke, Ctx, EmbeddingModelCancel,
    EmbeddingModelGet, EmbeddingModelPause, EmbeddingModelResume, EmbeddingModelStart,
    GroupMappingCreate, GroupMappingDelete, GroupMappingList, GroupMappingSimulate,
    GroupMappingUpdate, InviteChoicesGet, InviteCreate, InviteGet, InviteList, InviteRenew,
    InviteRevoke, OrganisationApiKeyCreate, OrganisationApiKeyGet, OrganisationApiKeyList,
    OrganisationApiKeyRevoke, ServiceAccountOwnerGet, SettingsGet, SettingsUpdate, TeamCreate,
    TeamDelete, TeamGet, TeamList, TeamMemberRemove, TeamMemberSet, TeamRename, call,
};

pub(crate) use member::*;
pub(crate) use personal::*;

pub(crate) async fn team_list(
    ctx: &Ctx,
    actor: &Actor,
    query: &str,
    after: Option<&str>,
) -> Result<Page<TeamSummary>, AppError> {
    let input = TeamListInput {
        query: query.into(),
        after: after.map(Into::into),
        ..TeamListInput::default()
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
    let input = WithId {
        id,
        input: TeamInput { name: name.into() },
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
        ..InviteListInput::default()
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
    let input = WithId {
        id,
        input: rule.clone(),
    };
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
