//! The settings of an organisation.

use domain::{
    TenantId, Timestamp,
    settings::{Organisation, OrganisationUpdate, TenantSettings},
};

use crate::{AuthTx, StoreError, TenantTx};

fn from_stored(settings: serde_json::Value) -> Result<TenantSettings, StoreError> {
    serde_json::from_value(settings)
        .map_err(|error| StoreError::other(format!("a tenant's settings can't be read: {error}")))
}

/// The transaction's organisation with its settings.
pub async fn organisation_get(tx: &mut TenantTx) -> Result<Organisation, StoreError> {
    let row = sqlx::query!(
        "SELECT slug, name, settings, version FROM tenants WHERE id = $1",
        tx.tenant_id() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Organisation {
        slug: row.slug,
        name: row.name,
        settings: from_stored(row.settings)?,
        version: row.version,
    })
}

/// Changes name and settings if they are still at `version`.
///
/// # Errors
/// [`StoreError::Conflict`] if they were changed meanwhile.
pub async fn organisation_update(
    tx: &mut TenantTx,
    version: i32,
    text: &OrganisationUpdate,
    now: Timestamp,
) -> Result<(), StoreError> {
    let settings = serde_json::to_value(&text.settings)
        .map_err(|error| StoreError::other(format!("settings can't be written: {error}")))?;
    let done = sqlx::query!(
        "UPDATE tenants SET name = $3, settings = $4, version = version + 1, updated_at = $5
          WHERE id = $1 AND version = $2",
        tx.tenant_id() as _,
        version,
        text.name,
        settings,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::Conflict)
    } else {
        Ok(())
    }
}

/// The settings of an organisation during sign-in, before its tenant is
/// entered.
pub async fn settings_of(
    tx: &mut AuthTx,
    tenant_id: TenantId,
) -> Result<TenantSettings, StoreError> {
    let settings =
        sqlx::query_scalar!("SELECT settings FROM tenants WHERE id = $1", tenant_id as _)
            .fetch_one(tx.conn())
            .await?;
    from_stored(settings)
}
