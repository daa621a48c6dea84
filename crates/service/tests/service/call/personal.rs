//! A member's profile, preferences, personas, saved views and notifications.

use domain::{
    Actor, AppError, MemoryViewId, NoInput, NotificationId, PersonaId, WithId,
    break_glass::BreakGlassReport,
    memory_view::{
        MemoryView, MemoryViewInput, MemoryViewPath, MemoryViewQuery, MemoryViewRenameInput,
    },
    notification::{NotificationListInput, NotificationPage, NotificationPath},
    overview::Overview,
    persona::{Persona, PersonaInput, PersonaPath},
    preferences::{DisplaySettings, Preferences, PreferencesInput, Theme, ThemeInput},
    profile::Profile,
};
use service::{
    BreakGlassReportList, Ctx, MemoryViewCreate, MemoryViewDelete, MemoryViewList,
    MemoryViewRename, NotificationList, NotificationRead, NotificationReadAll, OverviewGet,
    PersonaCreate, PersonaDelete, PersonaGet, PersonaList, PersonaUpdate, PreferencesGet,
    PreferencesUpdate, ProfileGet, ThemeSet, call,
};

pub(crate) async fn profile_get(ctx: &Ctx, actor: &Actor) -> Result<Profile, AppError> {
    call::<ProfileGet>(ctx, actor, NoInput {}).await
}

pub(crate) async fn overview_get(ctx: &Ctx, actor: &Actor) -> Result<Overview, AppError> {
    call::<OverviewGet>(ctx, actor, NoInput {}).await
}

pub(crate) async fn preferences_get(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<(Preferences, Option<String>), AppError> {
    let detail = call::<PreferencesGet>(ctx, actor, NoInput {}).await?;
    Ok((detail.preferences, detail.tenant_time_zone))
}

/// Returns the resulting display settings.
pub(crate) async fn preferences_update(
    ctx: &Ctx,
    actor: &Actor,
    input: &PreferencesInput,
) -> Result<DisplaySettings, AppError> {
    call::<PreferencesUpdate>(ctx, actor, input.clone()).await?;
    let (preferences, tenant_time_zone) = preferences_get(ctx, actor).await?;
    let now = ctx.clock.now();
    Ok(service::display_settings(
        &preferences,
        tenant_time_zone.as_deref(),
        now,
    ))
}

pub(crate) async fn theme_set(ctx: &Ctx, actor: &Actor, theme: Theme) -> Result<(), AppError> {
    call::<ThemeSet>(ctx, actor, ThemeInput { theme }).await
}

pub(crate) async fn break_glass_reports(
    ctx: &Ctx,
    actor: &Actor,
) -> Result<Vec<BreakGlassReport>, AppError> {
    call::<BreakGlassReportList>(ctx, actor, NoInput {}).await
}

pub(crate) async fn persona_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Persona>, AppError> {
    let page = call::<PersonaList>(ctx, actor, NoInput {}).await?;
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
    let input = WithId {
        id,
        input: input.clone(),
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
    let page = call::<MemoryViewList>(ctx, actor, NoInput {}).await?;
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
    call::<NotificationReadAll>(ctx, actor, NoInput {}).await
}
