//! Operations called with their arguments one by one, for tests that call them
//! often.

use domain::{
    Actor, AppError, MemoryViewId, NotificationId, Page, PersonaId, RequestId, RoleId, TeamId,
    UserId,
    bulk::{
        BulkAction, BulkActionListInput, BulkChoice, BulkInput, BulkOutcome, BulkOutcomePath,
        BulkPreview,
    },
    member::{MemberDetail, MemberListInput, MemberPath, MemberRolePath, MemberSummary},
    memory_view::{
        MemoryView, MemoryViewInput, MemoryViewListInput, MemoryViewPath, MemoryViewQuery,
        MemoryViewRenameInput,
    },
    notification::{
        NotificationListInput, NotificationPage, NotificationPath, NotificationReadAllInput,
    },
    offboard::OffboardPreview,
    persona::{Persona, PersonaInput, PersonaListInput, PersonaPath, PersonaUpdateInput},
    role::{
        Role, RoleDeleteInput, RoleDetail, RoleInput, RoleListInput, RolePath, RoleUpdateInput,
    },
    team::{
        TeamChange, TeamDeleteInput, TeamDetail, TeamInput, TeamListInput, TeamMemberInput,
        TeamMemberPath, TeamPath, TeamRenameInput, TeamSummary,
    },
};
use service::{
    Ctx, MemberBulkActionList, MemberBulkOutcomeGet, MemberBulkPreview, MemberGet, MemberList,
    MemberOffboardPreview, MemberRoleGrant, MemberRoleRevoke, MemoryViewCreate, MemoryViewDelete,
    MemoryViewList, MemoryViewRename, NotificationList, NotificationRead, NotificationReadAll,
    PersonaCreate, PersonaDelete, PersonaGet, PersonaList, PersonaUpdate, RoleCreate, RoleDelete,
    RoleGet, RoleList, RoleUpdate, TeamCreate, TeamDelete, TeamGet, TeamList, TeamMemberRemove,
    TeamMemberSet, TeamRename, call,
};

pub(crate) async fn team_list(
    ctx: &Ctx,
    actor: &Actor,
    query: &str,
    after: Option<&str>,
) -> Result<Page<TeamSummary>, AppError> {
    let input = TeamListInput {
        query: query.into(),
        after: after.map(Into::into),
    };
    call::<TeamList>(ctx, actor, input).await
}

pub(crate) async fn team_get(ctx: &Ctx, actor: &Actor, id: TeamId) -> Result<TeamDetail, AppError> {
    call::<TeamGet>(ctx, actor, TeamPath { id }).await
}

pub(crate) async fn team_create(ctx: &Ctx, actor: &Actor, name: &str) -> Result<TeamId, AppError> {
    let input = TeamInput { name: name.into() };
    Ok(call::<TeamCreate>(ctx, actor, input).await?.id)
}

pub(crate) async fn team_rename(
    ctx: &Ctx,
    actor: &Actor,
    id: TeamId,
    name: &str,
) -> Result<(), AppError> {
    let input = TeamRenameInput {
        id,
        name: name.into(),
    };
    call::<TeamRename>(ctx, actor, input).await.map(drop)
}

pub(crate) async fn team_member_change(
    ctx: &Ctx,
    actor: &Actor,
    id: TeamId,
    user_id: UserId,
    change: TeamChange,
) -> Result<(), AppError> {
    match change {
        TeamChange::Join(role) => {
            let input = TeamMemberInput { id, user_id, role };
            call::<TeamMemberSet>(ctx, actor, input).await
        }
        TeamChange::Leave => {
            call::<TeamMemberRemove>(ctx, actor, TeamMemberPath { id, user_id }).await
        }
    }
}

pub(crate) async fn team_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: TeamId,
    confirm: &str,
) -> Result<(), AppError> {
    let input = TeamDeleteInput {
        id,
        confirm: confirm.into(),
    };
    call::<TeamDelete>(ctx, actor, input).await
}

pub(crate) async fn role_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Role>, AppError> {
    Ok(call::<RoleList>(ctx, actor, RoleListInput {}).await?.items)
}

pub(crate) async fn role_get(ctx: &Ctx, actor: &Actor, id: RoleId) -> Result<RoleDetail, AppError> {
    call::<RoleGet>(ctx, actor, RolePath { id }).await
}

pub(crate) async fn role_create(
    ctx: &Ctx,
    actor: &Actor,
    input: &RoleInput,
) -> Result<RoleId, AppError> {
    Ok(call::<RoleCreate>(ctx, actor, input.clone()).await?.id)
}

pub(crate) async fn role_update(
    ctx: &Ctx,
    actor: &Actor,
    id: RoleId,
    version: i32,
    input: &RoleInput,
) -> Result<(), AppError> {
    let RoleInput {
        name,
        description,
        permissions,
    } = input.clone();
    let input = RoleUpdateInput {
        id,
        version,
        name,
        description,
        permissions,
    };
    call::<RoleUpdate>(ctx, actor, input).await
}

pub(crate) async fn role_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: RoleId,
    version: i32,
    holder_count: i64,
) -> Result<(), AppError> {
    let input = RoleDeleteInput {
        id,
        version,
        holder_count,
    };
    call::<RoleDelete>(ctx, actor, input).await
}

