//! Server functions of group rules.

use domain::{
    AppError, GroupMappingId, NoInput, WithId,
    group_mapping::{GroupMappingInput, GroupMappingPath},
    group_mapping::{GroupMappingSimulateInput, GroupMappings, Simulation},
};
use leptos::prelude::*;

use crate::{Flash, api};

/// All rules, and the roles and teams that a rule may grant.
pub(crate) async fn group_mapping_list() -> Result<GroupMappings, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::GroupMappingList>(&ctx, &actor, NoInput {}).await
}

/// Simulates a change of the rules without saving it.
pub(crate) async fn group_mapping_simulate(
    proposal: GroupMappingSimulateInput,
) -> Result<Simulation, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::GroupMappingSimulate>(&ctx, &actor, proposal).await
}

/// Saves the previewed rule: a new one, or the change of `id`.
#[server(endpoint = "group_mapping_save")]
pub(crate) async fn group_mapping_save(
    #[server(default)] id: Option<GroupMappingId>,
    #[server(default)] source: String,
    #[server(default)] group_id: String,
    #[server(default)] label: String,
    #[server(default)] role: String,
    #[server(default)] team: String,
    #[server(default)] priority: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = GroupMappingInput {
        source,
        group_id,
        label,
        role,
        team,
        priority,
    };
    match id {
        Some(id) => {
            let input = WithId { id, input };
            service::call::<service::GroupMappingUpdate>(&ctx, &actor, input).await?;
        }
        None => {
            service::call::<service::GroupMappingCreate>(&ctx, &actor, input).await?;
        }
    }
    api::redirect_with_flash("/groups", Flash::GROUP_MAPPING_SAVED);
    Ok(())
}

#[server(endpoint = "group_mapping_delete")]
pub(crate) async fn group_mapping_delete(id: GroupMappingId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::GroupMappingDelete>(&ctx, &actor, GroupMappingPath { id }).await?;
    api::redirect_with_flash("/groups", Flash::GROUP_MAPPING_DELETED);
    Ok(())
}
