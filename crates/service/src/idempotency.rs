//! Idempotency keys of API calls (SEC-F5). A response is stored for a day,
//! encrypted by the caller of this module.

use domain::{Actor, ApiKeyId, AppError};
use time::Duration;

use crate::Ctx;

/// The time for which a response is stored.
const ANSWER_LIFETIME: Duration = Duration::DAY;
/// Maximum length of an idempotency key.
const MAX_KEY_CHARS: usize = 255;
/// The header, used as the field name in errors.
const FIELD: &str = "Idempotency-Key";

/// The handling of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdempotentCall {
    /// The first call with this key: execute it.
    First,
    /// Already executed: the stored response, still encrypted.
    Replay(Vec<u8>),
}

/// Registers a call by the actor's API key under its idempotency key.
///
/// # Errors
/// [`AppError::Invalid`] for the header if the key was used with another
/// request; [`AppError::Conflict`] while the first call is running.
pub async fn idempotency_begin(
    ctx: &Ctx,
    actor: &Actor,
    key: &str,
    request_hash: &[u8; 32],
) -> Result<IdempotentCall, AppError> {
    let length = key.chars().count();
    if length == 0 || length > MAX_KEY_CHARS || key.chars().any(char::is_control) {
        return Err(AppError::field(
            FIELD,
            format!("Use 1 to {MAX_KEY_CHARS} printable characters."),
        ));
    }
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin(actor).await?;
    let before = store::idempotency::idempotency_begin(
        &mut tx,
        api_key_id(actor)?,
        key,
        request_hash,
        now + ANSWER_LIFETIME,
        now,
    )
    .await?;
    tx.commit().await?;
    match before {
        None => Ok(IdempotentCall::First),
        Some(before) if before.request_hash != *request_hash => Err(AppError::field(
            FIELD,
            "This key was already used for a different request. Use a new one for each call.",
        )),
        Some(before) => before.answer.map(IdempotentCall::Replay).ok_or_else(|| {
            AppError::Conflict {
                message: "The first call with this Idempotency-Key is still being worked on, or was cut off. \
                          Look whether it took effect before you ask again under a new key."
                    .to_owned(),
            }
        }),
    }
}

/// Stores the encrypted response of a finished call.
pub async fn idempotency_store(
    ctx: &Ctx,
    actor: &Actor,
    key: &str,
    answer: &[u8],
) -> Result<(), AppError> {
    let mut tx = ctx.store.begin(actor).await?;
    store::idempotency::idempotency_answer(&mut tx, api_key_id(actor)?, key, answer).await?;
    Ok(tx.commit().await?)
}

/// Deletes a call that was rejected and so changed nothing, which frees its
/// idempotency key.
pub async fn idempotency_forget(ctx: &Ctx, actor: &Actor, key: &str) -> Result<(), AppError> {
    let mut tx = ctx.store.begin(actor).await?;
    store::idempotency::idempotency_forget(&mut tx, api_key_id(actor)?, key).await?;
    Ok(tx.commit().await?)
}

fn api_key_id(actor: &Actor) -> Result<ApiKeyId, AppError> {
    actor.request.api_key_id.ok_or(AppError::Unauthenticated)
}
