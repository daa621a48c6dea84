//! Bulk actions on members: the preview and the outcome.

use domain::{
    AppError, RequestId,
    bulk::{BulkOutcome, BulkPreview, BulkRow},
    member::MemberChange,
};
use leptos::prelude::*;

use super::{
    api::{MemberBulkApply, member_bulk_outcome, member_bulk_preview},
    parts::SUSPENSION_HINT,
};
use crate::{
    forms::{FormState, PostForm},
    profile::IfPermitted,
    ui::{Badge, PageHead, Time, Tone, load_page, path_id, plural, query_string, use_query},
};

/// The page at `/members/bulk`: previews the action for each member.
#[component]
pub(crate) fn BulkPage() -> impl IntoView {
    let query = use_query();
    let ids = query.all("ids").filter_map(|id| id.parse().ok()).collect();
    let preview = member_bulk_preview(query.get("act").to_owned(), ids);
    load_page(preview, show_preview)
}

fn show_preview(preview: BulkPreview) -> impl IntoView {
    let BulkPreview { choice, rows } = preview;
    let state = FormState::<MemberBulkApply>::new();
    let affected = rows
        .iter()
        .filter(|row| row.blocked_reason.is_none())
        .count();
    let unaffected = rows.len() - affected;
    let lead = match unaffected {
        0 => format!("{} will change.", count_members(affected)),
        _ => format!(
            "{} will change. {unaffected} skipped.",
            count_members(affected)
        ),
    };
    let apply = if choice.label.contains(':') {
        format!("{} ({})", choice.label, count_members(affected))
    } else {
        format!("{} {}", choice.label, count_members(affected))
    };
    let ids = rows
        .iter()
        .map(|row| view! { <input type="hidden" name="ids[]" value=row.id.to_string() /> })
        .collect_view();
    view! {
        <PageHead title=choice.label.clone() lead=lead up=("/members", "Members") />
        {(choice.key == MemberChange::Suspend.key())
            .then(|| view! { <p class="muted">{SUSPENSION_HINT}</p> })}
        <Rows rows=rows good="Will change" bad="Skipped" />
        <PostForm state=state class="form">
            <input type="hidden" name="act" value=choice.key />
            {ids}
            <div class="form-actions">
                {(affected > 0)
                    .then(|| {
                        view! {
                            <button type="submit" class="button button-primary">
                                {apply}
                            </button>
                        }
                    })}
                <a class="button button-quiet" href="/members">"Cancel"</a>
            </div>
        </PostForm>
    }
}

/// The page at `/members/bulk/{request}`: the outcome for each member.
#[component]
pub(crate) fn BulkOutcomePage() -> impl IntoView {
    let request = path_id::<RequestId>("request");
    let outcome = async move {
        let request = request?;
        let outcome = member_bulk_outcome(request).await?;
        Ok::<_, AppError>((request, outcome))
    };
    load_page(outcome, |(request, outcome)| show_outcome(request, outcome))
}

fn show_outcome(request: RequestId, outcome: BulkOutcome) -> impl IntoView {
    let BulkOutcome { action, at, rows } = outcome;
    let done = rows
        .iter()
        .filter(|row| row.blocked_reason.is_none())
        .count();
    let unaffected = rows.len() - done;
    let title = match unaffected {
        0 => format!("{} updated", count_members(done)),
        _ => format!("{} updated, {unaffected} skipped", count_members(done)),
    };
    let log = format!(
        "/audit{}",
        query_string(&[("request", &request.to_string())])
    );
    view! {
        <PageHead title=title up=("/members", "Members")>
            <IfPermitted permission=domain::Permission::AuditRead>
                <a class="button" href=log.clone()>"View in audit log"</a>
            </IfPermitted>
        </PageHead>
        <p class="muted"><code>{action}</code> ", " <Time at=at /></p>
        <Rows rows=rows good="Updated" bad="Skipped" />
        <p><a class="button" href="/members">"Back to members"</a></p>
    }
}

#[component]
fn Rows(rows: Vec<BulkRow>, good: &'static str, bad: &'static str) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Member"</th>
                        <th scope="col">"Outcome"</th>
                    </tr>
                </thead>
                <tbody>
                    {rows
                        .into_iter()
                        .map(|row| {
                            let done = row.blocked_reason.is_none();
                            let name = match row.display_name {
                                Some(name) => {
                                    let href = format!("/members/{}", row.id);
                                    view! { <a class="row-title" dir="auto" href=href>{name}</a> }.into_any()
                                }
                                None => view! { <span class="muted">"Unknown member"</span> }.into_any(),
                            };
                            view! {
                                <tr>
                                    <td><div class="cell-line">{name}</div></td>
                                    <td>
                                        <span class="cell-line cell-wrap">
                                            <Badge
                                                tone=if done { Tone::Good } else { Tone::Warning }
                                                text=if done { good } else { bad }
                                            />
                                            {row.blocked_reason}
                                        </span>
                                    </td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
}

fn count_members(n: usize) -> String {
    plural(i64::try_from(n).unwrap_or(i64::MAX), "member", "members")
}