pub(crate) async fn member_list(
    ctx: &Ctx,
    actor: &Actor,
    input: &MemberListInput,
) -> Result<Page<MemberSummary>, AppError> {
    call::<MemberList>(ctx, actor, input.clone()).await
}

pub(crate) async fn member_get(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
) -> Result<MemberDetail, AppError> {
    call::<MemberGet>(ctx, actor, MemberPath { id }).await
}

pub(crate) async fn member_role_grant(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
    role_id: RoleId,
) -> Result<(), AppError> {
    call::<MemberRoleGrant>(ctx, actor, MemberRolePath { id, role_id }).await
}

pub(crate) async fn member_role_revoke(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
    role_id: RoleId,
) -> Result<(), AppError> {
    call::<MemberRoleRevoke>(ctx, actor, MemberRolePath { id, role_id }).await
}

pub(crate) async fn offboard_preview(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
) -> Result<OffboardPreview, AppError> {
    call::<MemberOffboardPreview>(ctx, actor, MemberPath { id }).await
}

pub(crate) async fn bulk_choices(ctx: &Ctx, actor: &Actor) -> Result<Vec<BulkChoice>, AppError> {
    let page = call::<MemberBulkActionList>(ctx, actor, BulkActionListInput {}).await?;
    Ok(page.items)
}

pub(crate) async fn bulk_preview(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAction,
    ids: &[UserId],
) -> Result<BulkPreview, AppError> {
    call::<MemberBulkPreview>(ctx, actor, bulk_input(act, ids)).await
}

pub(crate) async fn bulk_apply(
    ctx: &Ctx,
    actor: &Actor,
    act: BulkAction,
    ids: &[UserId],
) -> Result<RequestId, AppError> {
    service::bulk_apply(ctx, actor, bulk_input(act, ids)).await
}

fn bulk_input(act: BulkAction, ids: &[UserId]) -> BulkInput {
    BulkInput {
        act: act.key(),
        ids: ids.to_vec(),
    }
}

pub(crate) async fn bulk_outcome(
    ctx: &Ctx,
    actor: &Actor,
    id: RequestId,
) -> Result<BulkOutcome, AppError> {
    call::<MemberBulkOutcomeGet>(ctx, actor, BulkOutcomePath { id }).await
}

pub(crate) async fn persona_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Persona>, AppError> {
    let page = call::<PersonaList>(ctx, actor, PersonaListInput {}).await?;
    Ok(page.items)
}

pub(crate) async fn persona_get(
    ctx: &Ctx,
    actor: &Actor,
    id: PersonaId,
) -> Result<Persona, AppError> {
    call::<PersonaGet>(ctx, actor, PersonaPath { id }).await
}

pub(crate) async fn persona_create(
    ctx: &Ctx,
    actor: &Actor,
    input: &PersonaInput,
) -> Result<PersonaId, AppError> {
    Ok(call::<PersonaCreate>(ctx, actor, input.clone()).await?.id)
}

pub(crate) async fn persona_update(
    ctx: &Ctx,
    actor: &Actor,
    id: PersonaId,
    input: &PersonaInput,
) -> Result<(), AppError> {
    let PersonaInput { name, description } = input.clone();
    let input = PersonaUpdateInput {
        id,
        name,
        description,
    };
    call::<PersonaUpdate>(ctx, actor, input).await
}

pub(crate) async fn persona_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: PersonaId,
) -> Result<(), AppError> {
    call::<PersonaDelete>(ctx, actor, PersonaPath { id }).await
}

pub(crate) async fn memory_view_list(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<Vec<MemoryView>, AppError> {
    let page = call::<MemoryViewList>(ctx, actor, MemoryViewListInput {}).await?;
    Ok(page.items)
}

pub(crate) async fn memory_view_create(
    ctx: &Ctx,
    actor: &Actor,
    name: &str,
    query: &MemoryViewQuery,
) -> Result<MemoryViewId, AppError> {
    let input = MemoryViewInput {
        name: name.into(),
        query: query.clone(),
    };
    Ok(call::<MemoryViewCreate>(ctx, actor, input).await?.id)
}

pub(crate) async fn memory_view_rename(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryViewId,
    name: &str,
) -> Result<(), AppError> {
    let input = MemoryViewRenameInput {
        id,
        name: name.into(),
    };
    call::<MemoryViewRename>(ctx, actor, input).await.map(drop)
}

pub(crate) async fn memory_view_delete(
    ctx: &Ctx,
    actor: &Actor,
    id: MemoryViewId,
) -> Result<(), AppError> {
    call::<MemoryViewDelete>(ctx, actor, MemoryViewPath { id }).await
}

pub(crate) async fn notification_list(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<NotificationPage, AppError> {
    call::<NotificationList>(ctx, actor, NotificationListInput::default()).await
}

pub(crate) async fn notification_read(
    ctx: &Ctx,
    actor: &Actor,
    id: NotificationId,
) -> Result<(), AppError> {
    call::<NotificationRead>(ctx, actor, NotificationPath { id }).await
}

pub(crate) async fn notification_read_all(ctx: &Ctx, actor: &Actor) -> Result<(), AppError> {
    call::<NotificationReadAll>(ctx, actor, NotificationReadAllInput {}).await
}
