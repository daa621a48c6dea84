//! Deleting an organisation: consequences, reason, and confirmation.

use domain::tenant::{GRACE_DAYS, TenantDetail, TenantStatus};
use leptos::prelude::*;

use super::api::{TenantDelete, tenant_get};
use crate::{
    forms::{FormState, PostForm},
    ui::{Glyph, Icon, PageHead, TextArea, TextField, load_page, path_id, plural},
};

/// The page at `/operator/{id}/delete`.
#[component]
pub(crate) fn TenantDeletePage() -> impl IntoView {
    let id = path_id("id");
    let data = async move { tenant_get(id?).await };
    load_page(data, show)
}

fn show(detail: TenantDetail) -> impl IntoView {
    let blocked_reason = if detail.is_home {
        Some("This is your own organisation. It can only be deleted on the server’s command line.")
    } else if detail.summary.status == TenantStatus::Deleted {
        Some("This organisation is already deleted.")
    } else {
        None
    };
    let is_possible = blocked_reason.is_none();
    view! {
        <PageHead
            title=format!("Delete {}", detail.summary.name)
            lead="All members lose access immediately. The data is deleted permanently later."
            up=("/operator", "All organisations")
        />
        {blocked_reason
            .map(|text| {
                view! {
                    <p class="notice">
                        <Glyph icon=Icon::Lock />
                        <span>{text}</span>
                    </p>
                }
            })}
        <Consequences detail=detail.clone() />
        {is_possible.then(|| view! { <Confirm detail=detail /> })}
    }
}

#[component]
fn Consequences(detail: TenantDetail) -> impl IntoView {
    let counts = detail.summary.counts;
    let days = plural(GRACE_DAYS, "day", "days");
    view! {
        <section class="section" aria-labelledby="ends">
            <h2 id="ends">"Removed immediately"</h2>
            <dl class="facts">
                <div><dt>"Members"</dt><dd>{plural(counts.members, "can’t sign in", "can’t sign in")}</dd></div>
                <div><dt>"Sessions"</dt><dd>{plural(counts.sessions, "ends", "end")}</dd></div>
                <div><dt>"API keys"</dt><dd>{plural(counts.keys, "is blocked", "are blocked")}</dd></div>
            </dl>
        </section>
        <section class="section" aria-labelledby="goes">
            <h2 id="goes">{format!("Permanently deleted after {days}")}</h2>
            <dl class="facts">
                <div><dt>"Memories"</dt><dd>{plural(counts.memories, "memory", "memories")}</dd></div>
                <div><dt>"Everything else"</dt><dd>"Members, roles, teams, keys, files and the audit log"</dd></div>
                <div><dt>"Your audit log"</dt><dd>"Records who deleted it, why, and where its log ended"</dd></div>
            </dl>
        </section>
    }
}

#[component]
fn Confirm(detail: TenantDetail) -> impl IntoView {
    let state = FormState::<TenantDelete>::new();
    let id = detail.summary.id;
    view! {
        <section class="section" aria-labelledby="confirm-deleting">
            <h2 id="confirm-deleting">"Confirm"</h2>
            <PostForm state=state class="form">
                <input type="hidden" name="id" value=id.to_string() />
                <TextArea
                    name="reason"
                    label="Reason"
                    hint="Recorded in both audit logs."
                    rows=2
                    value=state.typed("reason", "")
                    error=state.field_error("reason")
                />
                <TextField
                    name="confirm"
                    label="Type the organisation’s name to confirm"
                    hint="It can be restored for 30 days."
                    value=state.typed("confirm", "")
                    error=state.field_error("confirm")
                />
                <div class="form-actions">
                    <button type="submit" class="button button-danger">"Delete organisation"</button>
                    <a class="button button-quiet" href=format!("/operator/{id}")>"Cancel"</a>
                </div>
            </PostForm>
        </section>
    }
}
