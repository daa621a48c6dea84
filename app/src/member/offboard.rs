//! Offboarding a member: what ends, who takes over, and the confirmation.

use domain::{
    UserId,
    member::{BlockedReason, MemberSummary},
    offboard::OffboardPreview,
};
use leptos::prelude::*;

use super::api::{MemberOffboard, OffboardData, member_offboard_preview};
use crate::{
    forms::{FormState, PostForm},
    start::with_viewer,
    ui::{
        Choice, FilterForm, Glyph, Icon, PageHead, SearchBox, SelectField, TextField, load_page,
        path_id, plural, use_query,
    },
};

/// The page at `/members/{id}/offboard`.
#[component]
pub(crate) fn OffboardPage() -> impl IntoView {
    let id = path_id("id");
    let query = use_query().get("query").trim().to_owned();
    let data = async move {
        let data = member_offboard_preview(id?, query.clone()).await?;
        Ok::<_, domain::AppError>((query, data))
    };
    load_page(data, |(query, data)| show(query, data))
}

fn show(query: String, data: OffboardData) -> impl IntoView {
    let OffboardData {
        preview,
        successors,
    } = data;
    let name = preview.member.display_name.clone();
    let back = format!("/members/{}", preview.member.id);
    let blocked_reason = preview
        .blocked_reason
        .map(|blocked_reason| match blocked_reason {
            BlockedReason::Permission => "You don’t have permission to offboard members.",
            BlockedReason::Owner => "Only owners can offboard an owner.",
            BlockedReason::LastOwner => {
                "This is the organisation’s last owner. Make another member an owner first."
            }
        });
    let is_possible = blocked_reason.is_none();
    view! {
        <PageHead
            title=format!("Offboard {name}")
            lead="This takes effect immediately and is recorded in the audit log."
            up=("/members", "Members")
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
        <Consequences preview=preview.clone() />
        {is_possible.then(|| view! { <Confirm preview=preview query=query successors=successors back=back /> })}
    }
}

#[component]
fn Consequences(preview: OffboardPreview) -> impl IntoView {
    let OffboardPreview {
        member,
        sessions,
        keys,
        shared_memories,
        private_memories,
        left_without_lead,
        ..
    } = preview;
    let names = |names: Vec<String>| {
        if names.is_empty() {
            "None".to_owned()
        } else {
            names.join(", ")
        }
    };
    let mut roles: Vec<String> = member
        .roles
        .into_iter()
        .map(|held| held.role.name)
        .collect();
    roles.dedup();
    let teams = member.teams.into_iter().map(|team| team.name).collect();
    view! {
        <section class="section" aria-labelledby="ends">
            <h2 id="ends">"What is removed"</h2>
            <dl class="facts">
                <div><dt>"Signing in"</dt><dd>"Blocked"</dd></div>
                <div><dt>"Sessions"</dt><dd>{plural(sessions, "ends", "end")}</dd></div>
                <div><dt>"API keys"</dt><dd>{plural(keys, "is revoked", "are revoked")}</dd></div>
                <div><dt>"Roles"</dt><dd dir="auto">{names(roles)}</dd></div>
                <div><dt>"Teams"</dt><dd dir="auto">{names(teams)}</dd></div>
            </dl>
            {(!left_without_lead.is_empty())
                .then(|| {
                    view! {
                        <p class="notice notice-warning">
                            <Glyph icon=Icon::Warning />
                            <span>"Teams left without a lead: " {left_without_lead.join(", ")} "."</span>
                        </p>
                    }
                })}
        </section>
        <section class="section" aria-labelledby="stays">
            <h2 id="stays">"What is kept"</h2>
            <dl class="facts">
                <div><dt>"Shared"</dt><dd>{plural(shared_memories, "memory moves", "memories move")} " to the new owner"</dd></div>
                <div><dt>"Private"</dt><dd>{plural(private_memories, "memory is kept and stays", "memories are kept and stay")} " inaccessible"</dd></div>
                <div><dt>"Audit log"</dt><dd>"Unchanged, with the name"</dd></div>
            </dl>
        </section>
    }
}

#[component]
fn Confirm(
    preview: OffboardPreview,
    query: String,
    successors: Vec<MemberSummary>,
    back: String,
) -> impl IntoView {
    let state = FormState::<MemberOffboard>::new();
    let id = preview.member.id;
    let name = preview.member.display_name.clone();
    let needs_heir = preview.shared_memories > 0;
    view! {
        <section class="section" aria-labelledby="confirm-offboarding">
            <h2 id="confirm-offboarding">"Confirm"</h2>
            {needs_heir.then(|| view! { <FindHeir id=id query=query /> })}
            <PostForm state=state class="form">
                <input type="hidden" name="id" value=id.to_string() />
                {needs_heir.then(|| view! { <Heirs state=state id=id successors=successors /> })}
                <TextField
                    name="confirm"
                    label="Type the member’s name to confirm"
                    hint="This can’t be undone."
                    value=state.typed("confirm", "")
                    error=state.field_error("confirm")
                />
                <div class="form-actions">
                    <button type="submit" class="button button-danger">{format!("Offboard {name}")}</button>
                    <a class="button button-quiet" href=back>"Cancel"</a>
                </div>
            </PostForm>
        </section>
    }
}

/// Search for the member who takes over.
#[component]
fn FindHeir(id: UserId, query: String) -> impl IntoView {
    view! {
        <FilterForm path=format!("/members/{id}/offboard") label="Search members" class="filters-main form">
            <SearchBox
                label="Search members"
                placeholder="Name, email or handle"
                value=query
                max_chars=200
                act="Search"
            />
        </FilterForm>
    }
}

#[component]
fn Heirs(
    state: FormState<MemberOffboard>,
    id: UserId,
    successors: Vec<MemberSummary>,
) -> impl IntoView {
    let me = with_viewer(|viewer| viewer.user_id).filter(|me| *me != id);
    let own = me.map(|me| Choice::new(me.to_string(), "You"));
    let choices = successors
        .into_iter()
        .filter(|heir| heir.id != id && Some(heir.id) != me)
        .map(|heir| Choice::new(heir.id.to_string(), heir.display_name))
        .chain(own)
        .collect();
    view! {
        <SelectField
            name="heir"
            label="New owner of shared memories"
            choices=choices
            value=state.typed("heir", "")
            error=state.field_error("heir")
        />
    }
}
