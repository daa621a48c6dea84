//! A member's private memories during an open break-glass grant.

use domain::{
    AppError, MemoryId, Page, UserId,
    break_glass::{BreakGlassView, PrivateMemory},
    memory::Memory,
};
use leptos::prelude::*;

use super::{
    api::{break_glass_list, break_glass_read},
    parts::OpenBanner,
};
use crate::{
    memory::display_title,
    ui::{
        Badge, EmptyState, PageHead, Paging, Time, Tone, load_page, path_id, query_string,
        use_query,
    },
};

/// The page at `/members/{id}/break-glass`.
#[component]
pub(crate) fn PrivateMemoryListPage() -> impl IntoView {
    let id = path_id::<UserId>("id");
    let query = use_query();
    let after = query.get("after").to_owned();
    let data = async move {
        let data = break_glass_list(id?, after.clone()).await?;
        Ok::<_, AppError>((after, data))
    };
    load_page(data, |(after, data)| show_list(&after, data))
}

fn show_list(after: &str, data: BreakGlassView<Page<PrivateMemory>>) -> AnyView {
    let Some((grant, page)) = data.open else {
        return view! { <GrantEnded id=data.subject_id name=data.subject_name /> }.into_any();
    };
    let base = format!("/members/{}/break-glass", data.subject_id);
    let first = (!after.is_empty()).then(|| base.clone());
    let next = page
        .next
        .map(|next| format!("{base}{}", query_string(&[("after", &next)])));
    let list = if page.items.is_empty() {
        let back = format!("/members/{}", data.subject_id);
        view! {
            <EmptyState title="No private memories" text="This member has no private memories.">
                <a class="button" href=back>"Back to the member"</a>
            </EmptyState>
        }
        .into_any()
    } else {
        view! { <PrivateMemoryTable base=base memories=page.items /> }.into_any()
    };
    view! {
        <PageHead
            title=format!("Private memories of {}", data.subject_name)
            lead="Each memory that you open is recorded and shown to the member."
            up=("/members", "Members")
        />
        <OpenBanner grant=grant name=data.subject_name />
        {list}
        <Paging first=first next=next />
    }
    .into_any()
}

#[component]
fn PrivateMemoryTable(base: String, memories: Vec<PrivateMemory>) -> impl IntoView {
    let rows = memories
        .into_iter()
        .map(|memory| {
            let title = if memory.title.is_empty() {
                "Untitled".to_owned()
            } else {
                memory.title
            };
            view! {
                <tr>
                    <td>
                        <div class="cell-line">
                            <a class="row-title" dir="auto" href=format!("{base}/{}", memory.id)>{title}</a>
                        </div>
                    </td>
                    <td class="optional col-kind">{memory.kind.label()}</td>
                    <td class="col-time"><Time at=memory.updated_at /></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-frame">
            <table class="memories">
                <thead>
                    <tr>
                        <th scope="col">"Memory"</th>
                        <th scope="col" class="optional col-kind">"Kind"</th>
                        <th scope="col" class="col-time">"Updated"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

/// The page at `/members/{id}/break-glass/{memory}`.
#[component]
pub(crate) fn PrivateMemoryPage() -> impl IntoView {
    let id = path_id::<UserId>("id");
    let memory = path_id::<MemoryId>("memory");
    let data = async move { break_glass_read(id?, memory?).await };
    load_page(data, show_one)
}

fn show_one(data: BreakGlassView<Memory>) -> AnyView {
    let Some((grant, memory)) = data.open else {
        return view! { <GrantEnded id=data.subject_id name=data.subject_name /> }.into_any();
    };
    let back = format!("/members/{}/break-glass", data.subject_id);
    let title = display_title(&memory.title, &memory.content);
    let tags = if memory.tags.is_empty() {
        view! { <span class="muted">"None"</span> }.into_any()
    } else {
        let badges = memory
            .tags
            .into_iter()
            .map(|tag| view! { <Badge tone=Tone::Neutral text=tag /> })
            .collect_view();
        view! { <span class="tags">{badges}</span> }.into_any()
    };
    view! {
        <PageHead title=title up=("/members", "Members")>
            <a class="button" href=back>"All private memories"</a>
        </PageHead>
        <OpenBanner grant=grant name=data.subject_name />
        <div class="split">
            <article class="memory-text" dir="auto">{memory.content}</article>
            <aside class="memory-facts" aria-label="About this memory">
                <dl class="facts facts-narrow">
                    <div><dt>"Kind"</dt><dd>{memory.kind.label()}</dd></div>
                    <div><dt>"Tags"</dt><dd>{tags}</dd></div>
                    <div><dt>"Owner"</dt><dd dir="auto">{memory.owner_name}</dd></div>
                    <div><dt>"Source"</dt><dd>{memory.origin.label()}</dd></div>
                    <div><dt>"Created"</dt><dd><Time at=memory.created_at /></dd></div>
                    <div><dt>"Updated"</dt><dd><Time at=memory.updated_at /></dd></div>
                    <div><dt>"Version"</dt><dd>{memory.version}</dd></div>
                </dl>
            </aside>
        </div>
    }
    .into_any()
}

/// Shown when no grant is open: closed, expired, or never opened.
#[component]
fn GrantEnded(id: UserId, name: String) -> impl IntoView {
    view! {
        <PageHead title=format!("Private memories of {name}") up=("/members", "Members") />
        <EmptyState
            title="Access has expired"
            text="Your access has ended, or you have not opened these memories. To open them, state a reason on the member’s page."
        >
            <a class="button button-primary" href=format!("/members/{id}")>"View member"</a>
        </EmptyState>
    }
}
