//! Letting a member go: first what will end, then all of it in one
//! transaction.
//!
//! What the issuer calls the member stays tied to them: that is what keeps a
//! later sign-in from making a new member of the same person, whom groups at
//! the issuer would give roles and teams again.

use domain::{
    Action, Actor, AppError, Permission, Timestamp, UserId,
    member::UserStatus,
    offboard::{OffboardPreview, OffboardRequest},
};
use serde_json::{Value, json};
use store::{
    api_key::api_key_revoke_all,
    offboard::{
        teams_led_alone, user_keys_count, user_memories_count, user_memories_hand_over,
        user_proposals_withdraw, user_roles_drop, user_teams_leave,
    },
    session::{session_list, session_revoke_others},
    user::{user_find, user_status_set},
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    member::blocked_reason,
};

/// Memories that change hands in one statement.
const BATCH: i64 = 500;

/// What the owner of a proposal or the heir of a memory reads of it.
const REASON: &str = "Its owner has left.";

/// What ends when `id` is let go.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`].
pub async fn offboard_preview(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
) -> Result<OffboardPreview, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::MemberOffboard).await?;
    let member = store::member::member_get(&mut act.tx, id).await?;
    let memories = user_memories_count(&mut act.tx, id).await?;
    let left_without_lead = teams_led_alone(&mut act.tx, id).await?;
    let keys = user_keys_count(&mut act.tx, id, ctx.clock.now()).await?;
    drop(act);
    let mut tx = ctx.store.begin_auth().await?;
    let now = ctx.clock.now();
    let sessions = session_list(&mut tx, actor.tenant_id, id, None, now).await?;
    Ok(OffboardPreview {
        blocked_reason: blocked_reason(actor, &member),
        member,
        sessions: i64::try_from(sessions.len()).unwrap_or(i64::MAX),
        keys,
        shared_memories: memories.shared,
        private_memories: memories.private,
        left_without_lead,
    })
}

/// Lets a member go, at once and for good: out of every browser, their keys
/// worthless, without role and team, what they shared in somebody's hands. For
/// who was deactivated before, it takes what is left.
///
/// # Errors
/// [`AppError::Invalid`] for a name that is not the member's, and for shared
/// memories without an heir or with one who can't be; [`AppError::Conflict`]
/// for the last owner; [`AppError::Forbidden`]; [`AppError::NotFound`].
pub async fn offboard(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
    command: &OffboardRequest,
) -> Result<(), AppError> {
    AuthorizedTx::authorize(ctx, actor, Action::MemberOffboard).await?;
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_auth().await?;
    let ended = session_revoke_others(&mut tx, actor.tenant_id, id, None, now).await?;
    let mut act = AuthorizedTx::enter(ctx, actor, Action::MemberOffboard, tx).await?;
    let done = within(&mut act, actor, id, command, now).await;
    let done = done.map(|mut changes| {
        changes["sessions_ended"] = json!(ended);
        changes
    });
    act.finish(AuditTarget::user(id), done).await
}

async fn within(
    act: &mut AuthorizedTx<'_>,
    actor: &Actor,
    id: UserId,
    command: &OffboardRequest,
    now: Timestamp,
) -> Result<Value, AppError> {
    let member = store::member::member_get(&mut act.tx, id).await?;
    if member.is_owner {
        actor.authorize(Permission::OwnerGrant)?;
    }
    if command.confirm.trim() != member.display_name.trim() {
        let message = format!("Type the member's name, “{}”.", member.display_name);
        return Err(AppError::field("confirm", message));
    }
    if member.status != UserStatus::Deactivated {
        // Holds that an owner is left.
        user_status_set(&mut act.tx, id, UserStatus::Deactivated, now).await?;
    }
    let withdrawn = user_proposals_withdraw(&mut act.tx, id, REASON, now).await?;
    let handed = hand_over(act, id, command.heir, now).await?;
    let tx = &mut act.tx;
    let keys = api_key_revoke_all(tx, id, now).await?;
    let teams = user_teams_leave(tx, id).await?;
    let roles = user_roles_drop(tx, id).await?;
    Ok(json!({
        "before": {
            "status": member.status.key(),
            "roles": roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "teams": teams.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
        "after": { "status": UserStatus::Deactivated.key() },
        "keys_revoked": keys,
        "memories_handed_over": handed,
        "proposals_withdrawn": withdrawn,
        "heir": command.heir.filter(|_| handed > 0).map(|heir| heir.to_string()),
    }))
}

/// Gives what the member shared to the heir, each memory with its version and
/// its audit row; says how many memories it was.
async fn hand_over(
    act: &mut AuthorizedTx<'_>,
    id: UserId,
    heir: Option<UserId>,
    now: Timestamp,
) -> Result<usize, AppError> {
    if user_memories_count(&mut act.tx, id).await?.shared == 0 {
        return Ok(0);
    }
    let heir = heir
        .filter(|heir| *heir != id)
        .ok_or_else(|| AppError::field("heir", "Choose who takes over the shared memories."))?;
    match user_find(&mut act.tx, heir).await {
        Ok(user) if user.status == UserStatus::Active => {}
        Ok(_) | Err(store::StoreError::NotFound) => {
            return Err(AppError::field("heir", "Choose a member who is active."));
        }
        Err(error) => return Err(error.into()),
    }
    let mut handed = 0;
    loop {
        let some = user_memories_hand_over(&mut act.tx, id, heir, BATCH, REASON, now).await?;
        if some.is_empty() {
            return Ok(handed);
        }
        handed += some.len();
        let targets = some.into_iter().map(|memory| {
            let changes = json!({ "before": { "owner": id }, "after": { "owner": heir } });
            AuditTarget::memory(memory).changed(changes)
        });
        act.also(Action::MemberOffboard, targets).await?;
    }
}
