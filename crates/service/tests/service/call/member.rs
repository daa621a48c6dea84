//! Roles and members.

use domain::{
    Actor, AppError, NoInput, Page, RequestId, RoleId, UserId,
    bulk::{BulkAction, BulkChoice, BulkInput, BulkOutcome, BulkOutcomePath, BulkPreview},
    member::{MemberDetail, MemberListInput, MemberPath, MemberRolePath, MemberSummary},
    offboard::{OffboardInput, OffboardPreview},
    role::{Role, RoleDeleteInput, RoleDetail, RoleInput, RolePath, RoleUpdateInput},
};
use service::{
    Ctx, MemberBulkActionList, MemberBulkApply, MemberBulkOutcomeGet, MemberBulkPreview, MemberGet,
    MemberList, MemberOffboard, MemberOffboardPreview, MemberRoleGrant, MemberRoleRevoke,
    RoleCreate, RoleDelete, RoleGet, RoleList, RoleUpdate, call,
};

pub(crate) async fn role_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Role>, AppError> {
    Ok(call::<RoleList>(ctx, actor, NoInput {}).await?.items)
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

pub(crate) async fn offboard(
    ctx: &Ctx,
    actor: &Actor,
    input: OffboardInput,
) -> Result<(), AppError> {
    call::<MemberOffboard>(ctx, actor, input).await
}

pub(crate) async fn offboard_preview(
    ctx: &Ctx,
    actor: &Actor,
    id: UserId,
) -> Result<OffboardPreview, AppError> {
    call::<MemberOffboardPreview>(ctx, actor, MemberPath { id }).await
}

pub(crate) async fn bulk_choices(ctx: &Ctx, actor: &Actor) -> Result<Vec<BulkChoice>, AppError> {
    let page = call::<MemberBulkActionList>(ctx, actor, NoInput {}).await?;
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
    let applied = call::<MemberBulkApply>(ctx, actor, bulk_input(act, ids)).await?;
    Ok(applied.id)
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
