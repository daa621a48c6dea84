//! A memory's audience: showing it, widening it, taking the memory back.

use domain::{
    memory::{Memory, Visibility},
    proposal::PendingProposal,
    share::{AudienceChoice, MemorySharing},
};
use leptos::prelude::*;

use super::{
    api::{MemoryShare, MemoryUnshare},
    parts::{Names, audience_name, how_many},
};
use crate::{
    forms::{FormState, PostForm},
    ui::{Choice, Confirm, Glyph, Icon, SelectField, TextArea},
};

/// Section of every memory's page.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(crate) fn WhoCanSee(memory: Memory, sharing: MemorySharing) -> impl IntoView {
    let icon = match memory.visibility {
        Visibility::Private => Icon::Lock,
        Visibility::Team => Icon::Users,
        Visibility::Org => Icon::Building,
    };
    let MemorySharing {
        viewers,
        choices,
        may_unshare,
        pending,
    } = sharing;
    let has_others = viewers.people + viewers.programs > 1;
    let viewer_text = has_others.then(|| how_many(&viewers));
    let (id, version) = (memory.id.to_string(), memory.version);
    let own_id = id.clone();
    let is_trashed = memory.deleted_at.is_some();
    let limits_to_team = memory.visibility == Visibility::Org;
    view! {
        <section class="who" aria-labelledby="who">
            <h2 id="who"><Glyph icon=icon /> "Who can see this"</h2>
            <p>{visibility_text(&memory, is_trashed)}</p>
            {viewer_text.map(|viewer_text| view! { <p>{format!("{viewer_text}. API keys of these members have the same access.")}</p> })}
            {has_others.then(|| view! { <Names viewers=viewers /> })}
            {pending.map(|pending| view! { <PendingNotice pending=pending version=version /> })}
            {(!choices.is_empty()).then(|| view! { <ShareForm id=id version=version choices=choices limits_to_team=limits_to_team /> })}
            {may_unshare.then(|| view! { <Unshare id=own_id /> })}
        </section>
    }
}

fn visibility_text(memory: &Memory, is_trashed: bool) -> String {
    if is_trashed && memory.visibility != Visibility::Private {
        return "Only you, while it is in the trash. If you restore it, it is shared again."
            .to_owned();
    }
    match memory.visibility {
        Visibility::Private if memory.is_own => {
            "Only you. If someone uses break-glass access, you are notified.".to_owned()
        }
        Visibility::Private => format!("Only {}.", memory.owner_name),
        Visibility::Team => {
            let team = memory.team_name.as_deref().unwrap_or("one team");
            let owner = if memory.is_own {
                "You"
            } else {
                memory.owner_name.as_str()
            };
            format!("{owner} and the members of {team}.")
        }
        Visibility::Org => "Everyone in your organisation.".to_owned(),
    }
}

/// The owner's pending proposal.
#[component]
fn PendingNotice(pending: PendingProposal, version: i32) -> impl IntoView {
    let audience = audience_name(pending.visibility, pending.team_name.as_deref());
    if pending.is_change {
        return view! {
            <p class="who-pending">
                "You " <a class="link-line" href=format!("/memories/proposals/{}", pending.id)>"proposed a change"</a>
                ". "
                {if pending.is_stale {
                    "The memory changed after that, so this can’t be accepted.".into_any()
                } else {
                    view! {
                        "It is pending review. Until then, " <bdi>{audience}</bdi>
                        {format!(" sees version {version}.")}
                    }
                        .into_any()
                }}
            </p>
        }
        .into_any();
    }
    let text = if pending.is_stale {
        "The memory changed after it was proposed. Propose it again."
    } else {
        "It is pending review."
    };
    view! {
        <p class="who-pending">
            "You " <a class="link-line" href=format!("/memories/proposals/{}", pending.id)>"proposed"</a>
            " sharing it with "
            <bdi>{audience}</bdi> ". " {text}
        </p>
    }
    .into_any()
}

