//! `Idempotency-Key`: a repeated call returns the stored answer and is not run
//! again (SEC-F5).
//!
//! The stored answer is encrypted with a key derived from the caller's API key,
//! of which Atrium stores only a hash. So an answer with a secret that is shown
//! once can be repeated to its first recipient, and can't be read in the
//! database.

use aes_gcm::{
    Aes256Gcm, Key, KeyInit as _,
    aead::{Aead as _, Payload},
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Actor, AppError};
use hkdf::Hkdf;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use service::{Ctx, IdempotentCall, idempotency_begin, idempotency_forget, idempotency_store};
use sha2::{Digest as _, Sha256};
use tracing::Instrument as _;
use zeroize::Zeroizing;

use super::{key::PresentedKey, problem::ApiError};
use crate::http::is_read;

const HEADER: &str = "idempotency-key";
/// Marks a repeated answer.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The context of the key derivation; also the format's version.
const PURPOSE: &[u8] = b"atrium idempotent answers v1";
const NONCE_BYTES: usize = 12;
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// An answer as it is stored.
#[derive(Serialize, Deserialize)]
struct Answer {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    body: String,
}

pub(super) async fn idempotency_layer(
    State(ctx): State<Ctx>,
    request: Request,
    next: Next,
) -> Response {
    if is_read(request.method()) || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    match once(ctx, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn once(ctx: Ctx, request: Request, next: Next) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let extensions = &parts.extensions;
    let (Some(actor), Some(PresentedKey(secret))) = (
        extensions.get::<Actor>().cloned(),
        extensions.get::<PresentedKey>().cloned(),
    ) else {
        return Err(AppError::Unauthenticated.into());
    };
    let name = sole_name(&parts.headers)?;
    // An outer layer limits its length.
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|_| AppError::TooLarge {
            message: "This is too large.".to_owned(),
        })?;
    let hash = request_hash(&parts, &body);
    let seal = Seal::new(&secret, &actor, &name);
    if let IdempotentCall::Replay(sealed) = idempotency_begin(&ctx, &actor, &name, &hash).await? {
        let answer = seal.open(&sealed).ok_or(AppError::Internal)?;
        return Ok(replay(answer));
    }
    let request = Request::from_parts(parts, Body::from(body));
    // Runs to its end even if the caller disconnects, so that the outcome is
    // stored.
    let work = async move {
        let response = next.run(request).await;
        keep(&ctx, &actor, &name, &seal, response).await
    };
    tokio::spawn(work.in_current_span())
        .await
        .map_err(|_| AppError::Internal.into())
}

/// The header's value.
///
/// # Errors
/// [`AppError::Invalid`] if it is sent twice or is not ASCII.
fn sole_name(headers: &HeaderMap) -> Result<String, ApiError> {
    let mut values = headers.get_all(HEADER).iter();
    match (
        values.next().and_then(|value| value.to_str().ok()),
        values.next(),
    ) {
        (Some(name), None) => Ok(name.trim().to_owned()),
        _ => Err(AppError::field("Idempotency-Key", "Send one, in plain letters.").into()),
    }
}

/// A hash of method, path and body: two calls are the same if it is equal.
fn request_hash(parts: &axum::http::request::Parts, body: &Bytes) -> [u8; 32] {
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), path.as_bytes(), body] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Stores the answer of a call that succeeded. One that failed changed nothing
/// and may be tried again.
async fn keep(ctx: &Ctx, actor: &Actor, name: &str, seal: &Seal, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let body = if parts.status.is_success() {
        to_bytes(body, MAX_ANSWER_BYTES).await
    } else {
        if let Err(error) = idempotency_forget(ctx, actor, name).await {
            tracing::warn!(%error, "the key of a failed call could not be released");
        }
        return Response::from_parts(parts, body);
    };
    let Ok(body) = body else {
        return ApiError::from(AppError::Internal).into_response();
    };
    let text = |name| {
        let value: Option<&HeaderValue> = parts.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let answer = Answer {
        status: parts.status.as_u16(),
        content_type: text(header::CONTENT_TYPE),
        location: text(header::LOCATION),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let kept = match seal.close(ctx.ids.bytes(), &answer) {
        Some(sealed) => idempotency_store(ctx, actor, name, &sealed).await,
        None => Err(AppError::Internal),
    };
    if let Err(error) = kept {
        // The call succeeded. A repetition is answered that it may have been done.
        tracing::warn!(%error, "a response could not be stored");
    }
    Response::from_parts(parts, Body::from(body))
}

fn replay(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [
        (header::CONTENT_TYPE, answer.content_type),
        (header::LOCATION, answer.location),
        (REPLAYED, Some("true".to_owned())),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

/// Encrypts and decrypts one call's answer.
struct Seal {
    cipher: Aes256Gcm,
    /// Additional data, so that an answer copied to another row does not decrypt.
    call: Vec<u8>,
}

impl Seal {
    fn new(secret: &SecretString, actor: &Actor, name: &str) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, secret.expose_secret().as_bytes())
            .expand(PURPOSE, key.as_mut())
            .expect("32 bytes are within what HKDF-SHA256 gives");
        let tenant = actor.tenant_id.0;
        Self {
            cipher: Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key.as_ref())),
            call: [PURPOSE, tenant.as_bytes(), name.as_bytes()].concat(),
        }
    }

    fn close(&self, nonce: [u8; NONCE_BYTES], answer: &Answer) -> Option<Vec<u8>> {
        let plain = Zeroizing::new(serde_json::to_vec(answer).ok()?);
        let payload = Payload {
            msg: &plain,
            aad: &self.call,
        };
        let sealed = self.cipher.encrypt(&nonce.into(), payload).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    fn open(&self, sealed: &[u8]) -> Option<Answer> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let payload = Payload {
            msg: ciphertext,
            aad: &self.call,
        };
        let plain = Zeroizing::new(self.cipher.decrypt(&nonce.into(), payload).ok()?);
        serde_json::from_slice(&plain).ok()
    }
}
