//! Break-glass: reading a member's private memories for a stated reason. A
//! grant, its audit row and the member's notification are written in one
//! transaction, and so are each read and its audit row.

use domain::{
    Action, Actor, ActorKind, AppError, BreakGlassId, MemoryId, NoInput, Page, Permission,
    Timestamp, UserId,
    break_glass::{
        BreakGlassDraft, BreakGlassGrant, BreakGlassReport, BreakGlassRequest, BreakGlassStatus,
        BreakGlassView, PrivateMemory,
    },
    member::Member,
    memory::Memory,
    notification::{BreakGlassOpened, NotificationData},
    paging::PAGE_SIZE,
};
use serde_json::json;
use store::{
    TenantTx, break_glass::break_glass_find, notification::notification_create, user::user_find,
};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    BreakGlassReportList,
}

/// Number of recent grants on a member's own page.
const REPORTS_SHOWN: u16 = 10;

/// Grants the actor access to the private memories of `subject`, and notifies
/// `subject`.
///
/// # Errors
/// [`AppError::Conflict`] for the actor themselves, for an agent or a service,
/// because nobody could be notified, and while a grant is open.
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
        return Err(conflict("You can already view your own memories."));
    }
    if member.kind != ActorKind::Human {
        return Err(conflict(
            "Only the private memories of people can be opened, because a service can't be notified.",
        ));
    }
    let command = BreakGlassRequest::parse(draft)?;
    let now = ctx.clock.now();
    if break_glass_find(&mut act.tx, subject, now).await?.is_some() {
        return Err(conflict(
            "You have already opened these memories. End the access before you open them again.",
        ));
    }
    let id: BreakGlassId = ctx.ids.id();
    let BreakGlassRequest { reason, term } = &command;
    store::break_glass::break_glass_open(&mut act.tx, id, subject, reason, *term, now).await?;
    let notice = NotificationData::BreakGlassOpened(BreakGlassOpened {
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
    act.commit(AuditTarget::of(subject).with_changes(opened))
        .await?;
    Ok(id)
}

/// Closes the actor's open grant on `subject`.
///
/// # Errors
/// [`AppError::Conflict`] if none is open.
pub async fn break_glass_close(ctx: &Ctx, actor: &Actor, subject: UserId) -> Result<(), AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::BreakGlassClose).await?;
    user_find(&mut act.tx, subject).await?;
    let now = ctx.clock.now();
    let Some(grant) = break_glass_find(&mut act.tx, subject, now).await? else {
        return Err(AppError::Conflict {
            message: "Access to these memories has already ended.".into(),
        });
    };
    store::break_glass::break_glass_close(&mut act.tx, subject, now).await?;
    let closed = json!({ "before": { "grant": grant.id, "reason": grant.reason } });
    act.commit(AuditTarget::of(subject).with_changes(closed))
        .await
}

/// One page of the private memories of `subject`, last changed first; audited.
/// Without an open grant it returns none and audits the attempt.
pub async fn break_glass_list(
    ctx: &Ctx,
    actor: &Actor,
    subject: UserId,
    after: Option<&str>,
) -> Result<BreakGlassView<Page<PrivateMemory>>, AppError> {
    let (mut act, grant, closed) = begin_read(ctx, actor, Action::BreakGlassList, subject).await?;
    let Some((grant, now)) = grant else {
        act.deny(AuditTarget::of(subject), "not_open").await?;
        return Ok(closed);
    };
    let page =
        store::break_glass::break_glass_list(&mut act.tx, subject, now, after, PAGE_SIZE).await?;
    let target = AuditTarget::of(grant.id)
        .with_note("member", subject.to_string())
        .with_note("memories", page.items.len());
    act.commit(target).await?;
    Ok(BreakGlassView {
        open: Some((grant, page)),
        ..closed
    })
}

/// One private memory of `subject`; audited like [`break_glass_list`].
pub async fn break_glass_read(
    ctx: &Ctx,
    actor: &Actor,
    subject: UserId,
    id: MemoryId,
) -> Result<BreakGlassView<Memory>, AppError> {
    let (mut act, grant, closed) = begin_read(ctx, actor, Action::BreakGlassRead, subject).await?;
    let Some((grant, now)) = grant else {
        act.deny(AuditTarget::of(subject), "not_open").await?;
        return Ok(closed);
    };
    let memory = store::break_glass::break_glass_get(&mut act.tx, subject, id, now).await?;
    let target = AuditTarget::of(grant.id)
        .with_note("member", subject.to_string())
        .with_note("memory", id.to_string());
    act.commit(target).await?;
    Ok(BreakGlassView {
        open: Some((grant, memory)),
        ..closed
    })
}

/// Begins an action that shows private memories. Returns the grant that allows
/// it now, if any, and the view without memories.
async fn begin_read<'a, T>(
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

pub struct BreakGlassReportList;

impl Operation for BreakGlassReportList {
    const ACTION: Action = Action::NotificationList;
    const ROUTE: Route = Route::get("/me/break-glass-reports");
    const GROUP: Group = Group::Account;
    const TITLE: &'static str = "List who opened the member's private memories";
    const DESCRIPTION: &'static str =
        "The 10 newest grants, with the reason of each and the memories that were read.";
    type Input = NoInput;
    type Output = Vec<BreakGlassReport>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        _: NoInput,
    ) -> Result<Done<Vec<BreakGlassReport>>, AppError> {
        let reports = store::break_glass::break_glass_reports(tx, REPORTS_SHOWN).await?;
        Ok(Done::read(reports))
    }
}

/// The state of the actor's grant on `member`; `None` if the actor can't open
/// one.
pub(crate) async fn standing(
    tx: &mut TenantTx,
    actor: &Actor,
    member: &Member,
    now: Timestamp,
) -> Result<Option<BreakGlassStatus>, AppError> {
    let may = actor.permissions.contains(&Permission::MemoryBreakGlass);
    if !may || member.id == actor.user_id || member.kind != ActorKind::Human {
        return Ok(None);
    }
    let grant = break_glass_find(tx, member.id, now).await?;
    Ok(Some(
        grant.map_or(BreakGlassStatus::Closed, BreakGlassStatus::Open),
    ))
}
