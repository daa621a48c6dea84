//! Resolves an API key to the member that it acts as.

use domain::{Actor, AppError, RequestFacts, audit::Outcome};
use serde_json::json;
use store::{
    StoreError,
    api_key::{StoredApiKey, api_key_find, api_key_touch},
    audit::{AuditEvent, audit_append},
};
use subtle::ConstantTimeEq as _;

use crate::{
    Ctx,
    identity::caller::{CallerError, caller_load, is_use_due},
    secret::{Secret, SecretKind},
};

/// The reason why a key is rejected.
#[derive(Debug, PartialEq, Eq)]
pub enum ApiKeyError {
    /// Fails the checksum; the database was not queried.
    Malformed,
    /// Never existed, or its organisation is gone.
    Unknown,
    Expired,
    Revoked,
    /// The owner or the organisation is not active.
    OwnerInactive,
    /// The check itself failed.
    Failed(AppError),
}

impl From<StoreError> for ApiKeyError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// True if `text` passes the checksum of keys and is worth a database query.
pub fn api_key_is_well_formed(text: &str) -> bool {
    Secret::parse(SecretKind::ApiKey, text).is_some()
}

/// A rejected key, and its record if it ever existed.
#[derive(Debug)]
pub struct RejectedKey {
    pub error: ApiKeyError,
    stored: Option<StoredApiKey>,
}

impl From<ApiKeyError> for RejectedKey {
    fn from(error: ApiKeyError) -> Self {
        Self {
            error,
            stored: None,
        }
    }
}

impl From<StoreError> for RejectedKey {
    fn from(error: StoreError) -> Self {
        ApiKeyError::from(error).into()
    }
}

/// The member behind a key, with the permissions that both the key's scopes and
/// the member's current roles allow (SEC-D5, SEC-B3).
///
/// # Errors
/// The reason for rejection; audited if the key ever existed.
pub async fn api_key_actor(
    ctx: &Ctx,
    text: &str,
    facts: &RequestFacts,
) -> Result<Actor, ApiKeyError> {
    match api_key_check(ctx, text, facts).await {
        Ok(actor) => Ok(actor),
        Err(rejected) => {
            let written = api_key_rejection_audit(ctx, &rejected, facts).await;
            written.map_err(ApiKeyError::Failed)?;
            Err(rejected.error)
        }
    }
}

/// As [`api_key_actor`], but leaves it to the caller to audit a rejection with
/// [`api_key_rejection_audit`].
pub async fn api_key_check(
    ctx: &Ctx,
    text: &str,
    facts: &RequestFacts,
) -> Result<Actor, RejectedKey> {
    let secret = Secret::parse(SecretKind::ApiKey, text).ok_or(ApiKeyError::Malformed)?;
    let hash = secret.hash();
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_auth().await?;
    let key = api_key_find(&mut tx, &hash).await?;
    // The index already compared hashes; this comparison is constant-time.
    let key = key.filter(|key| key.key_hash.ct_eq(&hash).into());
    let key = key.ok_or(ApiKeyError::Unknown)?;
    let error = match &key {
        key if key.revoked_at.is_some() => Some(ApiKeyError::Revoked),
        key if key.expires_at.is_some_and(|at| at <= now) => Some(ApiKeyError::Expired),
        _ => None,
    };
    if let Some(error) = error {
        return Err(RejectedKey {
            error,
            stored: Some(key),
        });
    }
    let used_at = is_use_due(key.last_used_at, now).then_some(now);
    if used_at.is_some() {
        api_key_touch(&mut tx, &hash, now).await?;
    }
    let (tx, record) = match caller_load(tx, key.tenant_id, key.user_id, used_at).await {
        Ok(loaded) => loaded,
        Err(CallerError::Unknown) => return Err(ApiKeyError::Unknown.into()),
        Err(CallerError::Inactive(_)) => {
            return Err(RejectedKey {
                error: ApiKeyError::OwnerInactive,
                stored: Some(key),
            });
        }
        Err(CallerError::Failed(error)) => return Err(ApiKeyError::Failed(error).into()),
    };
    tx.commit().await?;
    let mut actor = record.to_actor(RequestFacts {
        session_id: None,
        api_key_id: Some(key.id),
        ..facts.clone()
    });
    actor.permissions.retain(|held| key.scopes.contains(held));
    actor.vendor = Some(key.vendor);
    Ok(actor)
}

/// Audits a rejection of a key that existed; for any other there is no
/// organisation whose log could have it.
pub async fn api_key_rejection_audit(
    ctx: &Ctx,
    rejected: &RejectedKey,
    facts: &RequestFacts,
) -> Result<(), AppError> {
    let Some(key) = &rejected.stored else {
        return Ok(());
    };
    let reason = match &rejected.error {
        ApiKeyError::Revoked => "revoked",
        ApiKeyError::Expired => "expired",
        _ => "owner_inactive",
    };
    let event = AuditEvent {
        actor_label: "A refused API key".to_owned(),
        ip: facts.ip,
        user_agent: facts.user_agent.clone(),
        request_id: Some(facts.request_id),
        resource_type: Some("api_key".to_owned()),
        resource_id: Some(key.id.to_string()),
        metadata: Some(json!({ "reason": reason, "owner": key.user_id })),
        ..AuditEvent::by_system("api_key.use", Outcome::Denied, ctx.clock.now())
    };
    let mut tx = ctx.store.begin_as_system(key.tenant_id).await?;
    audit_append(&mut tx, &[event]).await?;
    Ok(tx.commit().await?)
}
