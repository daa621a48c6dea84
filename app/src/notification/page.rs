//! The list of notifications, newest first.

use domain::{
    AppError, NotificationId,
    memory::Visibility,
    notification::{
        BreakGlassOpened, MemoryProposalDecided, MemoryProposed, Notification, NotificationData,
        NotificationPage,
    },
};
use leptos::prelude::*;

use super::api::{NotificationRead, NotificationReadAll, notification_list};
use crate::{
    clock::page_now,
    forms::{FormState, PostForm},
    proposal::audience_name,
    ui::{Badge, EmptyState, PageHead, Paging, Time, Tone, load_page, query_string, use_query},
};

/// The page at `/notifications`.
#[component]
pub(crate) fn NotificationListPage() -> impl IntoView {
    let query = use_query();
    let after = query.get("after").to_owned();
    let data = async move {
        let page = notification_list(after.clone()).await?;
        Ok::<_, AppError>((after, page))
    };
    load_page(data, |(after, page)| show(&after, page))
}

fn show(after: &str, page: NotificationPage) -> AnyView {
    let unread = page.unread_count;
    let read_one = FormState::<NotificationRead>::new();
    let read_all = FormState::<NotificationReadAll>::new();
    let first = (!after.is_empty()).then(|| "/notifications".to_owned());
    let next = page
        .next
        .map(|next| format!("/notifications{}", query_string(&[("after", &next)])));
    let list = if page.items.is_empty() {
        view! {
            <EmptyState
                title="You’re all caught up"
                text="Proposals to review, decisions on your proposals and break-glass access to your memories appear here."
            >
                <a class="button" href="/">"Go to the overview"</a>
            </EmptyState>
        }
        .into_any()
    } else {
        let items = page
            .items
            .into_iter()
            .map(|notification| view! { <Item notification=notification /> })
            .collect_view();
        view! {
            // One form for all rows: the pressed button names the notification.
            <PostForm state=read_one>
                <ul class="notifications">{items}</ul>
            </PostForm>
        }
        .into_any()
    };
    view! {
        <PageHead title="Notifications" lead="Proposals, decisions and access to your memories.">
            {(unread > 0)
                .then(|| {
                    view! {
                        <PostForm state=read_all class="inline-form">
                            <button type="submit" class="button">"Mark all as read"</button>
                        </PostForm>
                    }
                })}
        </PageHead>
        {list}
        <Paging first=first next=next />
    }
    .into_any()
}

#[component]
fn Item(notification: Notification) -> impl IntoView {
    let Notification {
        id,
        notice,
        created_at,
        read_at,
    } = notification;
    let unread = read_at.is_none();
    let (title, body) = match notice {
        Some(NotificationData::BreakGlassOpened(opened)) => (
            format!("{} opened your private memories", opened.reader),
            break_glass_opened(opened).into_any(),
        ),
        Some(NotificationData::MemoryProposed(proposed)) => (
            {
                let (proposer, audience) = (&proposed.proposer, audience(proposed.team.as_deref()));
                if proposed.is_change {
                    format!("{proposer} proposed a change to a memory shared with {audience}")
                } else {
                    format!("{proposer} proposed sharing a memory with {audience}")
                }
            },
            memory_proposed(&proposed).into_any(),
        ),
        Some(NotificationData::MemoryProposalDecided(decided)) => (
            format!(
                "{} {} your proposal for {}",
                decided.reviewer,
                if decided.accepted {
                    "accepted"
                } else {
                    "declined"
                },
                audience(decided.team.as_deref())
            ),
            proposal_decided(decided).into_any(),
        ),
        None => ("Unsupported notification".to_owned(), ().into_any()),
    };
    view! {
        <li class=if unread { "notification notification-unread" } else { "notification" }>
            <div class="notification-head">
                <h2 dir="auto">{title}</h2>
                {unread.then(|| view! { <Badge tone=Tone::Accent text="New" /> })}
                <span class="muted small"><Time at=created_at /></span>
            </div>
            {body}
            {unread.then(|| view! { <ReadButton id=id /> })}
        </li>
    }
}

fn break_glass_opened(opened: BreakGlassOpened) -> impl IntoView {
    let until = opened.until;
    let is_open = page_now() < until;
    view! {
        <p dir="auto">"Reason: " {opened.reason}</p>
        <p class="muted">
            {if is_open {
                view! { "Access ends " <Time at=until /> " at the latest. " }.into_any()
            } else {
                "Access has ended. ".into_any()
            }}
            <a class="link-line" href="/profile#readers">"View what was read"</a>
        </p>
    }
}

fn audience(team: Option<&str>) -> String {
    let visibility = team.map_or(Visibility::Org, |_| Visibility::Team);
    audience_name(visibility, team)
}

fn memory_proposed(proposed: &MemoryProposed) -> impl IntoView {
    let href = format!("/memories/proposals/{}", proposed.proposal);
    view! { <p><a class="link-line" href=href>"Review"</a></p> }
}

fn proposal_decided(decided: MemoryProposalDecided) -> impl IntoView {
    let href = format!("/memories/{}", decided.memory);
    view! {
        {(!decided.comment.is_empty()).then(|| view! { <p dir="auto">{decided.comment}</p> })}
        <p><a class="link-line" href=href>"View memory"</a></p>
    }
}

#[component]
fn ReadButton(id: NotificationId) -> impl IntoView {
    view! {
        <button type="submit" name="id" value=id.to_string() class="button button-small">"Mark as read"</button>
    }
}
