//! Server functions of sharing and of proposals.

use domain::{
    AppError, MemoryId, ProposalId,
    memory::MemoryPath,
    proposal::Proposal,
    proposal::{DecisionInput, ProposalPath},
    share::{Audience, ShareInput, ShareOutcome},
};
use leptos::prelude::*;

use crate::{Flash, api};

/// Shares a memory, or proposes it if the audience needs a review; `version` is
/// the one that the page showed.
#[server(endpoint = "memory_share")]
pub(crate) async fn memory_share(
    id: MemoryId,
    version: i32,
    #[server(default)] audience: String,
    #[server(default)] comment: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let audience = Audience::from_key(&audience).ok_or_else(|| {
        AppError::field("audience", "Choose one of your teams or the organisation.")
    })?;
    let input = ShareInput {
        id,
        version,
        audience,
        comment,
    };
    let outcome = service::call::<service::MemoryShare>(&ctx, &actor, input).await?;
    let flash = match outcome {
        ShareOutcome::Proposed { .. } => Flash::MEMORY_PROPOSED,
        _ => Flash::MEMORY_SHARED,
    };
    api::redirect_with_flash(&format!("/memories/{id}"), flash);
    Ok(())
}

/// Stops sharing a memory.
#[server(endpoint = "memory_unshare")]
pub(crate) async fn memory_unshare(id: MemoryId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::MemoryUnshare>(&ctx, &actor, MemoryPath { id }).await?;
    api::redirect_with_flash(&format!("/memories/{id}"), Flash::MEMORY_UNSHARED);
    Ok(())
}

pub(crate) async fn proposal_get(id: ProposalId) -> Result<Proposal, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::ProposalGet>(&ctx, &actor, ProposalPath { id }).await
}

/// Accepts or declines a proposal, as the pressed button says.
#[server(endpoint = "proposal_decide")]
pub(crate) async fn proposal_decide(
    id: ProposalId,
    #[server(default)] decision: String,
    #[server(default)] comment: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = DecisionInput { id, comment };
    let flash = match decision.as_str() {
        "accept" => {
            service::call::<service::ProposalAccept>(&ctx, &actor, input).await?;
            Flash::PROPOSAL_ACCEPTED
        }
        "decline" => {
            service::call::<service::ProposalDecline>(&ctx, &actor, input).await?;
            Flash::PROPOSAL_DECLINED
        }
        _ => return Err(AppError::field("", "Choose to accept or decline.")),
    };
    api::redirect_with_flash("/memories/proposals", flash);
    Ok(())
}

#[server(endpoint = "proposal_withdraw")]
pub(crate) async fn proposal_withdraw(id: ProposalId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::ProposalWithdraw>(&ctx, &actor, ProposalPath { id }).await?;
    api::redirect_with_flash(
        &format!("/memories/proposals/{id}"),
        Flash::PROPOSAL_WITHDRAWN,
    );
    Ok(())
}
