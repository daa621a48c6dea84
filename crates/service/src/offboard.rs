//! Offboarding a member: a preview, then everything in one transaction.
//!
//! The member's identity at the issuer stays linked, so that a later sign-in
//! doesn't create a new member of the same person, to whom group rules would
//! grant roles and teams again.

use domain::{
    Action, Actor, AppError, Permission, Timestamp, UserId,
    member::{MemberPath, UserStatus},
    offboard::{OffboardInput, OffboardPreview},
};
use serde_json::{Value, json};
use store::{
    api_key::api_key_revoke_all,
    offboard::{
        teams_with_sole_lead, user_keys_count, user_memories_count, user_memories_transfer,
        user_proposals_withdraw, user_roles_remove, user_teams_remove,
    },
    session::session_revoke_others,
    user::{user_find, user_status_set},
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    member::{blocked_reason, live_sessions},
    operation::{Done, Endpoint, Group, Operation, Route, operations},
};

operations! {
    MemberOffboard,
    MemberOffboardPreview,
}

/// Memories transferred in one statement.
const BATCH: i64 = 500;

/// Shown to proposers whose proposal ends, and to the heir of a memory.
const REASON: &str = "Its owner has left.";

pub struct MemberOffboardPreview;

impl Operation for MemberOffboardPreview {
    const ACTION: Action = Action::MemberOffboardPreview;
    const ROUTE: Route = Route::get("/members/{id}/offboard-preview");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Preview what offboarding a member ends and transfers";
    type Input = MemberPath;
    type Output = OffboardPreview;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        MemberPath { id }: MemberPath,
    ) -> Result<Done<OffboardPreview>, AppError> {
        let now = tx.now();
        let member = store::member::member_get(tx, id).await?;
        let memories = user_memories_count(tx, id).await?;
        let left_without_lead = teams_with_sole_lead(tx, id).await?;
        let keys = user_keys_count(tx, id, now).await?;
        let sessions = live_sessions(tx, id).await?;
        Ok(Done::read(OffboardPreview {
            blocked_reason: blocked_reason(tx.actor, &member),
            member,
            sessions: i64::try_from(sessions.len()).unwrap_or(i64::MAX),
            keys,
            shared_memories: memories.shared,
            private_memories: memories.private,
            left_without_lead,
        }))
    }
}

/// Ends sessions, revokes API keys, roles and teams, and transfers shared
/// memories to the heir. A member who was already deactivated loses what is
/// left. Its transaction begins with the role of the authentication, which ends
/// the sessions.
pub struct MemberOffboard;

impl Endpoint for MemberOffboard {
    const ACTION: Action = Action::MemberOffboard;
    const ROUTE: Route = Route::act("/members/{id}/offboard");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Offboard a member";
    const DESCRIPTION: &'static str = "Ends their sessions, revokes their API keys, roles and teams, and transfers their shared memories to the heir. This can't be undone.";
    type Input = OffboardInput;
    type Output = ();

    /// # Errors
    /// [`AppError::Invalid`] for a `confirm` that isn't the member's name, and
    /// for shared memories without a valid heir; [`AppError::Conflict`] for the
    /// last owner.
    async fn call(ctx: &Ctx, actor: &Actor, input: OffboardInput) -> Result<(), AppError> {
        AuthorizedTx::authorize(ctx, actor, Action::MemberOffboard).await?;
        let now = ctx.clock.now();
        let mut tx = ctx.store.begin_auth().await?;
        let ended = session_revoke_others(&mut tx, actor.tenant_id, input.id, None, now).await?;
        let mut tx = AuthorizedTx::enter(ctx, actor, Action::MemberOffboard, tx).await?;
        let done = offboard_in_tx(&mut tx, actor, &input, now).await;
        let done = done.map(|mut changes| {
            changes["sessions_ended"] = json!(ended);
            changes
        });
        tx.finish(AuditTarget::of(input.id), done).await
    }
}

async fn offboard_in_tx(
    act: &mut AuthorizedTx<'_>,
    actor: &Actor,
    input: &OffboardInput,
    now: Timestamp,
) -> Result<Value, AppError> {
    let OffboardInput { id, confirm, heir } = input;
    let (id, heir) = (*id, *heir);
    let member = store::member::member_get(&mut act.tx, id).await?;
    if member.is_owner {
        actor.authorize(Permission::OwnerGrant)?;
    }
    if confirm.trim() != member.display_name.trim() {
        let message = format!("Type the member's name, “{}”.", member.display_name);
        return Err(AppError::field("confirm", message));
    }
    if member.status != UserStatus::Deactivated {
        // Fails for the last owner.
        user_status_set(&mut act.tx, id, UserStatus::Deactivated, now).await?;
    }
    let withdrawn = user_proposals_withdraw(&mut act.tx, id, REASON, now).await?;
    let count = transfer_memories(act, id, heir, now).await?;
    let tx = &mut act.tx;
    let keys = api_key_revoke_all(tx, id, now).await?;
    let teams = user_teams_remove(tx, id).await?;
    let roles = user_roles_remove(tx, id).await?;
    Ok(json!({
        "before": {
            "status": member.status.key(),
            "roles": roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "teams": teams.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
        "after": { "status": UserStatus::Deactivated.key() },
        "keys_revoked": keys,
        "memories_handed_over": count,
        "proposals_withdrawn": withdrawn,
        "heir": heir.filter(|_| count > 0).map(|heir| heir.to_string()),
    }))
}

/// Transfers the member's shared memories to the heir, each with a new version
/// and an audit row; returns their number.
async fn transfer_memories(
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
        .ok_or_else(|| AppError::field("heir", "Choose the new owner of the shared memories."))?;
    match user_find(&mut act.tx, heir).await {
        Ok(user) if user.status == UserStatus::Active => {}
        Ok(_) | Err(store::StoreError::NotFound) => {
            return Err(AppError::field("heir", "Choose an active member."));
        }
        Err(error) => return Err(error.into()),
    }
    let mut count = 0;
    loop {
        let batch = user_memories_transfer(&mut act.tx, id, heir, BATCH, REASON, now).await?;
        if batch.is_empty() {
            return Ok(count);
        }
        count += batch.len();
        let targets = batch.into_iter().map(|memory| {
            let changes = json!({ "before": { "owner": id }, "after": { "owner": heir } });
            AuditTarget::of(memory).with_changes(changes)
        });
        act.audit_side_effects(Action::MemberOffboard, targets)
            .await?;
    }
}
