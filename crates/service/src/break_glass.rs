//! Reading a member's private memories for a stated reason: the grant, the
//! audit row and what the member is told are one transaction, and so are each
//! reading and its audit row.

use domain::{
    Action, Actor, ActorKind, AppError, BreakGlassId, MemoryId, Page, Permission, Timestamp,
    UserId,
    break_glass::{
        BreakGlassDraft, BreakGlassGrant, BreakGlassReport, BreakGlassRequest, BreakGlassStanding,
        BreakGlassView, PrivateMemory,
    },
    member::Member,
    memory::Memory,
    notification::{BreakGlassOpened, Notice},
    paging::PAGE_SIZE,
};
use serde_json::json;
use store::{
    TenantTx, break_glass::break_glass_find, notification::notification_create, user::user_find,
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// Grants that a member's own page tells of.
const REPORTS_SHOWN: u16 = 10;

/// Opens the private memories of `subject` to the actor and tells `subject`.
///
/// # Errors
/// [`AppError::Invalid`] naming the fields at fault; [`AppError::Conflict`] for
/// oneself, for a program, whom nobody could tell, and while they are open;
/// [`AppError::Forbidden`]; [`AppError::NotFound`].
pub async fn break_glass_open(
    ctx: &Ctx,
    actor: &Actor,
    subject: UserId,
    draft: &BreakGlassDraft,
) -> Result<BreakGlassId, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::BreakGlassOpen).await?;
    let member = user_find(&mut act.tx, subject).await?;
    let conflict = |message: &str| AppError::Conflict {
        message: message.to_owned(),
    };
    if subject == actor.user_id {
        return Err(conflict("Your own memories are open to you already."));
    }
    if member.kind != ActorKind::Human {
        return Err(conflict(
            "Only people's private memories can be opened: nobody could be told of this.",
        ));
    }
    let command = BreakGlassRequest::parse(draft)?;
    let now = ctx.clock.now();
    if break_glass_find(&mut act.tx, subject, now).await?.is_some() {
        return Err(conflict(
            "You have opened these already. Close them before you open them again.",
        ));
    }
    let id: BreakGlassId = ctx.ids.id();
    let BreakGlassRequest { reason, term } = &command;
    store::break_glass::break_glass_open(&mut act.tx, id, subject, reason, *term, now).await?;
    let notice = Notice::BreakGlassOpened(BreakGlassOpened {
        grant: id,
        reader: actor.label.clone(),
        reason: reason.clone(),
        until: now + *term,
    });
    notification_create(&mut act.tx, ctx.ids.id(), subject, &notice, now).await?;
    let opened = json!({ "after": {
        "grant": id,
        "reason": reason,
        "minutes": term.whole_minutes(),
    } });
    act.commit(AuditTarget::user(subject).changed(opened))
        .await?;
    Ok(id)
}

/// Closes what the actor has open of `subject`.
///
/// # Errors
/// [`AppError::Conflict`] when nothing is open; [`AppError::Forbidden`];
/// [`AppError::NotFound`].
pub async fn break_glass_close(ctx: &Ctx, actor: &Actor, subject: UserId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::BreakGlassClose).await?;
    user_find(&mut act.tx, subject).await?;
    let now = ctx.clock.now();
    let Some(grant) = break_glass_find(&mut act.tx, subject, now).await? else {
        return Err(AppError::Conflict {
            message: "These memories are closed already.".into(),
        });
    };
    store::break_glass::break_glass_close(&mut act.tx, subject, now).await?;
    let closed = json!({ "before": { "grant": grant.id, "reason": grant.reason } });
    act.commit(AuditTarget::user(subject).changed(closed)).await
}

/// One page of the private memories of `subject`, last changed first; audited.
/// Without an open grant it shows nothing, and that it was tried is audited.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`] when the organisation has no
/// such member; [`AppError::Invalid`] for a broken `after`.
pub async fn break_glass_list(
    ctx: &Ctx,
    actor: &Actor,
    subject: UserId,
    after: Option<&str>,
) -> Result<BreakGlassView<Page<PrivateMemory>>, AppError> {
    let (mut act, grant, closed) = reveal(ctx, actor, Action::BreakGlassList, subject).await?;
    let Some((grant, now)) = grant else {
        act.deny(AuditTarget::user(subject), "not_open").await?;
        return Ok(closed);
    };
    let page =
        store::break_glass::break_glass_list(&mut act.tx, subject, now, after, PAGE_SIZE).await?;
    let target = AuditTarget::break_glass(grant.id)
        .noting("member", subject.to_string())
        .noting("memories", page.items.len());
    act.commit(target).await?;
    Ok(BreakGlassView {
        open: Some((grant, page)),
        ..closed
    })
}

/// One of the private memories of `subject`; audited like
/// [`break_glass_list`].
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`] for anything else than a
/// private memory of `subject`.
pub async fn break_glass_read(
    ctx: &Ctx,
    actor: &Actor,
    subject: UserId,
    id: MemoryId,
) -> Result<BreakGlassView<Memory>, AppError> {
    let (mut act, grant, closed) = reveal(ctx, actor, Action::BreakGlassRead, subject).await?;
    let Some((grant, now)) = grant else {
        act.deny(AuditTarget::user(subject), "not_open").await?;
        return Ok(closed);
    };
    let memory = store::break_glass::break_glass_get(&mut act.tx, subject, id, now).await?;
    let target = AuditTarget::break_glass(grant.id)
        .noting("member", subject.to_string())
        .noting("memory", id.to_string());
    act.commit(target).await?;
    Ok(BreakGlassView {
        open: Some((grant, memory)),
        ..closed
    })
}

/// Begins an act that shows private memories: with the grant that allows it at
/// this moment, and with what is shown without one.
async fn reveal<'a, T>(
    ctx: &'a Ctx,
    actor: &'a Actor,
    action: Action,
    subject: UserId,
) -> Result<
    (
        AuthorizedTx<'a>,
        Option<(BreakGlassGrant, Timestamp)>,
        BreakGlassView<T>,
    ),
    AppError,
> {
    let mut act = AuthorizedTx::begin(ctx, actor, action).await?;
    let member = user_find(&mut act.tx, subject).await?;
    let now = ctx.clock.now();
    let grant = break_glass_find(&mut act.tx, subject, now).await?;
    let closed = BreakGlassView {
        subject_id: subject,
        subject_name: member.display_name,
        open: None,
    };
    Ok((act, grant.map(|grant| (grant, now)), closed))
}

/// Who could read the actor's private memories lately, why, and what they read.
///
/// # Errors
/// [`AppError::Forbidden`].
pub async fn break_glass_about(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<Vec<BreakGlassReport>, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::NotificationList).await?;
    Ok(store::break_glass::break_glass_about(&mut act.tx, REPORTS_SHOWN).await?)
}

/// What the page of `member` says to the actor of the member's private
/// memories; nothing to who may not open them.
pub(crate) async fn standing(
    tx: &mut TenantTx,
    actor: &Actor,
    member: &Member,
    now: Timestamp,
) -> Result<Option<BreakGlassStanding>, AppError> {
    let may = actor.permissions.contains(&Permission::MemoryBreakGlass);
    if !may || member.id == actor.user_id || member.kind != ActorKind::Human {
        return Ok(None);
    }
    let grant = break_glass_find(tx, member.id, now).await?;
    Ok(Some(grant.map_or(
        BreakGlassStanding::Closed,
        BreakGlassStanding::Open,
    )))
}
