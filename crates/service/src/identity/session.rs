//! Resolving the member behind a browser session, and the session's id.

use std::collections::BTreeSet;

use domain::{Actor, RequestFacts, SessionId, TenantId, Timestamp, preferences::DisplaySettings};
use serde_json::json;
use store::{
    AuthTx, StoreError, TenantTx,
    actor::ActorRecord,
    session::{
        Rotation, StoredSession, session_load, session_privileges_set, session_rotate,
        session_touch, session_user,
    },
};
use time::Duration;

use super::{
    caller::{CallerError, caller_load, check_active, is_use_due},
    refresh::refresh_is_due,
    token::{IssuedToken, SessionToken, sha256},
};
use crate::{Ctx, display_settings, page::PageSnapshot, profile::profile_of};

/// How long requests with the token from before a rotation are accepted: as
/// long as a page may take to load its resources.
const ROTATION_GRACE: Duration = Duration::seconds(30);

/// The effects of a request on its session.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// Extends the session.
    pub is_use: bool,
    /// The response may set a new session cookie.
    pub may_rotate: bool,
    /// A page is rendered, whose reads continue in the transaction that
    /// resolved its caller.
    pub is_page: bool,
}

/// The active member behind a session.
#[derive(Debug)]
pub struct SessionMember {
    pub actor: Actor,
    pub has_role: bool,
    pub display: DisplaySettings,
    /// The session's new token, if it was rotated.
    pub rotated: Option<IssuedToken>,
    /// The session, if its tokens are due for renewal.
    pub refresh: Option<StoredSession>,
    /// For the page that the request renders.
    pub page: PageSnapshot,
}

impl SessionMember {
    fn new(actor: Actor, record: &ActorRecord, tx: Option<TenantTx>, now: Timestamp) -> Self {
        let opened = tx.map(|tx| (tx, profile_of(record, &actor)));
        Self {
            has_role: !record.role_keys.is_empty(),
            display: display_settings(&record.preferences, record.tenant_time_zone.as_deref(), now),
            rotated: None,
            refresh: None,
            page: PageSnapshot::new(actor.clone(), opened),
            actor,
        }
    }
}

/// Resolves the member behind a session's token.
///
/// Session and member are read in one statement, on the login of members'
/// requests, and a page goes on in the same transaction. Only a request that has
/// to write to the session, as one in each minute does, is resolved on the auth
/// login.
pub async fn session_resolve(
    ctx: &Ctx,
    token: &SessionToken,
    facts: &RequestFacts,
    visit: Visit,
) -> Result<SessionMember, CallerError> {
    let now = ctx.clock.now();
    let (mut tx, session) = ctx
        .store
        .begin_page(&token.hash(), now)
        .await?
        .ok_or(CallerError::Unknown)?;
    check_active(&session.record)?;
    let writes = !session.by_previous_id
        && (visit.is_use && is_use_due(Some(session.last_seen_at), now)
            || visit.may_rotate
                && session.privileges_hash.as_deref() != Some(&privileges_hash(&session.record)));
    if writes || visit.is_use && session.refresh_is_due {
        drop(tx);
        return session_resolve_and_write(ctx, token, facts, visit).await;
    }
    let actor = session.record.to_actor(with_session(facts, session.id));
    let tx = if visit.is_page {
        tx.enter_actor(&actor).await?;
        Some(tx)
    } else {
        None
    };
    Ok(SessionMember::new(actor, &session.record, tx, now))
}

/// As [`session_resolve`]; also records the use, and gives the session another
/// token if the member's privileges changed. One transaction.
async fn session_resolve_and_write(
    ctx: &Ctx,
    token: &SessionToken,
    facts: &RequestFacts,
    Visit {
        is_use, may_rotate, ..
    }: Visit,
) -> Result<SessionMember, CallerError> {
    let now = ctx.clock.now();
    let hash = token.hash();
    let mut tx = ctx.store.begin_auth().await?;
    let session = session_load(&mut tx, &hash, now)
        .await?
        .ok_or(CallerError::Unknown)?;
    let is_due = is_use && !session.by_previous_id && is_use_due(Some(session.last_seen_at), now);
    if is_due {
        // Extends by the idle time from the session's start, which the
        // organisation may have set shorter than the operator.
        let idle = session.idle_expires_at - session.last_seen_at;
        session_touch(&mut tx, &hash, now + idle, now).await?;
    }
    let used_at = is_due.then_some(now);
    let (tx, record) = caller_load(tx, session.tenant_id, session.user_id, used_at).await?;
    let privileges = privileges_hash(&record);
    let is_known = session.privileges_hash.as_deref() == Some(&privileges);
    let rotated = if may_rotate && !is_known && !session.by_previous_id {
        let mut tx = tx.into_auth().await?;
        let rotated = rotate(ctx, &mut tx, &hash, &session, privileges).await?;
        tx.commit().await?;
        rotated
    } else {
        tx.commit().await?;
        None
    };
    let actor = record.to_actor(with_session(facts, session.id));
    Ok(SessionMember {
        rotated,
        refresh: (is_use && refresh_is_due(&session, now)).then_some(session),
        ..SessionMember::new(actor, &record, None, now)
    })
}

/// Resolves the member of a running request's session again. Finds the session
/// also after its token was rotated, and doesn't count as use of it.
pub async fn session_revalidate(
    ctx: &Ctx,
    (tenant_id, session): (TenantId, SessionId),
    facts: &RequestFacts,
) -> Result<Actor, CallerError> {
    let mut tx = ctx.store.begin_auth().await?;
    let user_id = session_user(&mut tx, tenant_id, session, ctx.clock.now())
        .await?
        .ok_or(CallerError::Unknown)?;
    let (_, record) = caller_load(tx, tenant_id, user_id, None).await?;
    Ok(record.to_actor(with_session(facts, session)))
}

pub(super) fn with_session(facts: &RequestFacts, session: SessionId) -> RequestFacts {
    RequestFacts {
        session_id: Some(session),
        ..facts.clone()
    }
}

/// Rotates the token because the member's privileges have changed (SEC-B2).
/// `None` if the session is new, has ended or was rotated by another request.
async fn rotate(
    ctx: &Ctx,
    tx: &mut AuthTx,
    hash: &[u8; 32],
    session: &StoredSession,
    privileges: [u8; 32],
) -> Result<Option<IssuedToken>, StoreError> {
    let now = ctx.clock.now();
    if session.privileges_hash.is_none() {
        session_privileges_set(tx, hash, &privileges, now).await?;
        return Ok(None);
    }
    let token = SessionToken::generate(&ctx.ids);
    let rotation = Rotation {
        id_hash: token.hash(),
        privileges,
        previous_until: now + ROTATION_GRACE,
    };
    let is_rotated = session_rotate(tx, hash, &rotation, now).await?;
    Ok(is_rotated.then_some(IssuedToken {
        token,
        expires_at: session.absolute_expires_at,
    }))
}

/// SHA-256 of a member's privileges: roles, permissions, led teams and operator
/// rights.
fn privileges_hash(record: &ActorRecord) -> [u8; 32] {
    let permissions = record.profile.permissions.iter();
    let permissions: BTreeSet<_> = permissions.map(|permission| permission.key()).collect();
    let led: BTreeSet<_> = record.led_team_ids.iter().map(|id| id.0).collect();
    let privileges = json!([record.role_keys, permissions, led, record.is_operator]);
    sha256(privileges.to_string().as_bytes())
}
