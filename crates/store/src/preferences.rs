//! Members' display preferences.

use domain::{
    Timestamp,
    preferences::{Locale, Preferences, Theme},
};

use crate::{StoreError, TenantTx};

/// Parses stored preferences. Values that this version doesn't know count as
/// not set, so that a removed theme locks nobody out.
pub(crate) fn from_stored(
    theme: Option<&str>,
    time_zone: Option<String>,
    locale: Option<&str>,
) -> Preferences {
    Preferences {
        theme: theme.and_then(Theme::from_key),
        time_zone,
        locale: locale.and_then(Locale::from_tag),
    }
}

/// The preferences of the transaction's member; the defaults if none are
/// stored.
///
/// # Errors
/// [`StoreError::NotFound`] in a transaction of Atrium itself.
pub async fn preferences_get(tx: &mut TenantTx) -> Result<Preferences, StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id(), tx.member_id()?);
    let row = sqlx::query!(
        "SELECT theme, time_zone, locale FROM user_preferences WHERE tenant_id = $1 AND user_id = $2",
        tenant_id as _,
        user_id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map_or_else(Preferences::default, |row| {
        from_stored(row.theme.as_deref(), row.time_zone, row.locale.as_deref())
    }))
}

/// Stores the preferences of the transaction's member.
///
/// # Errors
/// [`StoreError::NotFound`] in a transaction of Atrium itself.
pub async fn preferences_set(
    tx: &mut TenantTx,
    preferences: &Preferences,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (tenant_id, user_id) = (tx.tenant_id(), tx.member_id()?);
    sqlx::query!(
        "INSERT INTO user_preferences (tenant_id, user_id, theme, time_zone, locale, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, user_id) DO UPDATE
            SET theme = excluded.theme,
                time_zone = excluded.time_zone,
                locale = excluded.locale,
                updated_at = excluded.updated_at",
        tenant_id as _,
        user_id as _,
        preferences.theme as _,
        preferences.time_zone,
        preferences.locale.map(Locale::tag),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
