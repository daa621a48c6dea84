//! The organisation's name and settings.

use domain::{
    Action, Actor, AppError,
    settings::{Organisation, OrganisationDraft, OrganisationUpdate},
};
use serde_json::json;
use store::settings::{organisation_get, organisation_update};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    preferences::KNOWN,
};

pub async fn settings_get(ctx: &Ctx, actor: &Actor) -> Result<Organisation, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::SettingsGet).await?;
    Ok(organisation_get(&mut act.tx).await?)
}

/// Changes the organisation's name and settings based on version `version`.
/// Session lifetimes apply to new sessions.
///
/// # Errors
/// [`AppError::Conflict`] if they have changed since.
pub async fn settings_update(
    ctx: &Ctx,
    actor: &Actor,
    version: i32,
    draft: &OrganisationDraft,
) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::SettingsUpdate).await?;
    let done = async {
        let before = organisation_get(&mut act.tx).await?;
        let text = OrganisationUpdate::parse(draft, KNOWN)?;
        organisation_update(&mut act.tx, version, &text, ctx.clock.now()).await?;
        Ok(json!({
            "before": { "name": before.name, "settings": before.settings },
            "after": { "name": text.name, "settings": text.settings },
        }))
    }
    .await;
    act.finish(AuditTarget::tenant(actor.tenant_id), done).await
}
