//! Server functions of group rules.

use domain::{
    AppError, GroupMappingId,
    group_mapping::{GroupMappings, Proposal, Simulation},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{Flash, api};

/// All rules, and the roles and teams that a rule may grant.
#[server(endpoint = "group_mapping_list")]
pub(crate) async fn group_mapping_list() -> Result<GroupMappings, AppError> {
    let (ctx, actor) = api::caller()?;
    service::group_mapping_list(&ctx, &actor).await
}

/// Simulates a change of the rules without saving it.
#[server(endpoint = "group_mapping_simulate")]
pub(crate) async fn group_mapping_simulate(
    #[server(default)] proposal: Proposal,
) -> Result<Simulation, AppError> {
    let (ctx, actor) = api::caller()?;
    service::group_mapping_simulate(&ctx, &actor, &proposal).await
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
    let draft = domain::group_mapping::GroupMappingDraft {
        source,
        group_id,
        label,
        role,
        team,
        priority,
    };
    match id {
        Some(id) => service::group_mapping_update(&ctx, &actor, id, &draft).await?,
        None => {
            service::group_mapping_create(&ctx, &actor, &draft).await?;
        }
    }
    api::redirect_with_flash("/groups", Flash::GroupMappingSaved);
    Ok(())
}

#[server(endpoint = "group_mapping_delete")]
pub(crate) async fn group_mapping_delete(id: GroupMappingId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::group_mapping_delete(&ctx, &actor, id).await?;
    api::redirect_with_flash("/groups", Flash::GroupMappingDeleted);
    Ok(())
}
