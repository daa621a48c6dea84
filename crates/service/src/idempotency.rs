//! Calls of programs that must not happen twice (SEC-F5). The answer is kept
//! for a day, sealed by the caller: what is in it is none of ours.

use domain::{Actor, ApiKeyId, AppError};
use time::Duration;

use crate::Ctx;

/// How long an answer is kept.
const KEPT: Duration = Duration::DAY;
/// Longest name that a caller may give a call, in characters.
const MAX_KEY_CHARS: usize = 255;
/// The header, as which faults are told.
const FIELD: &str = "Idempotency-Key";

/// What is to be done with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdempotentCall {
    /// It is the first: do it.
    First,
    /// It was done: this was the answer, as the caller sealed it.
    Again(Vec<u8>),
}

/// Notes a call by the actor's API key under the caller's own name for it.
///
/// # Errors
/// [`AppError::Invalid`] when something else was asked under the same name;
/// [`AppError::Conflict`] while the first call is being worked on.
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
            format!("It has 1 to {MAX_KEY_CHARS} characters that can be shown."),
        ));
    }
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin(actor).await?;
    let before = store::idempotency::idempotency_begin(
        &mut tx,
        caller(actor)?,
        key,
        request_hash,
        now + KEPT,
        now,
    )
    .await?;
    tx.commit().await?;
    match before {
        None => Ok(IdempotentCall::First),
        Some(before) if before.request_hash != *request_hash => Err(AppError::field(
            FIELD,
            "Something else was asked under this key before. Use a new one for each call.",
        )),
        Some(before) => before.answer.map(IdempotentCall::Again).ok_or_else(|| {
            AppError::Conflict {
                message: "The first call with this Idempotency-Key is still being worked on, or was cut off. \
                          Look whether it took effect before you ask again under a new key."
                    .to_owned(),
            }
        }),
    }
}

/// Keeps the sealed answer of a call that was done.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away.
pub async fn idempotency_answer(
    ctx: &Ctx,
    actor: &Actor,
    key: &str,
    answer: &[u8],
) -> Result<(), AppError> {
    let mut tx = ctx.store.begin(actor).await?;
    store::idempotency::idempotency_answer(&mut tx, caller(actor)?, key, answer).await?;
    Ok(tx.commit().await?)
}

/// Forgets a call that was refused and so changed nothing: it may be made
/// again under the same name.
///
/// # Errors
/// [`AppError::Unavailable`] when the database is away.
pub async fn idempotency_forget(ctx: &Ctx, actor: &Actor, key: &str) -> Result<(), AppError> {
    let mut tx = ctx.store.begin(actor).await?;
    store::idempotency::idempotency_forget(&mut tx, caller(actor)?, key).await?;
    Ok(tx.commit().await?)
}

fn caller(actor: &Actor) -> Result<ApiKeyId, AppError> {
    actor.request.api_key_id.ok_or(AppError::Unauthenticated)
}