/// Notice in the edit form of a memory whose changes need a review.
#[component]
pub(crate) fn ReviewHint(
    /// The version that others see.
    version: i32,
    visibility: Visibility,
    /// Name of the team, if the audience is one.
    team: Option<String>,
    /// A change waits for a review already; the form shows it.
    is_waiting: bool,
) -> impl IntoView {
    let audience = team.unwrap_or_else(|| audience_name(visibility, None));
    let text = if is_waiting {
        "This is your proposed change. Saving replaces the proposal: "
    } else {
        "Saving proposes your change: "
    };
    view! {
        <div class="notice">
            <Glyph icon=Icon::Info />
            <span>
                {text} <bdi>{audience}</bdi> {format!(" sees version {version} until the change is approved.")}
            </span>
        </div>
    }
}

/// Notice in the edit form that a change makes the pending proposal stale.
#[component]
pub(crate) fn PendingHint(pending: PendingProposal) -> impl IntoView {
    let PendingProposal {
        id,
        visibility,
        team_name,
        ..
    } = pending;
    let audience = team_name.unwrap_or_else(|| audience_name(visibility, None));
    view! {
        <div class="notice notice-warning">
            <Glyph icon=Icon::Warning />
            <span>
                "You " <a class="link-line" href=format!("/memories/proposals/{id}")>"proposed"</a>
                " sharing this with " <bdi>{audience}</bdi>
                ". If you change it, the proposal can’t be accepted and you need to propose it again."
            </span>
        </div>
    }
}

#[component]
fn ShareForm(
    id: String,
    version: i32,
    choices: Vec<AudienceChoice>,
    limits_to_team: bool,
) -> impl IntoView {
    let state = FormState::<MemoryShare>::new();
    let is_immediate = choices.iter().filter(|choice| choice.is_immediate).count();
    let submit_label = if limits_to_team {
        "Limit to a team"
    } else if is_immediate == choices.len() {
        "Share"
    } else if is_immediate == 0 {
        "Propose"
    } else {
        "Share or propose"
    };
    let is_mixed = is_immediate > 0 && is_immediate < choices.len();
    let default_audience = choices
        .first()
        .map(|choice| choice.audience.key())
        .unwrap_or_default();
    let options = choices
        .into_iter()
        .map(|choice| {
            let name = if choice.team_name.is_empty() {
                "Organisation".to_owned()
            } else {
                choice.team_name
            };
            let label = if is_mixed && !choice.is_immediate {
                format!("{name} (needs approval)")
            } else {
                name
            };
            Choice::new(choice.audience.key(), label)
        })
        .collect();
    let hint = if is_immediate == 0 {
        "Shown to reviewers with the memory."
    } else {
        ""
    };
    view! {
        <PostForm state=state class="form">
            <input type="hidden" name="id" value=id />
            <input type="hidden" name="version" value=version.to_string() />
            <Confirm
                id="share"
                label=format!("{submit_label}…")
                class=""
                title="Share this memory"
                act=submit_label
                is_form=true
                is_open=state.field_error("comment").or(state.field_error("audience")).is_some()
            >
                    <SelectField
                        name="audience"
                        label="Share with"
                        choices=options
                        value=state.typed("audience", &default_audience)
                        error=state.field_error("audience")
                    />
                    {(is_immediate == 0 || is_mixed)
                        .then(|| {
                            view! {
                                <TextArea
                                    name="comment"
                                    label="Reason"
                                    hint=hint
                                    rows=3
                                    optional=true
                                    value=state.typed("comment", "")
                                    error=state.field_error("comment")
                                />
                            }
                        })}
            </Confirm>
        </PostForm>
    }
}

#[component]
fn Unshare(id: String) -> impl IntoView {
    let state = FormState::<MemoryUnshare>::new();
    view! {
        <PostForm state=state class="inline-form">
            <input type="hidden" name="id" value=id />
            <button type="submit" class="button">
                <Glyph icon=Icon::Undo />
                "Stop sharing"
            </button>
        </PostForm>
    }
}
