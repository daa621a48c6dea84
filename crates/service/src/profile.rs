//! The actor's own account, organisations and browser sessions, and finding an
//! actor.

use domain::{
    Action, Actor, AppError, NoInput, RequestFacts, SessionId, TenantId, UserId,
    profile::{Organisation, Profile, Session},
};
use serde_json::json;
use store::{
    actor::ActorRecord,
    tenant::{TenantStatus, session_memberships},
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    ProfileGet,
}

pub struct ProfileGet;

impl Operation for ProfileGet {
    const ACTION: Action = Action::ProfileGet;
    const ROUTE: Route = Route::get("/me");
    const GROUP: Group = Group::Account;
    const TITLE: &'static str = "Get the current identity";
    const DESCRIPTION: &'static str =
        "With the organisation, and what the key may do at this moment.";
    type Input = NoInput;
    type Output = Profile;

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<Profile>, AppError> {
        let actor = tx.actor;
        let known = tx.ctx.page.as_ref().and_then(|page| page.profile_of(actor));
        if let Some(profile) = known {
            return Ok(Done::read(profile.clone()));
        }
        let record = store::actor::actor_load(tx, actor.user_id).await?;
        Ok(Done::read(profile_of(&record, actor)))
    }
}

/// The profile of the actor, whose permissions a key's scopes limit.
pub(crate) fn profile_of(record: &ActorRecord, actor: &Actor) -> Profile {
    let permissions = record.permissions_in(&actor.request).into_iter();
    Profile {
        permissions: permissions
            .filter(|permission| actor.permissions.contains(permission))
            .collect(),
        api_key_id: actor.request.api_key_id,
        ..record.profile.clone()
    }
}

/// The actor's browser sessions, last used first.
pub async fn session_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Session>, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::ProfileGet).await?;
    let mut tx = ctx.store.begin_auth().await?;
    let now = ctx.clock.now();
    let current = actor.request.session_id;
    Ok(store::session::session_list(&mut tx, actor.tenant_id, actor.user_id, current, now).await?)
}

/// The organisations of the person behind the actor's session.
///
/// # Errors
/// [`AppError::NotFound`] outside a browser session.
pub async fn organisation_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Organisation>, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::ProfileGet).await?;
    let session = actor.request.session_id.ok_or(AppError::NotFound)?;
    let mut tx = ctx.store.begin_auth().await?;
    let memberships = session_memberships(&mut tx, actor.tenant_id, session).await?;
    if memberships.is_empty() {
        // Sessions from before identities were stored know only their own.
        let mut tx = tx.enter(actor).await?;
        let own = store::actor::actor_load(&mut tx, actor.user_id)
            .await?
            .profile;
        return Ok(vec![Organisation {
            slug: own.tenant_slug,
            name: own.tenant_name,
            is_current: true,
            is_active: true,
        }]);
    }
    Ok(memberships
        .into_iter()
        .map(|membership| Organisation {
            is_current: membership.tenant.id == actor.tenant_id,
            is_active: membership.tenant.status == TenantStatus::Active,
            slug: membership.tenant.slug,
            name: membership.tenant.name,
        })
        .collect())
}

/// Ends one of the actor's sessions, effective with its next request.
pub async fn session_revoke(ctx: &Ctx, actor: &Actor, id: SessionId) -> Result<(), AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::SessionRevoke).await?;
    let mut tx = ctx.store.begin_auth().await?;
    let now = ctx.clock.now();
    store::session::session_revoke(&mut tx, actor.tenant_id, actor.user_id, id, now).await?;
    let act = AuthorizedTx::enter(ctx, actor, Action::SessionRevoke, tx).await?;
    act.commit(AuditTarget::of(id)).await
}

/// Ends all of the actor's sessions except the current one; returns their
/// number.
pub async fn session_revoke_others(ctx: &Ctx, actor: &Actor) -> Result<u64, AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::SessionRevoke).await?;
    let mut tx = ctx.store.begin_auth().await?;
    let now = ctx.clock.now();
    let current = actor.request.session_id;
    let ended = store::session::session_revoke_others(
        &mut tx,
        actor.tenant_id,
        actor.user_id,
        current,
        now,
    )
    .await?;
    let act = AuthorizedTx::enter(ctx, actor, Action::SessionRevoke, tx).await?;
    act.commit(AuditTarget::several::<SessionId>().with_changes(json!({ "ended": ended })))
        .await?;
    Ok(ended)
}

/// The member `user_id` as an actor with current permissions; `None` if the
/// member or the organisation is not active.
pub async fn actor_find(
    ctx: &Ctx,
    tenant_id: TenantId,
    user_id: UserId,
    request: RequestFacts,
) -> Result<Option<Actor>, AppError> {
    Ok(store::actor::actor_find(&ctx.store, tenant_id, user_id, request).await?)
}
