//! Replies to a memory, on its page.

use domain::{AppError, MemoryId, Permission, memory::MemoryReply};
use leptos::prelude::*;

use crate::{
    Flash, api,
    forms::{FormState, PostForm},
    profile::IfPermitted,
    ui::{Glyph, Icon, TextArea, Time, plural},
};
use domain::memory::{MemoryInput, with_line_feeds};

/// Replies to a memory.
#[server(name = MemoryReplyCall, endpoint = "memory_reply")]
pub(crate) async fn memory_reply(
    id: MemoryId,
    #[server(default)] content: String,
) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    let input = MemoryInput {
        content: with_line_feeds(&content),
        parent_id: Some(id),
        ..MemoryInput::default()
    };
    service::call::<service::MemoryCreate>(&ctx, &actor, input).await?;
    api::redirect_with_flash(&format!("/memories/{id}"), Flash::MEMORY_REPLIED);
    Ok(())
}

/// Notice on a reply's own page, with a link to the memory that it replies to.
#[component]
pub(super) fn ReplyNotice(
    id: MemoryId,
    /// The memory that it replies to.
    root: MemoryId,
) -> impl IntoView {
    view! {
        <p class="notice">
            <Glyph icon=Icon::Info />
            <span>
                "This is a reply. " <a href=reply_path(root, id)>"View the original memory"</a> "."
            </span>
        </p>
    }
}

/// URL of a reply on the page of its root memory.
pub(super) fn reply_path(root: MemoryId, reply: MemoryId) -> String {
    format!("/memories/{root}#reply-{reply}")
}

/// The replies to a memory, and the form to write one.
#[component]
pub(super) fn Thread(
    /// The root memory.
    id: MemoryId,
    /// False in the trash, where nobody can reply.
    open: bool,
    /// Others see the memory, so replying needs the permission to share.
    shared: bool,
    /// Oldest first.
    replies: Vec<MemoryReply>,
) -> impl IntoView {
    let title = if replies.is_empty() {
        "Replies".to_owned()
    } else {
        let number = i64::try_from(replies.len()).unwrap_or(i64::MAX);
        plural(number, "reply", "replies")
    };
    let has_replies = !replies.is_empty();
    (open || has_replies).then(|| {
        view! {
            <section class="section" aria-labelledby="replies">
                <h2 id="replies">{title}</h2>
                {has_replies
                    .then(|| {
                        view! {
                            <ol class="thread">
                                {replies
                                    .into_iter()
                                    .map(|reply| view! { <Reply reply=reply /> })
                                    .collect_view()}
                            </ol>
                        }
                    })}
                {open
                    .then(|| {
                        view! {
                            <IfPermitted permission=Permission::MemoryWrite>
                                {if shared {
                                    view! {
                                        <IfPermitted permission=Permission::MemoryShare>
                                            <ReplyForm id=id />
                                        </IfPermitted>
                                    }
                                        .into_any()
                                } else {
                                    view! { <ReplyForm id=id /> }.into_any()
                                }}
                            </IfPermitted>
                        }
                    })}
            </section>
        }
    })
}

#[component]
fn Reply(reply: MemoryReply) -> impl IntoView {
    let path = format!("/memories/{}", reply.id);
    let label = format!("Open reply by {}", reply.owner_name);
    let is_edited = reply.updated_at > reply.created_at;
    view! {
        <li id=format!("reply-{}", reply.id)>
            <p class="muted small">
                <strong dir="auto">{reply.owner_name}</strong>
                " · "
                <Time at=reply.created_at />
                {is_edited.then_some(" · edited")}
                " · "
                <a href=path aria-label=label>"Open"</a>
            </p>
            {(!reply.title.is_empty()).then(|| view! { <p class="version-title" dir="auto">{reply.title}</p> })}
            <div class="memory-text" dir="auto">{reply.content}</div>
        </li>
    }
}

#[component]
fn ReplyForm(id: MemoryId) -> impl IntoView {
    let state = FormState::<MemoryReplyCall>::new();
    view! {
        <PostForm state=state class="form">
            <input type="hidden" name="id" value=id.to_string() />
            <TextArea
                name="content"
                label="Reply"
                hint="Visible to everyone who can view this memory."
                rows=3
                value=state.typed("content", "")
                error=state.field_error("content")
            />
            <div class="form-actions">
                <button type="submit" class="button">"Reply"</button>
            </div>
        </PostForm>
    }
}
