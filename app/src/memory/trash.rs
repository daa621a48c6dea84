//! Memories in the trash: notices, restoring and purging.

use domain::{
    AppError, MemoryId, NoInput, Permission, Timestamp, memory::MemoryPath, memory::TRASH_DAYS,
    paging::MAX_TOTAL,
};
use leptos::prelude::*;

use super::{api::MemoryRestore, parts::TRASH_RETENTION};
use crate::{
    Flash, api,
    forms::{FormState, PostForm},
    profile::IfPermitted,
    start::formats,
    ui::{Confirm, Glyph, Icon, Time, plural},
};

/// Permanently deletes a memory in the trash.
#[server(endpoint = "memory_purge")]
pub(crate) async fn memory_purge(id: MemoryId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::MemoryPurge>(&ctx, &actor, MemoryPath { id }).await?;
    api::redirect_with_flash("/memories", Flash::MEMORY_PURGED);
    Ok(())
}

/// Permanently deletes all of the caller's memories in the trash.
#[server(endpoint = "memory_trash_empty")]
pub(crate) async fn memory_trash_empty() -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::MemoryTrashEmpty>(&ctx, &actor, NoInput {}).await?;
    api::redirect_with_flash("/memories", Flash::TRASH_EMPTIED);
    Ok(())
}

/// Notice on the page of a memory in the trash: when it is purged, and the
/// buttons to restore or delete it.
#[component]
pub(super) fn TrashNotice(
    id: MemoryId,
    /// Time of the deletion.
    at: Timestamp,
    /// The viewer owns it.
    is_own: bool,
) -> impl IntoView {
    let restore = FormState::<MemoryRestore>::new();
    let purge = FormState::<MemoryPurge>::new();
    let formats = formats();
    let purge_date = at + TRASH_RETENTION;
    let purge_date = formats.with_value(|formats| crate::format::date(purge_date, formats));
    view! {
        <div class="notice notice-warning notice-tall">
            <Glyph icon=Icon::Trash />
            <div>
                <p>
                    "In the trash since " <Time at=at /> ". Hidden from lists and search. Permanently deleted on "
                    {purge_date} "."
                </p>
                {is_own
                    .then(|| {
                        view! {
                            <div class="form-actions">
                                <PostForm state=restore class="inline-form">
                                    <input type="hidden" name="id" value=id.to_string() />
                                    <button type="submit" class="button">"Restore"</button>
                                </PostForm>
                                <PostForm state=purge class="inline-form">
                                    <input type="hidden" name="id" value=id.to_string() />
                                    <Confirm
                                        id="purge"
                                        label="Delete permanently…"
                                        title="Delete this memory permanently?"
                                        act="Delete memory"
                                    >
                                        <p>
                                            "This also deletes its earlier versions and replies. This can’t be undone."
                                        </p>
                                    </Confirm>
                                </PostForm>
                            </div>
                        }
                    })}
            </div>
        </div>
    }
}

/// Notice above the list of the trash, with the button to empty it.
#[component]
pub(super) fn TrashListNotice(
    /// All memories in the trash, counted up to [`MAX_TOTAL`]; `None` if only
    /// some are listed.
    total: Option<i64>,
) -> impl IntoView {
    let state = FormState::<MemoryTrashEmpty>::new();
    let hit = match total.filter(|total| *total <= MAX_TOTAL) {
        Some(total) => plural(total, "memory", "memories"),
        None => "all memories".to_owned(),
    };
    let consequence = format!(
        "Permanently deletes {hit} in your trash, including earlier versions and replies. This can’t be undone."
    );
    view! {
        <div class="notice notice-tall">
            <Glyph icon=Icon::Trash />
            <div>
                <p>{format!("Items are permanently deleted after {TRASH_DAYS} days.")}</p>
                <IfPermitted permission=Permission::MemoryWrite>
                    <PostForm state=state>
                        <Confirm id="empty-trash" label="Empty trash…" title="Empty your trash?" act="Delete all">
                            <p>{consequence}</p>
                        </Confirm>
                    </PostForm>
                </IfPermitted>
            </div>
        </div>
    }
}
