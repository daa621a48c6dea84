//! Memories in the trash: notices, restoring and purging.

use domain::{
    AppError, MemoryId, NoInput, Permission, Timestamp, memory::MemoryPath, memory::TRASH_DAYS,
};
use leptos::prelude::*;

use super::{api::MemoryRestore, parts::TRASH_RETENTION};
use crate::{
    Flash, api,
    forms::{FormState, PostForm},
    profile::IfPermitted,
    start::formats,
    ui::{Glyph, Icon, Time},
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
                    "In the trash since " <Time at=at /> ". Lists and searches leave it out. Goes for good on "
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
                                <details class="confirm">
                                    <summary class="button button-danger">"Delete for good"</summary>
                                    <div class="confirm-body">
                                        <p>
                                            "Its earlier versions and the replies to it go with it. This can’t be undone."
                                        </p>
                                        <PostForm state=purge class="form-actions">
                                            <input type="hidden" name="id" value=id.to_string() />
                                            <button type="submit" class="button button-danger">"Delete now"</button>
                                        </PostForm>
                                    </div>
                                </details>
                            </div>
                        }
                    })}
            </div>
        </div>
    }
}

/// Notice above the list of the trash, with the button to empty it.
#[component]
pub(super) fn TrashListNotice() -> impl IntoView {
    let state = FormState::<MemoryTrashEmpty>::new();
    view! {
        <div class="notice notice-tall">
            <Glyph icon=Icon::Trash />
            <div>
                <p>{format!("What is in the trash goes for good after {TRASH_DAYS} days.")}</p>
                <IfPermitted permission=Permission::MemoryWrite>
                    <details class="confirm">
                        <summary class="button button-danger">"Empty trash"</summary>
                        <div class="confirm-body">
                            <p>
                                "All of your memories in the trash, on this page and further ones, with their earlier versions and the replies to them. This can’t be undone."
                            </p>
                            <PostForm state=state class="form-actions">
                                <button type="submit" class="button button-danger">"Delete all now"</button>
                            </PostForm>
                        </div>
                    </details>
                </IfPermitted>
            </div>
        </div>
    }
}
